using System.Collections.Concurrent;
using System.Security.Cryptography;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Passwords;

/// <summary>
/// The last password of each account that was found right, for ten minutes:
/// a device that reconnects does not cost an Argon2 hash each time.
/// </summary>
/// <remarks>
/// Kept as an HMAC under a key that never leaves the process, and valid only for the credential that it was checked against:
/// a password change ends it.
/// </remarks>
internal sealed class RememberedPasswords(TimeProvider time)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    // More accounts than this by password within ten minutes: the oldest are checked anew.
    private const int MaxEntries = 50_000;

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<string, (byte[] Mac, PasswordHash Credential, long At)> _entries = new();

    public PasswordHash? Find(Account account, Password password) =>
        _entries.TryGetValue(account.Id, out var entry)
        && time.GetElapsedTime(entry.At) < Lifetime
        && ReferenceEquals(entry.Credential, account.Credential)
        && CryptographicOperations.FixedTimeEquals(entry.Mac, Mac(password))
            ? entry.Credential
            : null;

    public void Add(Account account, PasswordHash credential, Password password)
    {
        if (_entries.Count >= MaxEntries)
        {
            foreach (var (id, entry) in _entries)
            {
                if (time.GetElapsedTime(entry.At) >= Lifetime)
                {
                    _entries.TryRemove(id, out _);
                }
            }
        }

        if (/* guard: memory: passwords that were right */ _entries.Count < MaxEntries)
        {
            _entries[account.Id] = (Mac(password), credential, time.GetTimestamp());
        }
    }

    private byte[] Mac(Password password) => HMACSHA256.HashData(_key, password.Bytes);
}
