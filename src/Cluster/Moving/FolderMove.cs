using System.Buffers.Binary;
using System.Text;
using Npgsql;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Moving;

/// <summary>Brings all that is in a data folder into an empty database, as it is: numbers, times, ids, epochs and who has changed
/// what.</summary>
/// <remarks>
/// It goes in parts, each of which is there with the note of how far that is (table `moves`), or not at all: whatever ends it, it goes on
/// there the next time. In the end all that is in the database is compared with the folder.
/// Nobody uses the folder meanwhile, and no node the database: what is half there is refused (<see cref="DatabaseLife"/>).
/// </remarks>
/// <param name="source">Which folder it is: the same one goes on.</param>
/// <param name="told">Called now and then, with one line.</param>
internal sealed class FolderMove(DocumentStore documents, RawLogs logs, Guid source, NpgsqlDataSource database, TimeProvider time, Action<string> told)
{
    /// <summary>The advisory lock under which one program moves: "wm" and 17.</summary>
    private const long Lock = 0x77_6D_00_00_00_11;

    // What was moved last of a log: its head and events up to a seq, or its ids up to a key.
    private const byte UpToEvent = (byte)'e', UpToId = (byte)'i';

    private readonly MovePart _part = new();
    private readonly MoveLines _lines = new(time, told);
    private NpgsqlConnection _connection = null!;
    private MoveProgress _progress = null!;

    /// <summary>Something of it may be in the database.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Whether all of a folder is there already.</summary>
    /// <exception cref="IOException">The database cannot be read.</exception>
    public static async Task<bool> IsDoneAsync(NpgsqlDataSource database, Guid source, CancellationToken cancellation)
    {
        try
        {
            await Schema.MigrateAsync(database, cancellation);
            await using var command = database.CreateCommand("SELECT 1 FROM moves WHERE source = $1 AND finished IS NOT NULL");
            command.Parameters.Add(new() { Value = source });
            return await command.ExecuteScalarAsync(cancellation) is not null;
        }
        catch (Exception error) when (PgErrors.IsOf(error))
        {
            throw error.ToIOException();
        }
    }

    /// <exception cref="IOException">It was not done to its end: the message says why, in one line. It may be run again.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            await Schema.MigrateAsync(database, cancellation);
            await using var connection = await database.OpenConnectionAsync(cancellation);
            _connection = connection;
            if (await ScalarAsync($"SELECT pg_try_advisory_lock({Lock})", cancellation) is not true)
            {
                throw new IOException("Another cluster move is at it.");
            }

