using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.Logging;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>One batch of the writer: asks for what it must see, then decides what becomes of each append, and numbers what is
/// stored.</summary>
/// <remarks>The writer's own. It decides under the lock of the journal, and nothing of it shows before it is stored.</remarks>
internal sealed class PgBatch(PgLogStates states, PgLook look, PgEventLogOptions options, TimeProvider time, ILogger logger)
{
    private static readonly PgLogState[] _none = [];

    private readonly PgEarlier _earlier = new(look);
    private readonly RecordOverlay _records = new();
    private readonly Func<byte[], byte[]?> _stored = key => look.Records.GetValueOrDefault(key);
    private readonly Guid?[] _keys = new Guid?[options.BatchCount];
    private readonly Dictionary<Guid, PgId> _idsOfBatch = [];
    private readonly Dictionary<string, byte[]> _authors = [];
    private readonly HashSet<LogName> _unreadable = [];
    private long _now;
    private long _lastLogId;

    /// <summary>What was decided on each of the appends that the batch was built of.</summary>
    public LogBatch.Decision[] Decisions { get; } = new LogBatch.Decision[options.BatchCount];

    public PgRows Rows { get; } = new();

    public PgChanges Changes { get; } = new();

    /// <summary>In milliseconds since 1970.</summary>
    public long Now => _now;

    /// <summary>The last id that a log was given, this batch's own included.</summary>
    public long LastLogId => _lastLogId;

    /// <summary>Takes the appends up to the next drop or truncation, one that ends the batch, or its bounds, and asks for what they
    /// need.</summary>
    /// <returns>How many. A drop, a truncation, and a transaction of documents are each alone.</returns>
    public int Choose(ReadOnlySpan<PendingAppend> work)
    {
        Clear();
        if (work[0] is PendingDrop or PendingTruncate or PendingDocuments)
        {
            if (work[0] is not PendingDocuments)
            {
                Place(work[0].Log);
            }

            return 1;
        }

        var bytes = 0;
        var count = 0;
        while (count < work.Length && count < Decisions.Length && bytes < options.BatchBytes
            && work[count] is not (PendingDrop or PendingTruncate or PendingDocuments)
            && (/* guard: what is said behind an act of the cluster is judged by what it has changed */ count == 0 || !work[count - 1].EndsBatch))
        {
            var append = work[count];
            Ask(append, ref _keys[count]);
            bytes += LogRecords.BodiesOf(append) + LogRecords.SizeOf(append.Changes);
            count++;
        }

        return count;
    }

    /// <summary>Decides on those that were chosen, or the first of them; nothing shows before it is stored.</summary>
    public int Build(ReadOnlySpan<PendingAppend> work)
    {
        _now = time.GetUtcNow().ToUnixTimeMilliseconds();
        _lastLogId = look.Head.Logs;
        foreach (var state in look.HeadsAsked)
        {
            state.Publish(look.Heads.GetValueOrDefault(state.Log.Value) ?? PgHead.Unused(look.Head.Epoch, state.Log));
        }

        switch (work[0])
        {
            case PendingDrop drop:
                Drop(states.Place(drop.Log));
                return Alone();
            case PendingTruncate truncate:
                Truncate(states.Place(truncate.Log), truncate.Before);
                return Alone();
            default:
                break;
        }

        var count = 0;
        for (; count < work.Length; count++)
        {
            var append = work[count];
            var decision = append is PendingRecords ? DecideRecords(append, work[..count]) : Decide(append, _keys[count], work[..count]);
            if (decision is not { } decided)
            {
                break;
            }

            Decisions[count] = decided;
        }

        Changes.End(Rows.Heads);
        return count;
    }

    /// <summary>It is stored: readers see it.</summary>
    public void Publish()
    {
        foreach (var state in Rows.Heads)
        {
            state.Publish(state.Next!);
        }
    }

    public void Clear()
    {
        foreach (var state in Rows.Heads)
        {
            state.Next = null;
        }

        look.Clear();
        Rows.Clear();
        _idsOfBatch.Clear();
        _earlier.Clear();
        _records.Clear();
        _authors.Clear();
        Changes.Clear();
    }

    private int Alone()
    {
        Decisions[0] = new(AppendOutcome.Stored, 0, 0, "");
        return 1;
    }

