using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>
/// The read positions of one account, read from the store when they are first asked for.
/// A guest's are in memory only: they end with the guest.
/// </summary>
/// <remarks>
/// <para>Thread-safe. Under <c>_gate</c> nothing is read; a write is handed over under it and waited for outside.</para>
/// With several nodes a write is conditional on what this one has heard: so no position goes back because two nodes move it at once.
/// </remarks>
internal sealed class AccountPositions(Account account, IRecords records, bool isShared, Action<Account, EventStream> announce)
{
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private Dictionary<string, ReadPosition>? _positions;

    // Begun while the store could not be read, or heard of another node. They are newer than what it will say.
    private readonly Dictionary<string, ReadPosition> _begun = [];

    /// <summary>Before the keys of everybody's.</summary>
    public const string AllPrefix = "read/";

    /// <summary>Before the keys of all of an account's positions.</summary>
    public static byte[] Prefix(string accountId) => Encoding.ASCII.GetBytes($"read/{accountId}/");

    public static byte[] Key(string accountId, string log) => Encoding.ASCII.GetBytes($"read/{accountId}/{log}");

    public static (string AccountId, string Log) ReadKey(ReadOnlySpan<byte> key)
    {
        var name = Encoding.ASCII.GetString(key[AllPrefix.Length..]);
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        return (name[..slash], name[(slash + 1)..]);
    }

    /// <summary>Where the account is now. Null: it is not a member, or gone.</summary>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public Mark? Find(EventStream stream)
    {
        Load();
        _ = stream.LogHead;
        lock (_gate)
        {
            if (!MayHave(stream))
            {
                return null;
            }

            var head = stream.LogHead;
            return At(Current(stream, head).Now.Seq, head);
        }
    }

    /// <summary>Reads what is stored, if that has not been done.</summary>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public ValueTask LoadAsync() => Volatile.Read(ref _positions) is null ? new ValueTask(Task.Run(Load)) : default;

    /// <summary>
    /// The account has come onto a room's list: everything before is no concern of its.
    /// Completes when that is on disk, or cannot be written.
    /// </summary>
    public Task BeginAsync(EventStream stream)
    {
        lock (_gate)
        {
            if (!MayHave(stream))
            {
                return Task.CompletedTask;
            }

            // A position left behind by a membership that ended while the disk was full counts no longer.
            Forget(stream.Log.Value);
            ReadPosition position = new(Mark.AtHead(stream.LogHead), isStored: false);
            Known[stream.Log.Value] = position;
            announce(account, stream);
            return SaveAsync(stream, position);
        }
    }

    /// <summary>Moves on, and back only if that is asked for. Completes when a write that covers it is on disk.</summary>
    public async Task<MarkResult> MarkAsync(EventStream stream, long seq, string? epoch, bool isBack = false)
    {
        ReadPosition position;
        Task<bool> stored;
        await LoadAsync();
        await stream.OpenAsync();
        lock (_gate)
        {
            if (!MayHave(stream))
            {
                return new MarkResult(MarkOutcome.NotOpen);
            }

            var head = stream.LogHead;
            if (epoch is not null && epoch != head.Epoch)
            {
                return new MarkResult(MarkOutcome.OtherEpoch);
            }

            position = Current(stream, head);
            var mark = At(seq, head);

            // Against what was asked for last as well: a client that goes back, or on, does not wait for its last write.
            var goesBack = isBack && mark.Seq < position.Wanted.Seq;
            if (mark.Seq <= Math.Min(position.Now.Seq, position.Wanted.Seq) && !goesBack)
            {
                return new MarkResult(MarkOutcome.Taken, mark with { Seq = position.Now.Seq });
            }

            if (account.IsGuest)
            {
                position.Become(mark);
                announce(account, stream);
                return new MarkResult(MarkOutcome.Taken, mark);
            }

            stored = goesBack ? position.GoBack(mark) : position.Advance(mark);
            if (!position.IsBeingWritten)
            {
                _ = SaveAsync(stream, position);
            }
        }

        var isStored = await stored;
        lock (_gate)
        {
            return position.IsForgotten ? new MarkResult(MarkOutcome.NotOpen)
                : isStored ? new MarkResult(MarkOutcome.Taken, position.Now)
                : new MarkResult(MarkOutcome.NotStored);
        }
    }

    /// <summary>Another node has written a position, or (null) removed it. Never blocks.</summary>
    /// <returns>Whether the account's clients are to be told.</returns>
    public bool Heard(string log, Mark? mark)
    {
        lock (_gate)
        {
            if (mark is not { } now)
            {
                Forget(log);
                if (_positions is null)
                {
                    // It may be being read just now.
                    _begun[log] = new ReadPosition(Mark.Nothing) { IsForgotten = true };
                }

                return false;
            }

            if (Known.TryGetValue(log, out var position) && !position.IsForgotten)
            {
                return position.Heard(now);
            }

            Known[log] = new ReadPosition(now);
            return true;
        }
    }

    /// <summary>Forgets what is in memory of one log; the caller writes.</summary>
    public void ForgetInMemory(LogName log)
    {
        lock (_gate)
        {
            Forget(log.Value);
        }
    }

    /// <summary>Forgets all that is in memory; the caller writes. Returns the keys, also of what was just being written.</summary>
    public List<byte[]> ForgetInMemory()
    {
        lock (_gate)
        {
            var names = Known.Keys.ToList();
            names.ForEach(Forget);
            return names.ConvertAll(name => Key(account.Id, name));
        }
    }

