using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Cluster.Connections;

namespace WebMessenger.Cluster.Tests.Accounts;

/// <summary>A node of a cluster in this process, with accounts and nothing above them.</summary>
internal sealed class AccountNode : IAsyncDisposable
{
    public const string Password = "a quiet place 42";

    public static readonly IPAddress Home = IPAddress.Parse("192.0.2.10");

    private static readonly AuthOptions _options = new()
    {
        SignInsPerMinutePerAddress = 0, GuestsPerMinutePerAddress = 0, RegistrationsPerHourPerAddress = 0, AccountTriesPerDay = 0,
        UserNameChangesPerMonth = 0, DisplayNameChangesPerHour = 0, TokensPerAccount = 5,
    };

    private AccountNode(ClusterHouse house, AuthServices auth, FakeTimeProvider time) => (House, Auth, Time) = (house, auth, time);

    public ClusterHouse House { get; }

    public AuthServices Auth { get; }

    public FakeTimeProvider Time { get; }

    /// <summary>What is stored of login sessions and tokens.</summary>
    public int Stored => House.Records.ReadAll("s/"u8).Count;

    /// <summary>So many nodes on a database of their own, all of which serve.</summary>
    public static async Task<IReadOnlyList<AccountNode>> StartAsync(int count = 2)
    {
        var connection = await TestDatabase.ConnectionAsync();
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        List<AccountNode> nodes = [];
        for (var i = 0; i < count; i++)
        {
            nodes.Add(await OpenAsync(connection, time));
        }

        return nodes;
    }

    public async Task<Account> RegisterAsync(string userName) => Must(await Auth.Registration.RegisterAsync(
        userName + "@example.org", userName, userName, Password, Home, isLocal: true));

    public async Task<SignedIn> SignInAsync(string login, string password = Password) =>
        Must(await Auth.SignIn.WithPasswordAsync(login, password, "Firefox on Linux", Home));

    public Account Of(Account account) => Auth.Accounts.Find(account.Id)!;

    public Task EverywhereAsync() => House.Replication.EverywhereAsync();

    public static string Code<T>(Outcome<T> outcome)
        where T : class => outcome.TryGet(out _, out var refusal) ? "ok"
        : refusal is Refusal.Fields fields ? string.Join(' ', fields.Errors.Select(error => error.Field + ":" + error.Code))
        : refusal.GetType().Name;

    public static T Must<T>(Outcome<T> outcome)
        where T : class => outcome.TryGet(out var value, out _) ? value : throw new InvalidOperationException("Refused: " + Code(outcome));

    public async ValueTask DisposeAsync()
    {
        await Auth.DisposeAsync();
        await House.DisposeAsync();
    }

    private static async Task<AccountNode> OpenAsync(string connection, FakeTimeProvider time)
    {
        var house = await ClusterHouse.OpenAsync(new HouseOptions { Postgres = connection }, TimeProvider.System, NullLoggerFactory.Instance);
        AuthServices auth;
        using (await house.Turns.TakeAsync("start"))
        {
            NodePorts ports = new(house.Replication, house.Turns, house.Links, house.Duties);
            auth = await AuthServices.OpenAsync(
                house.Documents, null, house.Log, house.Records, _options, new PasswordCost(8, 1), time, NullLoggerFactory.Instance, ports);
            await house.Replication.BeginAsync();
        }

        await house.Links.StartAsync();
        return new AccountNode(house, auth, time);
    }
}

/// <summary>A client that is closed at once.</summary>
internal sealed class ClosedClient : IClient
{
    private readonly TaskCompletionSource<RevocationReason> _revoked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string ClientId => "client";

    public ClientCertificate? Certificate => null;

    public bool IsRevoked => _revoked.Task.IsCompleted;

    public Task<RevocationReason> Revoked => _revoked.Task;

    public static ClosedClient Of(LoginSession session)
    {
        ClosedClient client = new();
        Assert.True(session.TryAttach(client));
        return client;
    }

    public Task RevokeAsync(RevocationReason reason)
    {
        _revoked.TrySetResult(reason);
        return Task.CompletedTask;
    }
}
