using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Clients;

/// <content>The feeder: brings a client that is behind what it is owed, from the log, at the pace of its acknowledgements.</content>
internal sealed partial class MqttConnection : IThreadPoolWorkItem
{
    /// <summary>Read at once from the log, at most; a page is encoded outside the lock.</summary>
    private const int FeedPage = 64;
    private const int FirstFeedPage = 16;

    // Guarded by _write: the places that are behind, in the order of their turn, and whether a feeder runs.
    private Queue<Place>? _behind;
    private bool _isFeeding;
    private bool _waitsForBudget;

    // The next page's length: of long events fewer are read, or most of a page would be read for nothing. The feeder's.
    private int _pageLength = FirstFeedPage;
    private long? _blockedSince;

    /// <summary>True: the client owes us acknowledgements, or its socket takes nothing, and that has not changed for this long.</summary>
    public bool IsStuckFor(TimeSpan time)
    {
        lock (_write)
        {
            return _blockedSince is { } since && _services.Time.GetElapsedTime(since) > time;
        }
    }

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

                Flush();
                while (NextToFeed(out var turn))
                {
                    FeedPageTo(turn);
                    Flush();
                }
            }
            while (!IsAtRest());
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // What cannot be read is not skipped: the client comes back, and the operator has heard of it from the log.
            _ = EndAsync(ReasonCode.ImplementationSpecificError, "The history could not be read.");
        }
    }

    // Under _write.
    private void Feed(Place place)
    {
        if (!place.IsFed)
        {
            place.IsFed = true;
            (_behind ??= new Queue<Place>()).Enqueue(place);
        }

        if (!MayWrite)
        {
            _blockedSince ??= _services.Time.GetTimestamp();
        }

        StartFeeder();
    }

    // Under _write.
    private void StartFeeder()
    {
        if (!_isFeeding && HasFood)
        {
            _isFeeding = true;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    // Under _write. There is something for the feeder to bring, and room for it.
    private bool HasFood => !_silent && !_waitsForBudget && _resuming is null && MayWrite && (_behind is { Count: > 0 } || _redelivered is { Count: > 0 });

    // Under _write.
    private bool MayWrite => !_window.IsFull && _queue is not { Count: > 0 } && HasRoom(EventBytesLimit);

    // Under _write. The client is owed more, and must take or acknowledge something first.
    private bool IsFeederBlocked => !MayWrite && (_behind is { Count: > 0 } || _redelivered is { Count: > 0 });

    // Under _write.
    private bool MayFeed => MayWrite && !IsHeldBack;

    private bool NextToFeed(out FeedTurn turn)
    {
        lock (_write)
        {
            while (!_silent && MayFeed && _behind is not null && _behind.TryDequeue(out var place))
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
                turn = new FeedTurn(place, asked, place.Cursor, place.Owed, Math.Min(_pageLength, _window.Free));
                return true;
            }

            turn = default;
            return false;
        }
    }

    // False: room was made, or more is owed, since the feeder looked.
    private bool IsAtRest()
    {
        lock (_write)
        {
            if (HasFood)
            {
                return false;
            }

            if (IsFeederBlocked)
            {
                _blockedSince ??= _services.Time.GetTimestamp();
            }

            // Whoever makes room, or falls behind, from here on starts the feeder anew.
            _isFeeding = false;
            return true;
        }
    }

    private void FeedPageTo(in FeedTurn turn)
    {
        var (place, wants, after, owed, count) = turn;
        var stream = place.Stream;
        var page = _services.RoomLog.ReadAfter(stream.Log, Math.Max(0, after), count);
        List<(long Seq, EncodedPublish? Publish)> publishes = new(page.Entries.Count);
        var now = _services.Time.GetUtcNow();

        // No more than a client is written that does not read: what would not be written is not encoded.
        for (int i = 0, bytes = 0; i < page.Entries.Count && bytes <= EventBytesLimit; i++)
        {
            var entry = page.Entries[i];
            var isLeftOut = IsOver(entry, entry.Seq <= place.HistoryUntil) || (wants.NoLocal && IsOwn(stream, entry));
            var frames = isLeftOut ? null : stream.FramesOf(entry.Body.Span, entry.Seq, page.Head.Epoch, entry.At, now);
            var publish = frames?.For(IsVersion5, wants);
            publishes.Add((entry.Seq, publish));
            bytes += publish?.Length ?? 0;
        }

        _pageLength = publishes.Count < page.Entries.Count ? publishes.Count : Math.Min(FeedPage, _pageLength * 2);
        var history = 0;
        lock (_write)
        {
            // A SUBSCRIBE may have moved it back meanwhile: what was read begins too late then.
            if (_silent || place.Now?.Events is null || place.Cursor < after || !TryWriteReset(place))
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

                if (!TryWriteEvent(publish, place, seq, null))
                {
                    break;
                }

                Advance(place, seq);
                history += seq <= place.HistoryUntil ? publish?.Length ?? 0 : 0;
            }

            if (publishes.Count == 0)
            {
                // Nothing of what it was owed then is there any more: the log was dropped. What came since is another matter.
                Advance(place, Math.Max(place.Cursor, owed));
            }
        }

        if (history > 0)
        {
            CatchUpBudget.Take(history);
        }
    }

    // Looked up, for the budget of who did nothing for a while is forgotten.
    private WorkBudget CatchUpBudget => _services.SubscribeBudgets.Of(Account.Id).CatchUp;

    // The account has been brought more history than it may be in this time. Nothing of it is lost.
    private async Task GoOnLaterAsync(TimeSpan pause)
    {
        await Task.WhenAny(Task.Delay(pause, _services.Time), _ended.Task);
        lock (_write)
        {
            _waitsForBudget = false;
            StartFeeder();
        }
    }

    /// <summary>Whose page is next, how it was when that was decided, and how long the page may be.</summary>
    private readonly record struct FeedTurn(Place Place, Wants Wants, long After, long Owed, int Count);

    // [MQTT-3.3.2-5] What has waited longer than its sender gave it is not sent any more. To who asks for history it is history, and comes.
    private bool IsOver(in LogEntry entry, bool isHistory) => !isHistory && EventBody.ExpiryOf(entry.Body.Span) is { } expiry && expiry <= _services.Time.GetUtcNow();

    // The log knows the author's account, not the client. What is older than what the stream remembers comes, rather than that words of the account's other clients are missed.
    private bool IsOwn(EventStream stream, in LogEntry entry) =>
        entry.Author == Account.Id && stream.Publishers?.Has(PublisherMark, EventBody.IdOf(entry.Body.Span)) == true;

    // Under _write.
    private void Advance(Place place, long seq)
    {
        place.Cursor = seq;
        _positionChanged = true;
    }

    // Under _write.
    private bool TryWriteReset(Place place)
    {
        if (place.Reset is not null && !TryWriteEvent(place.Reset, place, 0, null))
        {
            return false;
        }

        place.Reset = null;
        return true;
    }
}
