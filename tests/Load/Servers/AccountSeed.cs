using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth;
using WebMessenger.Auth.Limits;
using WebMessenger.Load.Wire;
using WebMessenger.Storage.Documents;

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
            await using (var store = DocumentStore.Open(Path.Combine(folder, FileName)))
            await using (var auth = await AuthServices.OpenAsync(store, options, TimeProvider.System, NullLoggerFactory.Instance))
            {
                // Auth checks two passwords at a time.
                ParallelOptions parallel = new() { MaxDegreeOfParallelism = 2, CancellationToken = cancellation };
                await Parallel.ForAsync(0, accounts, parallel, async (i, _) => logins[i] = await RegisterAsync(auth, i));
            }

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

    private static async Task<Login> RegisterAsync(AuthServices auth, int number)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"member-{number:0000}");
        var registered = await auth.Registration.RegisterAsync($"{name}@example.org", name, name, Password, null, isLocal: true);
        if (!registered.TryGet(out var account, out var refusal))
        {
            throw new LoadException($"The account {name} could not be made: {refusal}");
        }

        var created = await auth.Tokens.CreateAsync(account, "load", null, null, null);
        return created.TryGet(out var token, out refusal)
            ? new Login(name, token.Secret)
            : throw new LoadException($"A token for {name} could not be made: {refusal}");
    }
}
