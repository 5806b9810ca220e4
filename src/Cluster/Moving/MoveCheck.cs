using Npgsql;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Moving;

/// <summary>Compares all that was moved with the folder: how many there are, and the sum of all that is in them.</summary>
internal sealed class MoveCheck(DocumentStore documents, RawLogs logs, NpgsqlConnection database, MoveLines lines)
{
    private readonly MoveRow _row = new();

    /// <exception cref="IOException">Something differs; the message names it.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await CheckDocumentsAsync(cancellation);
        await CheckClaimsAsync(cancellation);
        await CheckRecordsAsync(cancellation);
        await CheckLogsAsync(cancellation);
    }

    private async Task CheckDocumentsAsync(CancellationToken cancellation)
    {
        MoveSum here = new();
        foreach (var collection in await documents.CollectionsAsync())
        {
            await foreach (var document in documents.Documents.AllAsync(collection).WithCancellation(cancellation))
            {
                _row.With(collection).With(document.Id).With(document.Version).With(document.Json.Span).EndIn(here);
            }
        }

        MoveSum there = new();
        await ReadAsync(
            "SELECT collection, id, version, json::text FROM documents",
            row => _row.With(row.GetString(0)).With(row.GetString(1)).With(row.GetInt64(2)).With(row.GetString(3)).EndIn(there), cancellation);
        ThrowIfOther("documents", here, there);
    }

    private async Task CheckClaimsAsync(CancellationToken cancellation)
    {
        MoveSum here = new();
        for (RawClaim? last = null; await documents.ClaimsAsync(last, DocumentLimits.Page) is { Count: > 0 } page; last = page[^1])
        {
            page.ForEach(claim => _row.With(claim.Scope).With(claim.Value).With(claim.Owner).EndIn(here));
        }

        MoveSum there = new();
        await ReadAsync(
            "SELECT scope, value, owner FROM claims", row => _row.With(row.GetString(0)).With(row.GetString(1)).With(row.GetString(2)).EndIn(there), cancellation);
        ThrowIfOther("claims", here, there);
    }

    private async Task CheckRecordsAsync(CancellationToken cancellation)
    {
        MoveSum here = new();
        foreach (var (key, value) in logs.Records())
        {
            cancellation.ThrowIfCancellationRequested();
            _row.With(key).With(value).EndIn(here);
        }

        MoveSum there = new();
        await ReadAsync(
            "SELECT key, value FROM records", row => _row.With(row.GetFieldValue<byte[]>(0)).With(row.GetFieldValue<byte[]>(1)).EndIn(there), cancellation);
        ThrowIfOther("records", here, there);
    }

    // Each log for itself, so that one can be named.
    private async Task CheckLogsAsync(CancellationToken cancellation)
    {
        Dictionary<long, (string Name, MoveSum Sum)> there = [];
        await ReadAsync(
            "SELECT id, name, epoch, head, first, last_at FROM logs",
            row =>
            {
                MoveSum sum = new();
                _row.With(row.GetString(2)).With(row.GetInt64(3)).With(row.GetInt64(4)).With(row.GetInt64(5)).EndIn(sum);
                there[row.GetInt64(0)] = (row.GetString(1), sum);
            },
            cancellation);
        await ReadAsync(
            "SELECT log_id, seq, at, author, key, body, changed_by, changed_at FROM events",
            row => _row.With(row.GetInt64(1)).With(row.GetInt64(2)).With(row.GetFieldValue<byte[]>(3)).With(row.IsDBNull(4) ? null : row.GetGuid(4))
                .With(row.GetFieldValue<byte[]>(5)).With(row.GetInt64(6)).With(row.GetInt64(7)).EndIn(SumOf(there, row.GetInt64(0))),
            cancellation);
        await ReadAsync(
            "SELECT log_id, key, hash, seq, at FROM event_ids",
            row => _row.With(row.GetGuid(1)).With(row.GetGuid(2)).With(row.GetInt64(3)).With(row.GetInt64(4)).EndIn(SumOf(there, row.GetInt64(0))),
            cancellation);
        var byName = there.Values.ToDictionary(log => log.Name, log => log.Sum);
        var events = 0L;
        foreach (var log in logs.Names())
        {
            cancellation.ThrowIfCancellationRequested();
            ThrowIfOther($"rows of the log {log}", SumOf(log, ref events), byName.GetValueOrDefault(log.Value) ?? new MoveSum());
            byName.Remove(log.Value);
        }

        if (byName.Keys.FirstOrDefault() is { } more)
        {
            throw new IOException($"The log {more} is in the database, and not in the folder. Begin anew with an empty database.");
        }

        lines.Say($"{events:N0} events of {there.Count:N0} logs are as in the folder");
    }

    private MoveSum SumOf(LogName log, ref long events)
    {
        MoveSum sum = new();
        var head = logs.Head(log);
        _row.With(head.Epoch).With(head.Head).With(head.First).With(head.LastAt).EndIn(sum);
        foreach (var stored in logs.Events(log).Where(stored => stored.Seq >= head.First || stored.Id is not null))
        {
            events += stored.Seq >= head.First ? 1 : 0;
            var kept = FolderMove.Kept(stored, head.First);
            _row.With(kept.Seq).With(kept.At).With(kept.Author).With(MovePart.KeyOf(log, kept)).With(kept.Body).With(kept.ChangedBy).With(kept.ChangedAt).EndIn(sum);
        }

        foreach (var (key, id) in logs.Ids(log))
        {
            _row.With(PgKeys.Of(key)).With(PgKeys.ToGuid(id.ContentHash)).With(id.Seq).With(id.At).EndIn(sum);
        }

        return sum;
    }

    private static MoveSum SumOf(Dictionary<long, (string Name, MoveSum Sum)> there, long id) =>
        there.TryGetValue(id, out var log) ? log.Sum : throw new IOException($"The database has rows of a log {id} that it does not name. Begin anew with an empty one.");

    private async Task ReadAsync(string sql, Action<NpgsqlDataReader> row, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new(sql, database) { CommandTimeout = 0 };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            row(reader);
        }
    }

    private static void ThrowIfOther(string what, MoveSum here, MoveSum there)
    {
        if (/* guard: what was moved is what was there */ here.Value != there.Value)
        {
            throw new IOException(
                $"The {what} in the database are not those of the folder ({there.Value.Count} and {here.Value.Count}). Begin anew with an empty database.");
        }
    }
}
