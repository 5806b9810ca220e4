using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Cluster.Postgres;

/// <summary>What a batch has made of the logs that it changed, and what other nodes are told of it.</summary>
/// <param name="Heads">Of each log that the batch changed, after it.</param>
/// <param name="Changes">As the journal tells them.</param>
internal sealed record HeardBatch(
    long Number,
    string Node,
    IReadOnlyDictionary<LogName, PgHead> Heads,
    IReadOnlyList<LogChange> Changes,
    IReadOnlyCollection<RecordChange> Records,
    IReadOnlyList<ReplicatedDocument> Documents)
{
    private const byte Version = 1;

    /// <summary>Records whose keys begin so are one node's business: retained values and what stands beside them, places of data
    /// clients.</summary>
    /// <remarks>Whoever takes such a thing over from another node reads it from the database.</remarks>
    private static readonly byte[][] _ownBusiness = [[.. "v/"u8], [.. "durable/d/"u8]];

    /// <summary>As they were brought along, by log and oldest first; not part of what is stored.</summary>
    public IReadOnlyDictionary<LogName, IReadOnlyList<LogEntry>> Entries { get; init; } = _noEntries;

    private static readonly Dictionary<LogName, IReadOnlyList<LogEntry>> _noEntries = [];

    public static bool IsForOthers(ReadOnlySpan<byte> key)
    {
        foreach (var prefix in _ownBusiness)
        {
            if (key.StartsWith(prefix))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// version(1) node, count of logs × (name id epoch head first last-at), changes × (log kind from to), records × (key 0|1 [value]),
    /// documents × (collection id version json).
    /// </summary>
    public byte[] Encode()
    {
        WireWriter to = new();
        to.Byte(Version);
        to.Text(Node);
        Dictionary<LogName, int> places = [];
        to.Number(Heads.Count);
        foreach (var (log, head) in Heads)
        {
            places[log] = places.Count;
            to.Text(log.Value);
            to.Number(head.Id);
            to.Text(head.Epoch);
            to.Number(head.Head);
            to.Number(head.First);
            to.Number(head.LastAt);
        }

        to.Number(Changes.Count);
        foreach (var change in Changes)
        {
            to.Number(places[change.Log]);
            to.Byte((byte)change.Kind);
            to.Number(change.From);
            to.Number(change.To);
        }

        var records = Records.Where(record => IsForOthers(record.Key)).ToList();
        to.Number(records.Count);
        foreach (var record in records)
        {
            to.Bytes(record.Key);
            to.Byte(record.Value is null ? (byte)0 : (byte)1);
            if (record.Value is not null)
            {
                to.Bytes(record.Value);
            }
        }

        to.Number(Documents.Count);
        foreach (var document in Documents)
        {
            to.Text(document.Collection);
            to.Text(document.Id);
            to.Number(document.Version);
            to.Bytes(document.Json.Span);
        }

        return to.ToArray();
    }

    /// <summary>Null: these bytes are not such a batch, or one of another version.</summary>
    public static HeardBatch? Decode(long number, ReadOnlySpan<byte> bytes)
    {
        WireReader from = new(bytes);
        if (from.Byte() != Version)
        {
            return null;
        }

        var node = from.Text();
        Dictionary<LogName, PgHead> heads = [];
        List<LogName> logs = [];
        for (var left = from.Count(); left > 0 && from.IsGood; left--)
        {
            var log = LogName.Stored(from.Text());
            heads[log] = new(from.Number(), from.Text(), from.Number(), from.Number(), from.Number());
            logs.Add(log);
        }

        List<LogChange> changes = [];
        for (var left = from.Count(); left > 0 && from.IsGood; left--)
        {
            var place = from.Number();
            LogChange change = new(default, (JournalKind)from.Byte(), from.Number(), from.Number());
            if (place >= logs.Count)
            {
                from.Fail();
                break;
            }

            changes.Add(change with { Log = logs[(int)place] });
        }

        List<RecordChange> records = [];
        for (var left = from.Count(); left > 0 && from.IsGood; left--)
        {
            var key = from.Bytes().ToArray();
            records.Add(new(key, from.Byte() == 0 ? null : from.Bytes().ToArray()));
        }

        List<ReplicatedDocument> documents = [];
        for (var left = from.Count(); left > 0 && from.IsGood; left--)
        {
            documents.Add(new(from.Text(), from.Text(), from.Number(), from.Bytes().ToArray()));
        }

        return from.IsGood && from.IsAtEnd ? new(number, node, heads, changes, records, documents) : null;
    }

    /// <summary>What was appended, for other nodes' clients: logs × (name, entries × (seq at author body)).</summary>
    public byte[] EncodeEntries()
    {
        WireWriter to = new();
        to.Number(Entries.Count);
        foreach (var (log, entries) in Entries)
        {
            to.Text(log.Value);
            to.Number(entries.Count);
            foreach (var entry in entries)
            {
                to.Number(entry.Seq);
                to.Number(entry.At.ToUnixTimeMilliseconds());
                to.Text(entry.Author);
                to.Bytes(entry.Body.Span);
            }
        }

        return to.ToArray();
    }

    /// <summary>Null: these bytes are not such entries.</summary>
    public static IReadOnlyDictionary<LogName, IReadOnlyList<LogEntry>>? DecodeEntries(ReadOnlySpan<byte> bytes)
    {
        WireReader from = new(bytes);
        Dictionary<LogName, IReadOnlyList<LogEntry>> logs = [];
        for (var left = from.Count(); left > 0 && from.IsGood; left--)
        {
            var log = LogName.Stored(from.Text());
            List<LogEntry> entries = [];
            for (var more = from.Count(); more > 0 && from.IsGood; more--)
            {
                var (seq, at, author) = (from.Number(), from.Number(), from.Text());
                if (at > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
                {
                    from.Fail();
                    break;
                }

                entries.Add(new(seq, DateTimeOffset.FromUnixTimeMilliseconds(at), author, from.Bytes().ToArray()));
            }

            logs[log] = entries;
        }

        return from.IsGood && from.IsAtEnd ? logs : null;
    }

    /// <summary>As those hear it who listen.</summary>
    public ReplicatedBatch ToReplicated() => new(
        Number,
        Node,
        [.. Changes.Select(change => new ReplicatedLog(change.Log, change.Kind, change.From, change.To, Heads[change.Log].ToHead(), EntriesOf(change)))],
        [.. Records],
        Documents);

    private IReadOnlyList<LogEntry> EntriesOf(LogChange change) =>
        change.Kind is not JournalKind.Append || !Entries.TryGetValue(change.Log, out var entries) ? []
        : [.. entries.Where(entry => entry.Seq >= change.From && entry.Seq <= change.To)];
}