    // What was truncated is nobody's to read any more: a position before it is at its end.
    private static Mark At(long seq, in LogHead head) => new(Math.Clamp(seq, /* guard: positions below what is kept */ Math.Max(0, head.First - 1), head.Head), head.Epoch);

    // The account is on the list, and neither it nor the room is gone.
    private bool MayHave(EventStream stream) => !account.IsErased && stream switch
    {
        Room room => room.IsMember(account.Id) && !room.IsDeleted,
        Inbox inbox => inbox.Owner == account,
        NoticeStream notices => notices.Owner == account,
        Conversation conversation => conversation.Owner == account,
        _ => false,
    };

    // Under _gate, and loaded before.
    private Dictionary<string, ReadPosition> Positions =>
        _positions ?? throw new IOException("The read positions of the account could not be read.");

    // Under _gate.
    private Dictionary<string, ReadPosition> Known => _positions ?? _begun;

    private void Load()
    {
        if (Volatile.Read(ref _positions) is not null)
        {
            return;
        }

        var prefix = Prefix(account.Id);
        Dictionary<string, ReadPosition> positions = [];
        foreach (var (key, value) in account.IsGuest ? [] : records.ReadAll(prefix))
        {
            positions[Encoding.ASCII.GetString(key.AsSpan(prefix.Length))] = new ReadPosition(Mark.Parse(value));
        }

        lock (_gate)
        {
            if (_positions is not null)
            {
                // Somebody else was quicker, and may have changed them since.
                return;
            }

            foreach (var (log, begun) in _begun)
            {
                positions[log] = begun;
                if (begun.IsForgotten)
                {
                    positions.Remove(log);
                }
            }

            _begun.Clear();
            _positions = positions;
        }
    }

    // Under _gate.
    private ReadPosition Current(EventStream stream, in LogHead head)
    {
        if (!Positions.TryGetValue(stream.Log.Value, out var position))
        {
            // A whisper waits for its first reader. A room whose member has no position is one that was joined before positions were kept.
            position = stream is Inbox or Conversation or NoticeStream ? new ReadPosition(Mark.Nothing) : new ReadPosition(Mark.AtHead(head), isStored: false);
            Positions[stream.Log.Value] = position;
        }
        else if (!position.Now.IsOf(head))
        {
            // Of another life of the log. Not everything is new again after a backup was restored.
            position.Become(Mark.AtHead(head));
        }

        if (position.Wanted != position.Stored && !position.IsBeingWritten)
        {
            _ = SaveAsync(stream, position);
        }

        return position;
    }

    // Under _gate.
    private void Forget(string log)
    {
        if (Known.Remove(log, out var position))
        {
            position.IsForgotten = true;
        }
    }

    // Under _gate up to its first write, so that the store is given what concerns one key in order. One of it at a time for one position.
    private async Task SaveAsync(EventStream stream, ReadPosition position)
    {
        if (account.IsGuest)
        {
            return;
        }

        Task? writing;

        // What was on disk, as far as was known, when it was handed over.
        Mark? before = null;
        lock (_gate)
        {
            writing = BeginWrite();
        }

        while (writing is not null)
        {
            var isStored = await IsStoredAsync(writing);
            if (isStored && writing is Task<WriteOutcome> { Result: WriteOutcome.Conflict })
            {
                (writing, before) = await OvertakenAsync(stream.Log, position, before);
                continue;
            }

            bool hasChanged;
            lock (_gate)
            {
                hasChanged = position.EndWrite(isStored);

                // In the same step: a mark that came between would begin a write of its own, and who waits for one of the two be forgotten.
                writing = isStored ? BeginWrite() : null;
            }

            if (hasChanged)
            {
                announce(account, stream);
            }
        }

        // Under _gate.
        Task? BeginWrite()
        {
            before = position.Stored;
            return position.TryBeginWrite(out var mark) ? WriteAsync(stream.Log, position, mark) : null;
        }
    }

    // Under _gate.
    private Task WriteAsync(LogName log, ReadPosition position, Mark mark)
    {
        RecordChange change = new(Key(account.Id, log.Value), mark.ToBytes());
        return isShared ? records.WriteAsync([change], [new RecordCondition(change.Key, position.Stored?.ToBytes())]) : records.WriteAsync([change]);
    }

    // Another node has written it, which was heard; or an earlier stay left something behind that was never asked for here.
    private async Task<(Task? Writing, Mark? Before)> OvertakenAsync(LogName log, ReadPosition position, Mark? before)
    {
        Mark? found = null;
        var isRead = await IsStoredAsync(Task.Run(() => found = records.Find(Key(account.Id, log.Value)) is { } value ? Mark.Parse(value) : null));
        lock (_gate)
        {
            if (!isRead)
            {
                // A write that failed changes nothing that clients know.
                position.EndWrite(isStored: false);
                return default;
            }

            return position.TryWriteAgain(found, before, out var mark) || position.TryBeginWrite(out mark)
                ? (WriteAsync(log, position, mark), position.Stored) : default;
        }
    }

    private static async Task<bool> IsStoredAsync(Task writing)
    {
        try
        {
            await writing;
            return true;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The store has told the operator; whoever waits is told by the outcome.
            return false;
        }
    }
}
