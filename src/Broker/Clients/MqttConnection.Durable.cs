using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Clients;

/// <content>What of a durable client outlives this connection: where it is in each log, and what it has not acknowledged.</content>
internal sealed partial class MqttConnection
{
    // Guarded by _write. Null: the client is not durable, or another connection has taken over.
    private Dictionary<LogName, Place>? _kept;
    private UnacknowledgedEvents? _unacknowledged;
    private bool _positionChanged;

    // Where the client was, while CONNECT puts it there again: the feeder writes no event meanwhile.
    private DurablePosition? _resuming;

    /// <summary>How what was begun before an UNSUBSCRIBE is sent again: nothing asks for anything else by then.</summary>
    private static readonly Wants GivenUpWants = new(1, NoLocal: false, RetainAsPublished: false, []);

    // Sent on an earlier connection and not acknowledged: these go first, under the packet ids they had [MQTT-4.4.0-1].
    private Queue<UnacknowledgedEvent>? _redelivered;

    /// <summary>Seconds that the MQTT session lives on after this connection; 0: it ends with it.</summary>
    public uint SessionExpiry { get; private set; }

    private bool IsDurable => SessionExpiry > 0;

    /// <summary>Where the client is. Null: not known here any more, or, with <paramref name="onlyChanged"/>, as it was asked for last.</summary>
    public DurablePosition? Position(bool onlyChanged = false)
    {
        lock (_write)
        {
            if (_kept is null || (onlyChanged && !_positionChanged))
            {
                return null;
            }

            _positionChanged = false;
            if (_resuming is not null)
            {
                // Not in place yet: it is where it was.
                return _resuming;
            }

            // What was not sent again yet is unacknowledged all the same, and newer than what was: nothing else is sent before it.
            List<UnacknowledgedEvent> unacknowledged = [.. _unacknowledged!.ToList(), .. _redelivered ?? []];
            var resets = unacknowledged.Where(sent => sent.Seq == 0).Select(sent => sent.Log).ToHashSet();
            Dictionary<LogName, LogCursor> cursors = [];
            foreach (var (log, place) in _kept)
            {
                if (place is { Cursor: >= 0, Now.Events.QualityOfService: > 0 })
                {
                    // A client that has not acknowledged that it must begin anew is told again.
                    var isReset = place.Reset is not null || resets.Contains(log);
                    cursors[log] = new LogCursor(isReset ? "" : place.Epoch, place.Cursor);
                }
            }

            unacknowledged.RemoveAll(sent => sent.Seq == 0);
            return new DurablePosition(cursors, unacknowledged, Received());
        }
    }

    /// <summary>Where the client is, for whoever keeps it from now on; the connection must have been silenced. Null: somebody has it already.</summary>
    public DurablePosition? HandOverPosition()
    {
        lock (_write)
        {
            _silent = true;
            var position = Position();
            _kept = null;
            return position;
        }
    }

    /// <summary>The QoS 2 publishes that the client has not released, of those that were stored: what failed, or was refused, it may send again.</summary>
    public IReadOnlyDictionary<ushort, ulong> Received()
    {
        lock (_write)
        {
            return _incomingQoS2.Where(publish => publish.Value is { IsDone: true, Code: < 0x80 })
                .Select(publish => KeyValuePair.Create(publish.Key, publish.Value.ContentHash))
                .Concat(_receivedBefore ?? [])
                .ToDictionary();
        }
    }

    /// <summary>
    /// Begins what a subscriber hears of its stream: where the SUBSCRIBE asked, or a durable client was, or with what comes. Under the write lock, in one hold with making
    /// the place known to the stream: what is stored later comes live, nothing falls in between, and what comes both ways is written once.
    /// </summary>
    public void Begin(Subscriber subscriber, CatchUpFrom? from)
    {
        var place = subscriber.Place;
        if (from is null)
        {
            if (_kept is null)
            {
                return;
            }

            _kept[place.Stream.Log] = place;
            if (place.Cursor >= 0 || subscriber.Events!.QualityOfService == 0)
            {
                return;
            }
        }

        // Inside the lock, or an event that is delivered meanwhile would be taken for one that comes after.
        var head = _services.RoomLog.Head(place.Stream.Log);
        var (cursor, isReset) = (head.Head, false);
        if (from is not null)
        {
            (cursor, isReset) = from.Resolve(head);
            place.HistoryUntil = head.Head;
        }
        else if (_resuming?.Cursors.TryGetValue(place.Stream.Log, out var was) == true)
        {
            // Who has had nothing has nothing to forget: a log without events has another epoch after each start.
            var epoch = was is { Seq: 0, Epoch.Length: > 0 } ? null : was.Epoch;
            (cursor, isReset) = new CatchUpFrom(was.Seq, epoch, null).Resolve(head);
        }

        (place.Cursor, place.Owed, place.Epoch) = (cursor, head.Head, head.Epoch);
        place.Reset = isReset ? place.Stream.ResetFrames(head).For(IsVersion5, subscriber.Events!) : null;
        if (_kept is not null)
        {
            _kept[place.Stream.Log] = place;
            _positionChanged = true;
        }

        if (place.IsBehind)
        {
            Feed(place);
        }
    }

