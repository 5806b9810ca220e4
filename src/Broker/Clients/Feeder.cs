using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Clients;

/// <summary>Where a <see cref="Feeder"/> writes the events that it brings. Called under the writer's gate.</summary>
internal interface IEventOutlet
{
    /// <summary>The window and the socket have room for an event, and nothing waits before it.</summary>
    bool MayWrite { get; }

    /// <summary>Writes the event; the caller flushes. False: the window or the socket is full.</summary>
    /// <param name="publish">Null: nothing is to be written, and that counts as done.</param>
    bool TryWriteEvent(EncodedPublish? publish, Place place, long seq);

    /// <summary>No more is brought for now: what was left to it of the window is others' to take.</summary>
    void WriteBeside();
}

/// <summary>
/// Brings a client that is behind what it is owed, from the log, at the pace of its acknowledgements;
/// first what it had not acknowledged on an earlier connection.
/// </summary>
/// <remarks>
/// One thread of the pool at a time, which reads the log outside of all locks.
/// Places that are behind are guarded by the writer's gate, as is whether a thread is at it.
/// </remarks>
internal sealed class Feeder(
    Writer writer, PacketIdWindow window, KeptSession kept, IEventOutlet outlet, Identity identity, ILife life, SubscribeBudgets budgets, TimeProvider time)
    : IThreadPoolWorkItem
{
    /// <summary>Read at once from the log, at most; a page is encoded outside the lock.</summary>
    private const int FeedPage = 64;
    private const int FirstFeedPage = 16;

    // The places that are behind, in the order of their turn, and whether a feeder runs.
    private Queue<Place>? _behind;
    private bool _isFeeding;
    private bool _waitsForBudget;

    // The next page's length: of long events fewer are read, or most of a page would be read for nothing. The feeder's.
    private int _pageLength = FirstFeedPage;

    void IThreadPoolWorkItem.Execute()
    {
        try
        {
            do
            {
                while (NextToRedeliver(out var sent, out var stream, out var asked))
                {
                    Redeliver(sent, stream, asked);
                }

                writer.Flush();
                while (NextToFeed(out var turn))
                {
                    FeedPageTo(turn);
                    writer.Flush();
                }
            }
            while (!IsAtRest());
            writer.Flush();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // What cannot be read is not skipped: the client comes back, and the operator has heard of it from the log.
            _ = life.EndAsync(ReasonCode.ImplementationSpecificError, "The history could not be read.");
        }
    }

    /// <summary>The client is behind in a place. Under the writer's gate.</summary>
    public void Feed(Place place)
    {
        if (!place.IsFed)
        {
            place.IsFed = true;
            (_behind ??= new Queue<Place>()).Enqueue(place);
        }

        if (!outlet.MayWrite)
        {
            writer.Block();
        }

        Start();
    }

    /// <summary>Starts if there is something to bring, and room for it. Under the writer's gate.</summary>
    public void Start()
    {
        if (!_isFeeding && HasFood)
        {
            _isFeeding = true;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>The client is owed more, and must take or acknowledge something first. Under the writer's gate.</summary>
    public bool IsBlocked => !outlet.MayWrite && (_behind is { Count: > 0 } || kept.HasRedeliveries);

    /// <summary>There is something to bring, and it may be brought now. Under the writer's gate.</summary>
    public bool HasWaiting => !_waitsForBudget && (_behind is { Count: > 0 } || kept.HasRedeliveries);

    // Under the writer's gate. There is something for the feeder to bring, and room for it.
    private bool HasFood => !writer.IsSilent && !_waitsForBudget && !kept.IsResuming && outlet.MayWrite && (_behind is { Count: > 0 } || kept.HasRedeliveries);

    // Under the writer's gate.
    private bool MayFeed => outlet.MayWrite && !kept.IsHeldBack;

    private bool NextToFeed(out FeedTurn turn)
    {
        lock (writer.Gate)
        {
            while (!writer.IsSilent && MayFeed && _behind is not null && _behind.TryDequeue(out var place))
            {
                if (place.Now?.Events is not { } asked || !place.IsBehind)
                {
                    place.IsFed = false;
                    continue;
                }

                if (place.Cursor < place.HistoryUntil && !CatchUpBudget.HasSome(out var pause))
                {
                    _behind.Enqueue(place);
                    _waitsForBudget = true;
                    _ = GoOnLaterAsync(pause);
                    break;
                }

                // A page for everybody in turn.
                _behind.Enqueue(place);
                turn = new FeedTurn(place, asked, place.Cursor, place.Owed, Math.Min(_pageLength, window.Free));
                return true;
            }

            turn = default;
            return false;
        }
    }

    // False: room was made, or more is owed, since the feeder looked.
    private bool IsAtRest()
    {
        lock (writer.Gate)
        {
            if (HasFood)
            {
                return false;
            }

            if (IsBlocked)
            {
                writer.Block();
            }

            // Whoever makes room, or falls behind, from here on starts the feeder anew.
            _isFeeding = false;
            outlet.WriteBeside();
            return true;
        }
    }

    private void FeedPageTo(in FeedTurn turn)
    {
        var (place, wants, after, owed, count) = turn;
        var stream = place.Stream;
        var page = stream.ReadAfter(Math.Max(0, after), count);
        List<(long Seq, EncodedPublish? Publish)> publishes = new(page.Entries.Count);
        var now = time.GetUtcNow();

        // No more than a client is written that does not read: what would not be written is not encoded.
        for (int i = 0, bytes = 0; i < page.Entries.Count && bytes <= Writer.EventBytesLimit; i++)
        {
            var entry = page.Entries[i];
            var isLeftOut = IsOver(entry, entry.Seq <= place.HistoryUntil) || (/* guard: No Local in what comes from the log */ wants.NoLocal && IsOwn(stream, entry));
            var frames = isLeftOut ? null : stream.FramesOf(entry, page.Head.Epoch, now, stream.MoreOf(entry).Span);
            var publish = frames?.For(writer.IsVersion5, wants);
            publishes.Add((entry.Seq, publish));
            bytes += publish?.Length ?? 0;
        }

        _pageLength = publishes.Count < page.Entries.Count ? publishes.Count : Math.Min(FeedPage, _pageLength * 2);
        var history = 0;
        lock (writer.Gate)
        {
            // A SUBSCRIBE may have moved it back meanwhile: what was read begins too late then.
            if (writer.IsSilent || place.Now?.Events is null || place.Cursor < after || !TryWriteReset(place))
            {
                return;
            }

            foreach (var (seq, publish) in publishes)
            {
                // A live delivery may have been quicker. What is no longer kept leaves a gap here.
                if (seq <= place.Cursor)
                {
                    continue;
                }

                if (!outlet.TryWriteEvent(publish, place, seq))
                {
                    break;
                }

                kept.Advance(place, seq);
                history += /* guard: history at a bounded rate */ seq <= place.HistoryUntil ? publish?.Length ?? 0 : 0;
            }

            if (publishes.Count == 0)
            {
                // Nothing of what it was owed then is there any more: the log was dropped. What came since is another matter.
                kept.Advance(place, Math.Max(place.Cursor, owed));
            }
        }

        if (history > 0)
        {
            CatchUpBudget.Take(history);
        }
    }

    // Looked up, for the budget of who did nothing for a while is forgotten.
    private WorkBudget CatchUpBudget => budgets.Of(identity.Account.Id).CatchUp;

    // The account has been brought more history than it may be in this time. Nothing of it is lost.
    private async Task GoOnLaterAsync(TimeSpan pause)
    {
        await Task.WhenAny(Task.Delay(pause, time), life.Ended);
        lock (writer.Gate)
        {
            _waitsForBudget = false;
            Start();
        }
    }

    // [MQTT-3.3.2-5] What has waited longer than its sender gave it is not sent any more. To who asks for history it is history, and comes.
    private bool IsOver(in LogEntry entry, bool isHistory) => !isHistory && EventBody.ExpiryOf(entry.Body.Span) is { } expiry && expiry <= time.GetUtcNow();

    // The log knows the author's account, not the client.
    // What is older than what the stream remembers comes, rather than that words of the account's other clients are missed.
    private bool IsOwn(EventStream stream, in LogEntry entry) =>
        entry.Author == identity.Account.Id && stream.Publishers?.Has(identity.PublisherMark, EventBody.IdOf(entry.Body.Span)) == true;

    // Under the writer's gate.
    private bool TryWriteReset(Place place)
    {
        if (place.Reset is not null && !outlet.TryWriteEvent(place.Reset, place, 0))
        {
            return false;
        }

        place.Reset = null;
        return true;
    }

    private bool NextToRedeliver(out UnacknowledgedEvent next, out EventStream stream, out Wants wants)
    {
        while (TryPeekRedelivered(out next))
        {
            if (kept.WayOf(next) is { } way)
            {
                (stream, wants) = way;
                return true;
            }

            lock (writer.Gate)
            {
                kept.DropRedelivery(next);
            }
        }

        (stream, wants) = (null!, null!);
        return false;
    }

    private void Redeliver(UnacknowledgedEvent sent, EventStream stream, Wants wants)
    {
        var page = stream.ReadAfter(sent.Seq - 1, 1);
        var publish = page.Entries is [{ } entry] && entry.Seq == sent.Seq && !IsOver(entry, isHistory: false)
            ? stream.FramesOf(entry, page.Head.Epoch, time.GetUtcNow(), stream.MoreOf(entry).Span).For(writer.IsVersion5, wants)
            : null;
        lock (writer.Gate)
        {
            // Something else may have taken the last of the window meanwhile; then it is its turn again when there is room.
            if (writer.IsSilent || !outlet.MayWrite || !kept.TryPeekRedelivery(out var next) || next != sent)
            {
                return;
            }

            if (publish is null || publish.Length > writer.MaximumPacket)
            {
                kept.DropRedelivery(sent);
                return;
            }

            kept.TakeRedelivery(sent);
            writer.Write(publish, sent.PacketId, isRepeated: true);
        }
    }

    private bool TryPeekRedelivered(out UnacknowledgedEvent next)
    {
        lock (writer.Gate)
        {
            next = default;
            return !writer.IsSilent && outlet.MayWrite && kept.TryPeekRedelivery(out next);
        }
    }

    /// <summary>Whose page is next, how it was when that was decided, and how long the page may be.</summary>
    private readonly record struct FeedTurn(Place Place, Wants Wants, long After, long Owed, int Count);
}
