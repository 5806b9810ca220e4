using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Auth.Tests.Nodes;

/// <summary>One node: all of Auth over the house's store.</summary>
internal sealed class TestNode(HouseOfNodes house, string name) : IReplication, IRecords, IDocuments, IDuties
{
    private readonly ReplicationListeners _listeners = new(NullLogger.Instance);
    private readonly Lock _hearing = new();
    private Task _lastWrite = Task.CompletedTask;
    private Task _mayWrite = Task.CompletedTask;
    private TaskCompletionSource? _pause;
    private TaskCompletionSource _waits = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _heard;

    public string Name { get; } = name;

    public AuthServices Auth { get; private set; } = null!;

    /// <summary>What it owes for what it has heard.</summary>
    public Task Owed { get; private set; } = Task.CompletedTask;

    /// <summary>Whether what is swept for all is swept here.</summary>
    public bool Sweeps { get; set; } = true;

    public bool IsAlone => false;

    public async Task OpenAsync(AuthOptions options)
    {
        _heard = house.Journal.Count;
        NodePorts ports = new(this, house.Turns.Of(this), AloneLinks.Instance, this);
        Auth = await AuthServices.OpenAsync(this, null, house.Log, this, options, AuthFixture.Cheap, house.Time, NullLoggerFactory.Instance, ports);
        _listeners.Begin();
    }

    public async Task<Account> RegisterAsync(string userName, string? displayName = null) =>
        AuthFixture.Must(await Auth.Registration.RegisterAsync(userName + "@example.org", userName, displayName ?? userName, AuthFixture.Password, AuthFixture.Home, isLocal: true));

    public async Task<SignedIn> SignInAsync(string login, string password = AuthFixture.Password) =>
        AuthFixture.Must(await Auth.SignIn.WithPasswordAsync(login, password, "Firefox on Linux", AuthFixture.Home));

    public Task<Outcome<LoginSession>> MqttAsync(string userName, string password = AuthFixture.Password, string clientId = "client-1") =>
        Auth.MqttSignIn.AuthenticateAsync(userName, System.Text.Encoding.UTF8.GetBytes(password), clientId, AuthFixture.Home, passwordsAllowed: true);

    public Account Of(Account account) => Auth.Accounts.Find(account.Id)!;

    /// <summary>What it writes from here on has no place in the order yet.</summary>
    public void Pause()
    {
        _waits = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _mayWrite = (_pause = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }

    /// <summary>Since it was paused, something was handed over.</summary>
    public Task Waits => _waits.Task;

    public void GoOn() => _pause!.SetResult();

    /// <summary>Hears what the others have written by now.</summary>
    public async Task CatchUpAsync()
    {
        await house.Head.WaitAsync();
        try
        {
            Hear();
        }
        finally
        {
            house.Head.Release();
        }
    }

    public void HearRecords(string prefix, Action<RecordChange> heard) => _listeners.HearRecords(prefix, heard);

    public void HearDocuments(string collection, Action<ReplicatedDocument> heard) => _listeners.HearDocuments(collection, heard);

    public void HearLogs(Action<ReplicatedLog> heard) => _listeners.HearLogs(heard);

    public void HearEnd(Action heard) => _listeners.HearEnd(heard);

    public void Owe(Task work) => _listeners.Owe(work);

    public Task BeginAsync() => CatchUpAsync();

    public Task EverywhereAsync() => house.CarryAsync();

    public bool Has(string duty) => Sweeps;

    public string? HolderOf(string duty) => Sweeps ? Name : null;

    public Task RunAsync(string duty, Func<CancellationToken, Task> work, CancellationToken stop) => work(stop);

    public Task WriteAsync(IReadOnlyList<RecordChange> changes) => WriteAsync(changes, []);

    public Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions) => InOrderAsync(async () =>
    {
        var outcome = await house.Log.WriteAsync(changes, conditions);
        if (outcome == WriteOutcome.Written)
        {
            house.Journal.Add((this, changes, []));
        }

        return outcome;
    });

    public byte[]? Find(ReadOnlySpan<byte> key) => house.Log.Find(key);

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit) =>
        house.Log.ReadPage(prefix, after, limit);

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) => house.Log.ReadAll(prefix);

    public Task<Document?> GetAsync(string collection, string id) => house.Store.Documents.GetAsync(collection, id);

    public Task<IReadOnlyList<Document>> PageAsync(string collection, string? after, int limit, string prefix = "") =>
        house.Store.Documents.PageAsync(collection, after, limit, prefix);

    public Task<string?> OwnerAsync(string scope, string value) => house.Store.Documents.OwnerAsync(scope, value);

    public Task<CommitOutcome> CommitAsync(IReadOnlyList<DocumentChange> changes) => InOrderAsync(async () =>
    {
        var outcome = await house.Store.Documents.CommitAsync(changes);
        if (!outcome.IsDone)
        {
            return outcome;
        }

        List<ReplicatedDocument> written = [];
        foreach (var change in changes)
        {
            if (change is DocumentChange.Delete delete)
            {
                written.Add(new(delete.Collection, delete.Id, 0, default));
            }
            else if (change is DocumentChange.Put put && await house.Store.Documents.GetAsync(put.Collection, put.Id) is { } document)
            {
                written.Add(new(put.Collection, put.Id, document.Version, document.Json));
            }
        }

        house.Journal.Add((this, [], written));
        return outcome;
    });

    public DocumentFollower Follow() => house.Store.Documents.Follow();

    // One node's writes have the order in which they were handed over, and each comes after all that the node has heard by then.
    private Task<T> InOrderAsync<T>(Func<Task<T>> write)
    {
        lock (_hearing)
        {
            _waits.TrySetResult();
            var task = AfterAsync(_lastWrite, _mayWrite, write);
            _lastWrite = task;
            return task;
        }
    }

    private async Task<T> AfterAsync<T>(Task before, Task may, Func<Task<T>> write)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        await may;
        await house.Head.WaitAsync();
        try
        {
            Hear();
            return await write();
        }
        finally
        {
            house.Head.Release();
        }
    }

    // With the head.
    private void Hear()
    {
        for (; _heard < house.Journal.Count; _heard++)
        {
            var (by, records, documents) = house.Journal[_heard];
            if (by != this)
            {
                Owed = Task.WhenAll(Owed, _listeners.Hear(new ReplicatedBatch(_heard, by.Name, [], records, documents)));
            }
        }
    }
}

/// <summary>Turns of all nodes of a house: who has one has heard what was written in those before.</summary>
internal sealed class TestTurns
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, SemaphoreSlim> _turns = new();

    public ITurns Of(TestNode node) => new OfNode(this, node);

    private sealed class OfNode(TestTurns turns, TestNode node) : ITurns
    {
        public bool IsAlone => false;

        public async Task<IDisposable> TakeAsync(string name, bool isShared = false, CancellationToken cancellation = default)
        {
            var turn = turns._turns.GetOrAdd(name, _ => new SemaphoreSlim(1));
            await turn.WaitAsync(cancellation);
            await node.CatchUpAsync();
            return new Entry(turn);
        }
    }

    private sealed class Entry(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