    // The CONNACK has been written. Everything that is put in place here goes out behind it.
    private void BeginDurable(DurableClient client, bool isPresent)
    {
        lock (_write)
        {
            _kept = [];
            _unacknowledged = new UnacknowledgedEvents();
            if (!isPresent)
            {
                return;
            }

            _resuming = client.Position;
            if (client.Position.Received.Count > 0)
            {
                _receivedBefore = new Dictionary<ushort, ulong>(client.Position.Received);
            }

            foreach (var sent in client.Position.Unacknowledged)
            {
                _window.Reserve(sent.PacketId);
            }
        }

        foreach (var filter in client.Filters)
        {
            if (RoomAccess.MayStillHold(_services.Rooms, Session!, filter.Filter))
            {
                Hold(filter, null);
            }
        }

        lock (_write)
        {
            _redelivered = new Queue<UnacknowledgedEvent>();
            foreach (var sent in client.Position.Unacknowledged)
            {
                // Lost meanwhile, given up, or of another life of the log: the client is not owed it any more.
                if (sent.GivenUp is not null
                    || (_kept is not null && _kept.TryGetValue(sent.Log, out var place) && place.Now?.Events is { QualityOfService: > 0 } && place.Reset is null && sent.Seq <= place.Cursor))
                {
                    _redelivered.Enqueue(sent);
                }
                else
                {
                    _window.Unreserve(sent.PacketId);
                }
            }

            _resuming = null;
            _blockedSince = null;
            StartFeeder();
        }
    }

    // Under _write. New events wait until what is older is with the client.
    private bool IsHeldBack => _resuming is not null || _redelivered is { Count: > 0 };

    // Under _write.
    private void Track(ushort packetId, Place place, long seq)
    {
        if (_kept is not null)
        {
            _unacknowledged!.Add(packetId, place.Stream.Log, seq);
            _positionChanged = true;
        }
    }

    // Under _write. The client has given up what it had of a log, or lost it: should it come back, it begins anew.
    private void EndPosition(Place place)
    {
        var log = place.Stream.Log;
        if (_kept?.Remove(log) != true)
        {
            return;
        }

        _positionChanged = true;
        if (!_isUnsubscribing)
        {
            ForgetSent(log);
            return;
        }

        // [MQTT-3.10.4-3] What was begun is completed: on another connection, if this one is cut first.
        _unacknowledged!.GiveUp(log, place.Epoch);
        if (_redelivered is { Count: > 0 } waiting)
        {
            _redelivered = new Queue<UnacknowledgedEvent>(waiting.Select(sent => sent.Log == log ? sent with { GivenUp = sent.GivenUp ?? place.Epoch } : sent));
        }
    }

    // The account lost a room, also one that the client has unsubscribed from: nothing of it is sent again, and its seqs may mean other events by then.
    private void ForgetInFlight(LogName log)
    {
        lock (_write)
        {
            if (_kept is not null)
            {
                ForgetSent(log);
            }
        }
    }

    // Under _write.
    private void ForgetSent(LogName log)
    {
        _positionChanged = true;
        _unacknowledged!.Forget(log);
        if (_redelivered is { Count: > 0 } waiting)
        {
            foreach (var sent in waiting.Where(sent => sent.Log == log))
            {
                _window.Unreserve(sent.PacketId);
            }

            _redelivered = new Queue<UnacknowledgedEvent>(waiting.Where(sent => sent.Log != log));
        }
    }

    private bool NextToRedeliver(out UnacknowledgedEvent next, out EventStream stream, out Wants wants)
    {
        while (TryPeekRedelivered(out next))
        {
            if (WayOf(next) is { } way)
            {
                (stream, wants) = way;
                return true;
            }

            lock (_write)
            {
                if (_redelivered is { Count: > 0 } waiting && waiting.Peek() == next)
                {
                    waiting.Dequeue();
                    _window.Unreserve(next.PacketId);
                }
            }
        }

        (stream, wants) = (null!, null!);
        return false;
    }

    private bool TryPeekRedelivered(out UnacknowledgedEvent next)
    {
        lock (_write)
        {
            next = default;
            return !_silent && MayWrite && _redelivered is not null && _redelivered.TryPeek(out next);
        }
    }

    // Null: it is not sent again, because the client has lost it, or gave it up and may not read there any more, or the log has another life.
    private (EventStream Stream, Wants Wants)? WayOf(in UnacknowledgedEvent sent)
    {
        if (sent.GivenUp is not null)
        {
            return RoomAccess.MayStillHear(_services.Rooms, Session!, sent.Log) is { } stream && _services.RoomLog.Head(sent.Log).Epoch == sent.GivenUp
                ? (stream, GivenUpWants)
                : null;
        }

        lock (_write)
        {
            return _kept is not null && _kept.TryGetValue(sent.Log, out var place) && place.Now?.Events is { QualityOfService: > 0 } asked ? (place.Stream, asked) : null;
        }
    }

    private void Redeliver(UnacknowledgedEvent sent, EventStream stream, Wants wants)
    {
        var page = _services.RoomLog.ReadAfter(stream.Log, sent.Seq - 1, 1);
        var publish = page.Entries is [{ } entry] && entry.Seq == sent.Seq && !IsOver(entry, isHistory: false)
            ? stream.FramesOf(entry.Body.Span, entry.Seq, page.Head.Epoch, entry.At, _services.Time.GetUtcNow()).For(IsVersion5, wants)
            : null;
        lock (_write)
        {
            // Something else may have taken the last of the window meanwhile; then it is its turn again when there is room.
            if (_silent || !MayWrite || _redelivered is not { Count: > 0 } waiting || waiting.Peek() != sent)
            {
                return;
            }

            waiting.Dequeue();
            if (publish is null || publish.Length > _clientMaximumPacket)
            {
                _window.Unreserve(sent.PacketId);
                return;
            }

            _window.Use(sent.PacketId);
            _unacknowledged!.Add(sent.PacketId, sent.Log, sent.Seq, sent.GivenUp);
            Write(publish, sent.PacketId, isRepeated: true);
        }
    }
}
