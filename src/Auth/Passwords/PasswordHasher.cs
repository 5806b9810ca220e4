using System.Security.Cryptography;
using NSec.Cryptography;

namespace WebMessenger.Auth.Passwords;

internal enum Verification
{
    Match,
    NoMatch,

    /// <summary>Too many are waiting already; nothing was checked.</summary>
    Busy,
}

/// <summary>Computes Argon2id, two at a time: a flood of sign-ins must leave processor and memory to the chat.</summary>
internal sealed class PasswordHasher : IDisposable
{
    private const int AtATime = 2;

    // At two in about 40 ms, the last of them waits for about a second.
    private const int MaxWaiting = 64;

    private readonly SemaphoreSlim _turns = new(AtATime, AtATime);
    private readonly PasswordCost _cost;
    private readonly PasswordHash _nobodys;
    private int _waiting;

    public PasswordHasher(PasswordCost cost)
    {
        _cost = cost;
        _nobodys = new PasswordHash(cost, RandomNumberGenerator.GetBytes(PasswordHash.SaltBytes), RandomNumberGenerator.GetBytes(PasswordHash.HashBytes));
    }

    public bool NeedsRehash(PasswordHash stored) => stored.Cost.IsBelow(_cost);

    /// <summary>Null: busy.</summary>
    public Task<PasswordHash?> HashAsync(Password password) => TakeTurnAsync(() =>
    {
        var salt = RandomNumberGenerator.GetBytes(PasswordHash.SaltBytes);
        return new PasswordHash(_cost, salt, Derive(_cost, salt, password));
    });

    /// <summary>With nothing stored (no such account, a guest) it takes the same time and never matches.</summary>
    public async Task<Verification> VerifyAsync(PasswordHash? stored, Password password)
    {
        var against = stored ?? _nobodys;
        var derived = await TakeTurnAsync(() => Derive(against.Cost, against.Salt, password));
        if (derived is null)
        {
            return Verification.Busy;
        }

        var equal = CryptographicOperations.FixedTimeEquals(derived, against.Hash);
        return equal && stored is not null ? Verification.Match : Verification.NoMatch;
    }

    public void Dispose() => _turns.Dispose();

    private static byte[] Derive(PasswordCost cost, byte[] salt, Password password)
    {
        var argon2id = PasswordBasedKeyDerivationAlgorithm.Argon2id(
            new Argon2Parameters { MemorySize = cost.MemoryKiB, NumberOfPasses = cost.Passes, DegreeOfParallelism = 1 });
        return argon2id.DeriveBytes(password.Bytes, salt, PasswordHash.HashBytes);
    }

    private async Task<T?> TakeTurnAsync<T>(Func<T> work)
        where T : class
    {
        if (Interlocked.Increment(ref _waiting) > MaxWaiting + AtATime)
        {
            Interlocked.Decrement(ref _waiting);
            return null;
        }

        try
        {
            await _turns.WaitAsync();
            try
            {
                return await Task.Run(work);
            }
            finally
            {
                _turns.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
