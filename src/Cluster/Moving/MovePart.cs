using Npgsql;
using NpgsqlTypes;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Moving;

/// <summary>Rows that are written together, in one transaction with how far the move has come by them.</summary>
internal sealed class MovePart
{
    private const int MostRows = 5_000;
    private const long MostBytes = 8L * 1024 * 1024;

    private readonly List<(string Collection, Document Document)> _documents = [];
    private readonly List<RawClaim> _claims = [];
    private readonly List<KeyValuePair<byte[], byte[]>> _records = [];
    private readonly List<(long Id, LogName Log, HeadRecord Head)> _logs = [];
    private readonly List<(long LogId, Guid? Key, RawEvent Event)> _events = [];
    private readonly List<(Guid Key, long LogId, IdRecord Id)> _ids = [];
    private long _bytes;

    public long Rows => _documents.Count + _claims.Count + _records.Count + _logs.Count + _events.Count + _ids.Count;

    public bool IsFull => Rows >= MostRows || _bytes >= MostBytes;

    public void Add(string collection, Document document)
    {
        _documents.Add((collection, document));
        _bytes += document.Json.Length;
    }

    public void Add(RawClaim claim) => _claims.Add(claim);

    public void Add(KeyValuePair<byte[], byte[]> record)
    {
        _records.Add(record);
        _bytes += record.Value.Length;
    }

    public void Add(long id, LogName log, in HeadRecord head) => _logs.Add((id, log, head));

    public void Add(long logId, LogName log, in RawEvent stored)
    {
        _events.Add((logId, KeyOf(log, stored), stored));
        _bytes += stored.Body.Length;
    }

    public void Add(long logId, byte[] key, in IdRecord id) => _ids.Add((PgKeys.Of(key), logId, id));

    /// <summary>Under which the database keeps the id of an event; null: it has none.</summary>
    public static Guid? KeyOf(LogName log, in RawEvent stored) =>
        stored.Id is { } id ? PgKeys.Of(log, System.Text.Encoding.UTF8.GetString(stored.Author), System.Text.Encoding.UTF8.GetString(id)) : null;

    /// <summary>Writes all of it, durable or not: the end of the move is.</summary>
    public async Task WriteAsync(NpgsqlConnection database, MoveProgress reached, CancellationToken cancellation)
    {
        await using var transaction = await database.BeginTransactionAsync(cancellation);
        await ExecuteAsync(database, "SET LOCAL synchronous_commit = off", cancellation);
        await CopyAsync(database, "documents (collection, id, version, json)", _documents, (row, one) =>
        {
            row.Write(one.Collection, NpgsqlDbType.Text);
            row.Write(one.Document.Id, NpgsqlDbType.Text);
            row.Write(one.Document.Version, NpgsqlDbType.Bigint);
            row.Write(System.Text.Encoding.UTF8.GetString(one.Document.Json.Span), NpgsqlDbType.Json);
        }, cancellation);
        await CopyAsync(database, "claims (scope, value, owner)", _claims, (row, one) =>
        {
            row.Write(one.Scope, NpgsqlDbType.Text);
            row.Write(one.Value, NpgsqlDbType.Text);
            row.Write(one.Owner, NpgsqlDbType.Text);
        }, cancellation);
        await CopyAsync(database, "records (key, value)", _records, (row, one) =>
        {
            row.Write(one.Key, NpgsqlDbType.Bytea);
            row.Write(one.Value, NpgsqlDbType.Bytea);
        }, cancellation);
        await CopyAsync(database, "logs (name, id, epoch, head, first, last_at)", _logs, (row, one) =>
        {
            row.Write(one.Log.Value, NpgsqlDbType.Text);
            row.Write(one.Id, NpgsqlDbType.Bigint);
            row.Write(one.Head.Epoch, NpgsqlDbType.Text);
            row.Write(one.Head.Head, NpgsqlDbType.Bigint);
            row.Write(one.Head.First, NpgsqlDbType.Bigint);
            row.Write(one.Head.LastAt, NpgsqlDbType.Bigint);
        }, cancellation);
        await CopyAsync(database, "swept (log_id, seq)", _logs.FindAll(one => one.Head.SweptTo > 0), (row, one) =>
        {
            row.Write(one.Id, NpgsqlDbType.Bigint);
            row.Write(one.Head.SweptTo, NpgsqlDbType.Bigint);
        }, cancellation);
        await CopyAsync(database, "events (log_id, seq, at, author, key, body, changed_by, changed_at)", _events, (row, one) =>
        {
            row.Write(one.LogId, NpgsqlDbType.Bigint);
            row.Write(one.Event.Seq, NpgsqlDbType.Bigint);
            row.Write(one.Event.At, NpgsqlDbType.Bigint);
            row.Write(one.Event.Author, NpgsqlDbType.Bytea);
            WriteKey(row, one.Key);
            row.Write(one.Event.Body, NpgsqlDbType.Bytea);
            row.Write(one.Event.ChangedBy, NpgsqlDbType.Bigint);
            row.Write(one.Event.ChangedAt, NpgsqlDbType.Bigint);
        }, cancellation);
        await CopyAsync(database, "event_ids (key, log_id, hash, seq, at)", _ids, (row, one) =>
        {
            row.Write(one.Key, NpgsqlDbType.Uuid);
            row.Write(one.LogId, NpgsqlDbType.Bigint);
            row.Write(PgKeys.ToGuid(one.Id.ContentHash), NpgsqlDbType.Uuid);
            row.Write(one.Id.Seq, NpgsqlDbType.Bigint);
            row.Write(one.Id.At, NpgsqlDbType.Bigint);
        }, cancellation);
        if (_logs.Count > 0)
        {
            await ExecuteAsync(database, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"UPDATE journal_head SET logs = {_logs[^1].Id}"), cancellation);
        }

        await reached.StoreAsync(database, cancellation);
        await transaction.CommitAsync(cancellation);
        Clear();
    }

    private void Clear()
    {
        _documents.Clear();
        _claims.Clear();
        _records.Clear();
        _logs.Clear();
        _events.Clear();
        _ids.Clear();
        _bytes = 0;
    }

    private static void WriteKey(NpgsqlBinaryImporter row, Guid? key)
    {
        if (key is { } its)
        {
            row.Write(its, NpgsqlDbType.Uuid);
        }
        else
        {
            row.WriteNull();
        }
    }

    private static async Task CopyAsync<T>(
        NpgsqlConnection database, string table, List<T> rows, Action<NpgsqlBinaryImporter, T> write, CancellationToken cancellation)
    {
        if (rows.Count == 0)
        {
            return;
        }

        await using var importer = await database.BeginBinaryImportAsync($"COPY {table} FROM STDIN (FORMAT BINARY)", cancellation);
        foreach (var one in rows)
        {
            await importer.StartRowAsync(cancellation);
            write(importer, one);
        }

        await importer.CompleteAsync(cancellation);
    }

    private static async Task ExecuteAsync(NpgsqlConnection database, string sql, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new(sql, database);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
