using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LiteDB;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;
using WebMessenger.Load.Wire;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Load.Servers;

/// <summary>
/// Accounts with an access token each, made once in a data folder that every round starts with a copy of. Made through Auth and not through the HTTP API: each password costs a deliberate
/// 20 to 50 ms, which is not what is measured here.
/// </summary>
internal sealed class AccountSeed : IDisposable
{
    public const string Password = "correct horse battery staple";

    private const string FileName = "accounts.db";

    private readonly string _folder;

    private AccountSeed(string folder, IReadOnlyList<Login> logins) => (_folder, Logins) = (folder, logins);

    public IReadOnlyList<Login> Logins { get; }

    public static async Task<AccountSeed> CreateAsync(int accounts, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("webmessenger-seed-").FullName;
        try
        {
            var logins = new Login[accounts];
            AuthOptions options = new() { RegistrationsPerHourPerAddress = 0, SignInsPerMinutePerAddress = 0 };
            // Only accounts.db is kept of it.
            var rooms = Directory.CreateDirectory(Path.Combine(folder, "rooms")).FullName;
            await using (var store = DocumentStore.Open(Path.Combine(folder, FileName)))
            await using (var log = RocksRoomLog.Open(rooms, null, TimeProvider.System, NullLogger<RocksRoomLog>.Instance))
            await using (var auth = await AuthServices.OpenAsync(store, log, log, options, TimeProvider.System, NullLoggerFactory.Instance))
            {
                // Auth checks two passwords at a time.
                ParallelOptions parallel = new() { MaxDegreeOfParallelism = 2, CancellationToken = cancellation };
                await Parallel.ForAsync(0, accounts, parallel, async (i, _) => logins[i] = await RegisterAsync(auth, store, i));
            }

            Directory.Delete(rooms, recursive: true);

            return new AccountSeed(folder, logins);
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    public void CopyTo(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(_folder))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task<Login> RegisterAsync(AuthServices auth, DocumentStore store, int number)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"member-{number:0000}");
        var registered = await auth.Registration.RegisterAsync($"{name}@example.org", name, name, Password, null, isLocal: true);
        if (!registered.TryGet(out var account, out var refusal))
        {
            throw new LoadException($"The account {name} could not be made: {refusal}");
        }

        // As version 0.1 kept it: an earlier build that is measured beside this one finds it there, and this one takes it over as it starts.
        var secret = "wm_" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        await store.WriteAsync(database => database.GetCollection("accessTokens").Insert(new BsonDocument
        {
            ["_id"] = name,
            ["account"] = account.Id,
            ["name"] = "load",
            ["secret"] = SHA256.HashData(Encoding.UTF8.GetBytes(secret)),
            ["rooms"] = BsonValue.Null,
            ["verbs"] = (int)Verbs.All,
            ["created"] = account.CreatedAt.ToUnixTimeMilliseconds(),
            ["expires"] = BsonValue.Null,
            ["lastSeen"] = account.CreatedAt.ToUnixTimeMilliseconds(),
            ["address"] = BsonValue.Null,
        }));
        return new Login(name, secret);
    }
}