            _progress = await MoveStart.BeginAsync(connection, source, cancellation);
            HasBegun = true;
            told(_progress is { Stage: MoveStage.Documents, Rows: 0 } ? "Moving. Ended before it is done, it goes on there when it is run again" : "Going on where it was");
            await MoveDocumentsAsync(cancellation);
            await MoveClaimsAsync(cancellation);
            await MoveRecordsAsync(cancellation);
            await MoveLogsAsync(cancellation);
            told("All is there. It is compared with the folder");
            await new MoveCheck(documents, logs, connection, _lines).RunAsync(cancellation);
            await MoveStart.FinishAsync(connection, cancellation);
        }
        catch (Exception error) when (PgErrors.IsOf(error))
        {
            throw error.ToIOException();
        }
    }

    private async Task MoveDocumentsAsync(CancellationToken cancellation)
    {
        if (_progress.Stage != MoveStage.Documents)
        {
            return;
        }

        foreach (var collection in (await documents.CollectionsAsync()).SkipWhile(name => string.CompareOrdinal(name, _progress.Name) < 0))
        {
            var after = _progress.Name == collection ? Encoding.UTF8.GetString(_progress.Position) : null;
            while (await documents.Documents.PageAsync(collection, after, DocumentLimits.Page) is { Count: > 0 } page)
            {
                foreach (var document in page)
                {
                    _part.Add(collection, document);
                }

                after = page[^1].Id;
                await WriteAsync(collection, Encoding.UTF8.GetBytes(after), "documents", cancellation);
            }
        }

        await GoOnAsync(MoveStage.Claims, "documents", cancellation);
    }

    private async Task MoveClaimsAsync(CancellationToken cancellation)
    {
        if (_progress.Stage != MoveStage.Claims)
        {
            return;
        }

        RawClaim? after = _progress.Name.Length == 0 ? null : new RawClaim(_progress.Name, Encoding.UTF8.GetString(_progress.Position), "");
        while (await documents.ClaimsAsync(after, DocumentLimits.Page) is { Count: > 0 } page)
        {
            page.ForEach(_part.Add);
            after = page[^1];
            await WriteAsync(page[^1].Scope, Encoding.UTF8.GetBytes(page[^1].Value), "claims", cancellation);
        }

        await GoOnAsync(MoveStage.Records, "claims", cancellation);
    }

    private async Task MoveRecordsAsync(CancellationToken cancellation)
    {
        if (_progress.Stage != MoveStage.Records)
        {
            return;
        }

        foreach (var record in logs.Records(_progress.Position))
        {
            _part.Add(record);
            if (_part.IsFull)
            {
                await WriteAsync("", record.Key, "records", cancellation);
            }
        }

        await GoOnAsync(MoveStage.Logs, "records", cancellation);
    }

    private async Task MoveLogsAsync(CancellationToken cancellation)
    {
        if (_progress.Stage != MoveStage.Logs)
        {
            return;
        }

        var (name, position) = (_progress.Name, _progress.Position);
        var lastId = (long)(await ScalarAsync("SELECT logs FROM journal_head", cancellation))!;
        foreach (var log in logs.Names(name.Length == 0 ? null : LogName.Stored(name)))
        {
            var isBegun = log.Value == name;
            var id = isBegun ? await IdOfAsync(log, cancellation) : ++lastId;
            if (!isBegun)
            {
                _part.Add(id, log, logs.Head(log));
            }

            var after = !isBegun ? 0 : position[0] == UpToEvent ? BinaryPrimitives.ReadInt64BigEndian(position.AsSpan(1)) : long.MaxValue - 1;
            await MoveEventsAsync(log, id, after, cancellation);
            await MoveIdsAsync(log, id, isBegun && position[0] == UpToId ? position[1..] : null, cancellation);
        }

        await GoOnAsync(MoveStage.Check, "rows of logs", cancellation);
    }

    private async Task MoveEventsAsync(LogName log, long id, long after, CancellationToken cancellation)
    {
        var first = logs.Head(log).First;
        foreach (var stored in logs.Events(log, after))
        {
            if (stored.Seq >= first || stored.Id is not null)
            {
                // Below the first it was truncated, and is still there for its id alone.
                _part.Add(id, log, Kept(stored, first));
            }

            if (_part.IsFull)
            {
                var position = new byte[9];
                position[0] = UpToEvent;
                BinaryPrimitives.WriteInt64BigEndian(position.AsSpan(1), stored.Seq);
                await WriteAsync(log.Value, position, "rows of logs", cancellation);
            }
        }
    }

    private async Task MoveIdsAsync(LogName log, long id, byte[]? after, CancellationToken cancellation)
    {
        foreach (var (key, stored) in logs.Ids(log, after))
        {
            _part.Add(id, key, stored);
            if (_part.IsFull)
            {
                await WriteAsync(log.Value, [UpToId, .. key], "rows of logs", cancellation);
            }
        }
    }

    /// <summary>What of an event is in the database: of one that was truncated no more than its id.</summary>
    public static RawEvent Kept(in RawEvent stored, long first) => stored.Seq >= first ? stored : stored with { Body = [], ChangedBy = 0, ChangedAt = 0 };

    private Task GoOnAsync(MoveStage stage, string what, CancellationToken cancellation)
    {
        _lines.Say($"{_progress.Rows + _part.Rows:N0} {what}");
        return WriteAsync(MoveProgress.StartOf(stage), cancellation);
    }

    private async Task WriteAsync(string name, byte[] position, string what, CancellationToken cancellation)
    {
        await WriteAsync(new MoveProgress(_progress.Stage, name, position, _progress.Rows + _part.Rows), cancellation);
        _lines.Progress($"{_progress.Rows:N0} {what}");
    }

    private async Task WriteAsync(MoveProgress reached, CancellationToken cancellation)
    {
        await _part.WriteAsync(_connection, reached, cancellation);
        _progress = reached;
    }

    private async Task<long> IdOfAsync(LogName log, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new("SELECT id FROM logs WHERE name = $1", _connection);
        command.Parameters.Add(new() { Value = log.Value });
        return await command.ExecuteScalarAsync(cancellation) as long? ?? throw new IOException($"The log {log} is not in the database, though it was moved: begin anew with an empty database.");
    }

    private async Task<object?> ScalarAsync(string sql, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new(sql, _connection);
        return await command.ExecuteScalarAsync(cancellation);
    }
}
