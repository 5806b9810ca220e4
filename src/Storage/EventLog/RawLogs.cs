using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>One event as it is stored.</summary>
/// <param name="Author">UTF-8, as is <paramref name="Id"/>; null: it has none.</param>
internal readonly record struct RawEvent(long Seq, long At, byte[] Author, byte[]? Id, byte[] Body, long ChangedBy, long ChangedAt);

/// <summary>All that is stored of logs and records, in the order of keys, for whoever takes it elsewhere as it is.</summary>
/// <remarks>It has the store for itself. What cannot be read throws <see cref="IOException"/>.</remarks>
internal sealed class RawLogs : IDisposable
{
    private readonly RocksStore _store;

    private RawLogs(RocksStore store) => _store = store;

    /// <exception cref="IOException">It cannot be opened, or is of an older format.</exception>
    public static RawLogs Open(string folder, TimeProvider time)
    {
        var store = RocksStore.Open(folder, new RocksEventLogOptions(), time, NullLogger.Instance);
        if (store.IsOfOlderFormat)
        {
            store.Dispose();
            throw new IOException($"The event log in {folder} is of an older version: start the server once.");
        }

        return new RawLogs(store);
    }

    /// <summary>All logs from a name on, that one among them; null: from the first.</summary>
    public IEnumerable<LogName> Names(LogName? from = null)
    {
        using var iterator = _store.Db.NewIterator();
        for (iterator.Seek(from is { } name ? LogRecords.Prefix(Encoding.ASCII.GetBytes(name.Value)) : LogRecords.FirstLogKey); iterator.Valid();)
        {
            var found = LogRecords.NameIn(iterator.GetKeySpan()).ToArray();
            yield return LogName.Stored(found);
            iterator.Seek(LogRecords.End(found));
        }

        RocksStore.ThrowIfFailed(iterator);
    }

    public HeadRecord Head(LogName log) =>
        RocksStore.ReadHead(_store.Db, PrefixOf(log)) ?? throw new LogDamagedException($"The event log lacks the head of {log}.");

    /// <summary>The events behind a seq. Of those that were truncated there are such as keep an id known, without a body.</summary>
    public IEnumerable<RawEvent> Events(LogName log, long after = 0)
    {
        var prefix = PrefixOf(log);
        foreach (var (key, value) in Between(LogRecords.EventKey(prefix, after + 1), LogRecords.EventKey(prefix, long.MaxValue)))
        {
            yield return EventOf(LogRecords.SeqIn(key), value);
        }
    }

    /// <summary>The ids behind a key, each with the key under which it is stored.</summary>
    public IEnumerable<(byte[] Key, IdRecord Id)> Ids(LogName log, byte[]? after = null)
    {
        byte[] first = [.. PrefixOf(log), (byte)'i'];
        byte[] end = [.. first[..^1], (byte)('i' + 1)];
        foreach (var (key, value) in Between(after is null ? first : [.. after, 0], end))
        {
            yield return (key, LogRecords.ReadId(value));
        }
    }

    /// <summary>The records behind a key; empty: all.</summary>
    public IEnumerable<KeyValuePair<byte[], byte[]>> Records(byte[]? after = null)
    {
        var first = new byte[LogRecords.MaxStoredRecordKey];
        first = first[..LogRecords.RecordKey(first, after ?? [])];
        var end = first[..LogRecords.RecordKey(first, [])];
        foreach (var (key, value) in Between(after is { Length: > 0 } ? [.. first, 0] : first, LogRecords.EndOfPrefix(end)))
        {
            yield return new(LogRecords.RecordKeyIn(key).ToArray(), value);
        }
    }

    public void Dispose() => _store.Dispose();

    private IEnumerable<(byte[] Key, byte[] Value)> Between(byte[] first, byte[] end)
    {
        // Without an end the iterator goes on over all that was deleted behind it.
        var options = new ReadOptions().SetIterateUpperBound(end);
        using var iterator = _store.Db.NewIterator(readOptions: options);
        for (iterator.Seek(first); iterator.Valid(); iterator.Next())
        {
            yield return (iterator.GetKeySpan().ToArray(), iterator.GetValueSpan().ToArray());
        }

        RocksStore.ThrowIfFailed(iterator);
        GC.KeepAlive(options);
    }

    private static byte[] PrefixOf(LogName log) => LogRecords.Prefix(Encoding.ASCII.GetBytes(log.Value));

    private static RawEvent EventOf(long seq, byte[] value)
    {
        var view = LogRecords.ReadEvent(value);
        return new RawEvent(seq, view.At, view.Author.ToArray(), view.HasId ? view.Id.ToArray() : null, view.Body.ToArray(), view.ChangedBy, view.ChangedAt);
    }
}
