using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LiteDB;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;
using WebMessenger.Wire.Testing;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Load.Servers;

/// <summary>
/// Accounts with an access token each, made once in a file that every round starts with a copy of, as version 0.1 wrote it.
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
            var password = await HashAsync(cancellation);
            await using var store = DocumentStore.Open(Path.Combine(folder, FileName));
            var logins = await store.WriteAsync(database => Enumerable.Range(0, accounts).Select(number => Write(database, number, password)).ToArray());
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

    /// <summary>
    /// The hash of <see cref="Password"/>: made once, as it costs a deliberate 20 to 50 ms, and read from a data folder of its own.
    /// </summary>
    public static async Task<string> HashAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("webmessenger-hash-").FullName;
        try
        {
            return await HashInAsync(folder, cancellation);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> HashInAsync(string folder, CancellationToken cancellation)
    {
        AuthOptions options = new() { RegistrationsPerHourPerAddress = 0, SignInsPerMinutePerAddress = 0 };
        await using (var store = DocumentStore.Open(Path.Combine(folder, FileName)))
        await using (var log = RocksEventLog.Open(Path.Combine(folder, "rooms"), null, TimeProvider.System, NullLogger<RocksEventLog>.Instance))
        await using (var auth = await AuthServices.OpenAsync(store, log, log, options, TimeProvider.System, NullLoggerFactory.Instance))
        {
            var registered = await auth.Registration.RegisterAsync("member@example.org", "member", "member", Password, null, isLocal: true).WaitAsync(cancellation);
            if (!registered.TryGet(out var account, out var refusal) || await store.Documents.GetAsync("accounts", account.Id) is not { } stored)
            {
                throw new LoadException($"An account could not be made: {refusal}");
            }

            using var json = JsonDocument.Parse(stored.Json);
            return json.RootElement.GetProperty("password").GetString()!;
        }
    }

    // As version 0.1 kept it: an earlier build that is measured beside this one finds it there, and this one takes it over as it starts.
    private static Login Write(ILiteDatabase database, int number, string password)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"member-{number:0000}");
        var id = string.Create(CultureInfo.InvariantCulture, $"aload{number:0000000000}");
        var secret = "wm_" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        database.GetCollection("accounts").Insert(new BsonDocument
        {
            ["_id"] = id,
            ["kind"] = "person",
            ["created"] = now,
            ["userName"] = name,
            ["displayName"] = name,
            ["email"] = name + "@example.org",
            ["signsInByEmail"] = true,
            ["administrator"] = number == 0,
            ["password"] = password,
            ["timesBanned"] = 0,
            ["ban"] = BsonValue.Null,
        });
        database.GetCollection("userNames").Insert(new BsonDocument { ["_id"] = name, ["name"] = name, ["account"] = id });
        database.GetCollection("emails").Insert(new BsonDocument { ["_id"] = name + "@example.org", ["account"] = id });
        database.GetCollection("accessTokens").Insert(new BsonDocument
        {
            ["_id"] = name,
            ["account"] = id,
            ["name"] = "load",
            ["secret"] = SHA256.HashData(Encoding.UTF8.GetBytes(secret)),
            ["rooms"] = BsonValue.Null,
            ["verbs"] = (int)Verbs.All,
            ["created"] = now,
            ["expires"] = BsonValue.Null,
            ["lastSeen"] = now,
            ["address"] = BsonValue.Null,
        });
        return new Login(name, secret);
    }
}