    private void Ask(PendingAppend append, ref Guid? key)
    {
        key = null;
        for (var i = 0; i < append.Conditions.Count; i++)
        {
            look.AskRecord(append.Conditions[i].Key);
        }

        if (append is PendingRecords)
        {
            return;
        }

        Place(append.Log);
        for (var i = 0; i < append.Pointers.Count; i++)
        {
            Place(append.Pointers[i].Log);
        }

        _earlier.Ask(append);
        if (append.Id is { } id)
        {
            var asked = PgKeys.Of(append.Log, append.Author, id);
            key = asked;
            look.AskId(asked);
        }
    }

    private void Place(LogName log)
    {
        var state = states.Place(log);
        if (state.Durable is null)
        {
            look.AskHead(state);
        }
    }

    private void Drop(PgLogState state)
    {
        if (state.Durable is not { Head: > 0 } head)
        {
            return;
        }

        // Its events are another life's from now on; they go step by step.
        Rows.Clearing(head.Id, 0, long.MaxValue);
        Changes.Add(state, JournalKind.Drop, 1, head.Head);
        Touch(state, new(++_lastLogId, LogState.NewEpoch(not: head.Epoch), 0, 0, 0));
    }

    private void Truncate(PgLogState state, long before)
    {
        var head = state.Durable!;
        before = Math.Min(before, head.Head + 1);
        if (head.Head == 0 || before <= head.First)
        {
            return;
        }

        Rows.Clearing(head.Id, head.First, before);
        Changes.Add(state, JournalKind.Truncate, head.First, before - 1);
        Touch(state, head with { First = before });
    }

    private LogBatch.Decision DecideRecords(PendingAppend records, ReadOnlySpan<PendingAppend> before)
    {
        if (!_records.Hold(records.Conditions, before, Decisions, _stored))
        {
            return new(AppendOutcome.Conflict, 0, 0, "");
        }

        Put(records.Changes);
        return new(AppendOutcome.Stored, 0, 0, "");
    }

    /// <summary>Null: it is about an event that this batch adds or changes, so it has to be the first of another.</summary>
    private LogBatch.Decision? Decide(PendingAppend append, Guid? key, ReadOnlySpan<PendingAppend> before)
    {
        if (!append.HasRight)
        {
            return new LogBatch.Decision(AppendOutcome.RightEnded, 0, 0, "");
        }

        var state = states.Place(append.Log);
        var head = state.Next ?? state.Durable!;
        var isKnown = TryFindId(key, head, out var known);
        if (!isKnown && _earlier.IsAboutThisBatch(append, state))
        {
            return null;
        }

        if (isKnown)
        {
            return known.ContentHash == append.ContentHash || (/* guard: the id of a replaced event of the cluster says nothing of its content */ known.ContentHash == LogRecords.AnyContent)
                ? new(AppendOutcome.Duplicate, known.Seq, known.At, head.Epoch)
                : new(AppendOutcome.IdInUse, 0, 0, head.Epoch);
        }

        PgEvent[] old = [];
        PgLogState[] others;
        PgEvent?[] pointed = [];
        try
        {
            others = Open(append);
            if (!_records.Hold(append.Conditions, before, Decisions, _stored)
                || !_earlier.Hold(append.EntryConditions, state) || !_earlier.TryFind(append.Replacements, state, out old)
                || !TryFindPointed(append, others, out pointed))
            {
                return new(AppendOutcome.Conflict, 0, 0, head.Epoch);
            }

            if (!_earlier.Allow(append, state) || !append.MayBeStored(LogRecords.SizeOf(append.Log.Value.Length + 1, append)))
            {
                return new(AppendOutcome.RuledOut, 0, 0, head.Epoch);
            }
        }
        catch (LogDamagedException error)
        {
            // What is stored of this log cannot be true, so nothing can be said of the append; others are not concerned.
            if (_unreadable.Add(append.Log))
            {
                LogMessages.LogUnreadable(logger, append.Log, error);
            }

            return new(AppendOutcome.StoreFailed, 0, 0, "");
        }

        var at = Math.Max(append.SaidAt?.ToUnixTimeMilliseconds() ?? _now, head.LastAt);
        var next = Append(state, at, append.Author, key, append.Body);
        if (key is { } id)
        {
            _idsOfBatch[id] = new(next.Id, append.ContentHash, next.Head, at);
            Rows.Id(id, _idsOfBatch[id]);
        }

        Put(append.Changes);
        Replace(append.Replacements, old, state, next.Head, at);
        Point(append, others, pointed, next.Head);
        return new(AppendOutcome.Stored, next.Head, at, next.Epoch);
    }

