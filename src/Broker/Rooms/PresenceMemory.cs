using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// After a restart: whoever's last word in a room's log is `join` was here when the server stopped, and has a minute to come back
/// before `leave` is said.
/// </summary>
/// <remarks>
/// So that a start does not depend on how much is stored, who is here is noted beside the log every few seconds and at the end, and
/// only the events after the note are read.
/// The joins and leaves of a crowd do not name everybody, so its note is written anew when a tenth of it has changed without a name:
/// a crash forgets no more than those.
/// A note is written after the events that led to it (the store keeps the order), so it never knows of a leave that the log has lost.
/// Of several nodes each sees the others' records instead (<see cref="HereRecords"/>), and nothing is noted.
/// Without a note, as in a room of an older version or after a damage, the newest events are read.
/// </remarks>
internal sealed partial class PresenceMemory(
    RoomDirectory rooms,
    RoomMembers members,
    IEventLog log,
    IRecords records,
    AccountDirectory accounts,
    HereHearing hearing,
    IReplication replication,
    TimeProvider time,
    ILogger<PresenceMemory> logger)
    : BackgroundService
{
    private const int PageLength = 1000;
    private const int EventsPerRoom = 10_000;

    /// <summary>A room with fewer new events than this is not noted again: they are soon read.</summary>
    private const int EventsPerNote = 64;

    /// <summary>
    /// Nor is one with fewer than one for so many who are here: what is written of a crowd stays in proportion to what is said there
    /// (fault R11).
    /// </summary>
    private const int PeoplePerEvent = 8;

    /// <summary>So many rooms are one write at most; a crowd's list is some hundred kilobytes.</summary>
    private const int WriteAtOnce = 100;

    private static readonly TimeSpan BetweenNotes = TimeSpan.FromSeconds(2);

    // By room. Before the service starts: the restoring's; after: the service's.
    private readonly Dictionary<string, PresenceNote> _notes = [];

    private bool _isOver;

    private static ReadOnlySpan<byte> Prefix => "presence/"u8;

    /// <summary>Before anything is served.</summary>
    public async Task RestoreAsync()
    {
        if (replication.IsAlone)
        {
            await Task.Run(RestoreNoted);
        }
        else
        {
            await hearing.LoadAsync();
        }
    }

    private void RestoreNoted()
    {
        ReadNotes();
        Parallel.ForEach(rooms.All, room =>
        {
            try
            {
                Restore(room);
            }
            catch (IOException error)
            {
                // The others are served all the same.
                LogUnreadable(logger, room.Id.Value, error);
            }
        });

        // Banned while the server was stopped, or as it was killed: nobody waits for them.
        foreach (var account in accounts.All.Where(account => account.Ban is not null))
        {
            members.SignedOut(account);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // A host that is disposed after its stop stops once more, and the store is closed by then.
        if (!_isOver && replication.IsAlone)
        {
            _isOver = true;
            await NoteAsync(1);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!replication.IsAlone)
        {
            return;
        }

        using PeriodicTimer timer = new(BetweenNotes, time);
        try
        {
            do
            {
                await NoteAsync(EventsPerNote);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    /// <summary>Notes who is here of rooms in which so much has happened.</summary>
    /// <param name="events">1: of all in which anything has.</param>
    internal async Task NoteAsync(int events)
    {
        List<RecordChange> changes = [];
        Dictionary<string, PresenceNote> fresh = [];
        foreach (var room in rooms.All)
        {
            // Nobody came since the start, and nothing was shown: to ask the log for it would make it one of those in use.
            if (events > 1 && !room.IsLogOpen && !room.AreManyUnnamed)
            {
                continue;
            }

            try
            {
                // The head first: who is here by then has it behind them, and whoever comes or goes later says so in a later event.
                var head = log.Head(room.Log);
                var old = _notes.GetValueOrDefault(room.Key);
                var enough = events == 1 ? 1 : Math.Max(events, (old?.Here.Count ?? 0) / PeoplePerEvent);
                if (head.Head - (old?.Epoch == head.Epoch ? old.Seq : 0) >= enough || room.AreManyUnnamed)
                {
                    PresenceNote note = new(head.Epoch, head.Head, room.SaidPresence());
                    fresh[room.Key] = note;
                    changes.Add(new(KeyOf(room.Key), JsonSerializer.SerializeToUtf8Bytes(note, PresenceJson.Default.PresenceNote)));
                }
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                // Damaged, and told where it is read; or closed.
            }
        }

        var gone = _notes.Keys.Where(room => rooms.FindByKey(room) is null).ToList();
        changes.AddRange(gone.Select(room => new RecordChange(KeyOf(room), null)));
        if (changes.Count == 0)
        {
            return;
        }

        try
        {
            foreach (var some in changes.Chunk(WriteAtOnce))
            {
                await records.WriteAsync(some);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // Told by the log. What is not noted is read at the next start.
            return;
        }

        gone.ForEach(room => _notes.Remove(room));
        foreach (var (room, note) in fresh)
        {
            _notes[room] = note;
        }
    }

    private void ReadNotes()
    {
        try
        {
            foreach (var (key, value) in records.ReadAll(Prefix))
            {
                _notes[Encoding.ASCII.GetString(key.AsSpan(Prefix.Length))] =
                    JsonSerializer.Deserialize(value, PresenceJson.Default.PresenceNote)!;
            }
        }
        catch (IOException error)
        {
            // Then the events are read.
            LogNoNotes(logger, error);
        }
    }

    private static byte[] KeyOf(string room) => [.. Prefix, .. Encoding.ASCII.GetBytes(room)];

    private void Restore(Room room)
    {
        var head = log.Head(room.Log);
        var note = _notes.GetValueOrDefault(room.Key);
        if (note is not null && (note.Epoch != head.Epoch || note.Seq > head.Head))
        {
            note = null;
        }

        var from = Math.Max(note?.Seq ?? 0, head.Head - EventsPerRoom);
        HashSet<string> decided = [];
        for (var before = head.Head + 1; before > from + 1;)
        {
            var page = log.ReadBefore(room.Log, before, (int)Math.Min(PageLength, before - 1 - from));
            if (page.Entries.Count == 0)
            {
                break;
            }

            for (var i = page.Entries.Count - 1; i >= 0; i--)
            {
                Decide(room, page.Entries[i], decided);
            }

            before = page.Entries[0].Seq;
        }

        foreach (var present in note?.Here ?? [])
        {
            if (accounts.Find(present.Account) is { } account && decided.Add(account.Id))
            {
                room.ExpectBack(account, present.Kind, present.Since);
            }
        }
    }

    private void Decide(Room room, in LogEntry entry, HashSet<string> decided)
    {
        if (/* guard: nobody is here by what was imported */ EventBody.IsImported(entry.Body.Span))
        {
            return;
        }

        foreach (var author in EventBody.PresenceOf(entry.Author, entry.Body))
        {
            // The others of a rush are known by name only.
            var account = author.AccountId.Length > 0 ? accounts.Find(author.AccountId) : accounts.FindByUserName(author.User);
            if (account is not null && decided.Add(account.Id) && EventBody.TypeOf(entry.Body.Span) == EventType.Join)
            {
                room.ExpectBack(account, author.Kind, entry.At);
            }
        }
    }

    [LoggerMessage(3031, LogLevel.Error, "The notes of who is in which room cannot be read")]
    private static partial void LogNoNotes(ILogger logger, Exception error);

    [LoggerMessage(3030, LogLevel.Error, "Who was in {Room} when the server stopped cannot be read")]
    private static partial void LogUnreadable(ILogger logger, string room, Exception error);
}

/// <summary>Who was in a room when the log had come to <paramref name="Seq"/>.</summary>
internal sealed record PresenceNote(string Epoch, long Seq, IReadOnlyList<PresentNote> Here);

/// <summary>One account of a note, by its id.</summary>
internal sealed record PresentNote(string Account, string Kind, DateTimeOffset Since);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PresenceNote))]
[JsonSerializable(typeof(PresentNote))]
internal sealed partial class PresenceJson : JsonSerializerContext;
