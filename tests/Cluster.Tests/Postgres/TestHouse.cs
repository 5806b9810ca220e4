using System.Text;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Cluster.Tests.Postgres;

/// <summary>Several nodes' logs on one database.</summary>
internal sealed class TestHouse : IAsyncDisposable
{
    private readonly TestLog _database;
    private readonly List<TestNode> _nodes = [];

    private TestHouse(TestLog database) => _database = database;

    public static LogName Lobby { get; } = LogName.OfRoom("lobby");

    public TestNetwork Network { get; } = new();

    public string Connection => _database.Connection;

    public static async Task<TestHouse> CreateAsync() => new(await TestLog.CreateAsync());

    public TestNode Open(string name, PgEventLogOptions? options = null)
    {
        TestNode node = new(name, _database.Open(options: options, links: Network.Join(name)));
        _nodes.Add(node);
        return node;
    }

    /// <summary>Opens nodes that hear each other.</summary>
    public async Task<TestNode[]> OpenAsync(params string[] names)
    {
        TestNode[] nodes = [.. names.Select(name => Open(name))];
        foreach (var node in nodes)
        {
            await node.Log.Replication.BeginAsync();
        }

        return nodes;
    }

    public void LoseBatches() => Network.Fate = topic => topic is NodeTopic.Batch ? Fate.IsLost : Fate.Arrives;

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.Log.DisposeAsync();
        }
    }
}

/// <summary>One node's log, and what it hears.</summary>
internal sealed class TestNode
{
    private readonly Lock _gate = new();
    private readonly List<ReplicatedLog> _logs = [];
    private readonly Dictionary<string, string?> _records = [];
    private readonly List<string> _all = [];
    private int _ends;

    public TestNode(string name, PgEventLog log)
    {
        (Name, Log) = (name, log);
        log.Replication.HearRecords("k/", Hear);
        log.Replication.HearLogs(one =>
        {
            lock (_gate)
            {
                _logs.Add(one);
            }
        });
        log.Replication.HearEnd(() => Interlocked.Increment(ref _ends));
    }

    public string Name { get; }

    public PgEventLog Log { get; }

    /// <summary>Batches that it has heard.</summary>
    public int Ends => Volatile.Read(ref _ends);

    public IReadOnlyList<ReplicatedLog> Logs
    {
        get
        {
            lock (_gate)
            {
                return [.. _logs];
            }
        }
    }

    /// <summary>All changes of records that it has heard, in order: `key=value`.</summary>
    public IReadOnlyList<string> Records
    {
        get
        {
            lock (_gate)
            {
                return [.. _all];
            }
        }
    }

    /// <summary>A record as it has heard it, or has written it itself.</summary>
    public string? Memory(string key)
    {
        lock (_gate)
        {
            return _records.GetValueOrDefault(key);
        }
    }

    public async Task WriteAsync(string key, string? value)
    {
        await Log.WriteAsync([Change(key, value)]);
        lock (_gate)
        {
            _records[key] = value;
        }
    }

    public Task<AppendResult> Say(string text, string? id = null, LogName? log = null) =>
        Log.AppendAsync(log ?? TestHouse.Lobby, Name, id, (UInt128)(uint)text.GetHashCode(StringComparison.Ordinal), Encoding.UTF8.GetBytes(text));

    public List<string> Texts(LogName? log = null)
    {
        List<string> texts = [];
        while (Log.ReadAfter(log ?? TestHouse.Lobby, texts.Count, 1_000) is { Entries: { Count: > 0 } entries })
        {
            texts.AddRange(entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span)));
        }

        return texts;
    }

    public static RecordChange Change(string key, string? value) => new(Encoding.UTF8.GetBytes(key), value is null ? null : Encoding.UTF8.GetBytes(value));

    private void Hear(RecordChange change)
    {
        var (key, value) = (Encoding.UTF8.GetString(change.Key), change.Value is null ? null : Encoding.UTF8.GetString(change.Value));
        lock (_gate)
        {
            _records[key] = value;
            _all.Add($"{key}={value}");
        }
    }
}