    private PgHead Append(PgLogState state, long at, string author, Guid? key, ReadOnlyMemory<byte> body)
    {
        var head = state.Next ?? state.Durable!;
        var seq = head.Head + 1;
        var id = head.Id == 0 ? ++_lastLogId : head.Id;
        var next = head with { Id = id, Head = seq, First = head.First == 0 ? seq : head.First, LastAt = at };
        Touch(state, next);
        if (!_authors.TryGetValue(author, out var bytes))
        {
            _authors[author] = bytes = Encoding.UTF8.GetBytes(author);
        }

        Rows.Event(id, seq, at, bytes, key, body);
        Changes.Appended(state, new(seq, DateTimeOffset.FromUnixTimeMilliseconds(at), author, body));
        return next;
    }

    private void Touch(PgLogState state, PgHead next)
    {
        if (state.Next is null)
        {
            Rows.Head(state);
        }

        state.Next = next;
    }

    private void Replace(IReadOnlyList<Replacement> replacements, PgEvent[] old, PgLogState state, long by, long at)
    {
        for (var i = 0; i < old.Length; i++)
        {
            var (seq, body) = replacements[i];
            Rows.Replaced(old[i].LogId, seq, body, by, at);
            _earlier.Changes(state, seq);
            Changes.Replaced(state, seq);
            if (old[i].Key is { } key && !_idsOfBatch.ContainsKey(key))
            {
                Rows.Forgotten(key, old[i].LogId, seq);
                if (look.Ids.TryGetValue(key, out var id) && id.LogId == old[i].LogId && id.Seq == seq)
                {
                    // Already for what stands behind it in this batch.
                    look.Ids[key] = id with { ContentHash = LogRecords.AnyContent };
                }
            }
        }
    }

    private PgLogState[] Open(PendingAppend append) =>
        append.Pointers.Count == 0 ? _none : [.. append.Pointers.Select(pointer => states.Place(pointer.Log))];

    private bool TryFindPointed(PendingAppend append, PgLogState[] others, out PgEvent?[] pointed)
    {
        pointed = others.Length == 0 ? [] : new PgEvent?[others.Length];
        for (var i = 0; i < others.Length; i++)
        {
            if (append.Pointers[i].InPlaceOf is > 0 and var seq && (pointed[i] = _earlier.Find(others[i], seq)) is null)
            {
                return false;
            }
        }

        return true;
    }

    private void Point(PendingAppend append, PgLogState[] others, PgEvent?[] pointed, long seq)
    {
        for (var i = 0; i < others.Length; i++)
        {
            var (pointer, state) = (append.Pointers[i], others[i]);
            var body = new byte[pointer.Beginning.Length + EventPointer.SeqBytes];
            pointer.Beginning.CopyTo(body);
            BinaryPrimitives.WriteInt64BigEndian(body.AsSpan(pointer.Beginning.Length), seq);
            if (pointed[i] is { } replaced)
            {
                pointer.Seq = pointer.InPlaceOf;
                Rows.Replaced(replaced.LogId, pointer.Seq, body, 0, 0);
                Changes.Replaced(state, pointer.Seq);
            }
            else
            {
                var head = state.Next ?? state.Durable!;
                pointer.Seq = Append(state, Math.Max(_now, head.LastAt), append.Author, null, body).Head;
            }

            pointer.Epoch = (state.Next ?? state.Durable!).Epoch;
        }
    }

    private void Put(IReadOnlyList<RecordChange> changes)
    {
        for (var i = 0; i < changes.Count; i++)
        {
            Rows.Record(changes[i]);
        }

        _records.Put(changes);
    }

    private bool TryFindId(Guid? key, PgHead head, out PgId known)
    {
        known = default;
        if (key is not { } id)
        {
            return false;
        }

        if (_idsOfBatch.TryGetValue(id, out known))
        {
            return true;
        }

        return look.Ids.TryGetValue(id, out known) && known.LogId == head.Id
            && !IdSweep.MayGo(known.Seq, known.At, head.First, head.Head, _now, options.IdEvents, options.IdAge);
    }
}
