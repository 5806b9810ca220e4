using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Tests.Nodes;

/// <summary>
/// A house of several nodes on one real store, in one process: each node's writes are batches in one order, and a node hears those of the
/// others before its next one has its place. When it hears them else, the test says (<see cref="CarryAsync"/>).
/// </summary>
internal sealed class HouseOfNodes : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("auth-nodes-").FullName;
    private readonly AuthOptions _options;
    private readonly List<TestNode> _nodes = [];

    private HouseOfNodes(AuthOptions options)
    {
        _options = options;
        Store = DocumentStore.Open(Path.Combine(_folder, "accounts.db"));
        Log = RocksEventLog.Open(Path.Combine(_folder, "rooms"), null, Time, NullLogger<RocksEventLog>.Instance);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 23, 8, 0, 0, TimeSpan.Zero));

    public DocumentStore Store { get; }

    public RocksEventLog Log { get; }

    /// <summary>The row of the journal: who has it writes.</summary>
    public SemaphoreSlim Head { get; } = new(1);

    /// <summary>All batches, in their order. Under <see cref="Head"/>.</summary>
    public List<(TestNode By, IReadOnlyList<RecordChange> Records, IReadOnlyList<Storage.Replication.ReplicatedDocument> Documents)> Journal { get; } = [];

    /// <summary>Asks all nodes.</summary>
    public IRevocation Everywhere => new AllNodes(this);

    public TestTurns Turns { get; } = new();

    public IReadOnlyList<TestNode> Nodes => _nodes;

    public static async Task<HouseOfNodes> OpenAsync(int nodes = 2, AuthOptions? options = null)
    {
        HouseOfNodes house = new(options ?? new AuthOptions
        {
            SignInsPerMinutePerAddress = 0, GuestsPerMinutePerAddress = 0, RegistrationsPerHourPerAddress = 0, AccountTriesPerDay = 0,
            UserNameChangesPerMonth = 0, DisplayNameChangesPerHour = 0,
        });
        for (var i = 0; i < nodes; i++)
        {
            await house.StartAsync();
        }

        return house;
    }

    /// <summary>One more node.</summary>
    public async Task<TestNode> StartAsync()
    {
        TestNode node = new(this, $"node-{_nodes.Count + 1}");
        await node.OpenAsync(_options);
        node.Auth.Sessions.AskEverywhere(Everywhere);
        _nodes.Add(node);
        return node;
    }

    /// <summary>What is stored of login sessions and tokens.</summary>
    public int Stored => Log.ReadAll("s/"u8).Count;

    /// <summary>Every node hears what was written until now, and has done what it owes for that.</summary>
    public async Task CarryAsync()
    {
        foreach (var node in _nodes)
        {
            await node.CatchUpAsync();
        }

        await Task.WhenAll(_nodes.Select(node => node.Owed));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.Auth.DisposeAsync();
        }

        await Log.DisposeAsync();
        await Store.DisposeAsync();
        Head.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private sealed class AllNodes(HouseOfNodes house) : IRevocation
    {
        public Task RevokeAsync(IReadOnlyCollection<string> sessions, RevocationReason reason) =>
            Task.WhenAll(house._nodes.ConvertAll(node => node.Auth.Sessions.Here.RevokeAsync(sessions, reason)));
    }
}
