using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// What of a client may outlive this connection: where it is in each log, what it has not acknowledged, its will, and how long it is kept.
/// </summary>
/// <remarks>Guarded by the writer's gate. <see cref="DurableClients"/> asks for it under its own, which is taken before.</remarks>
internal sealed partial class KeptSession(
    Writer writer, PacketIdWindow window, OwedAnswers answers, Identity identity, ILife life, RoomDirectory rooms, IEventLog log, DurableClients durable) : IResumable
{
    /// <summary>How what was begun before an UNSUBSCRIBE is sent again: nothing asks for anything else by then.</summary>
    private static readonly Wants GivenUpWants = new(1, NoLocal: false, RetainAsPublished: false, []);

    // Null: the client is not durable, or another connection has taken over.
    private Dictionary<LogName, Place>? _kept;
    private UnacknowledgedEvents? _unacknowledged;
    private bool _positionChanged;

    // The sweep is to ask where the client is.
    private bool _isNoted;

    // Where the client was, while CONNECT puts it there again: the feeder writes no event meanwhile.
    private DurablePosition? _resuming;

    // Sent on an earlier connection and not acknowledged: these go first, under the packet ids they had [MQTT-4.4.0-1].
    private Queue<UnacknowledgedEvent>? _redelivered;

    private readonly AskedWill _will = new(writer, life);

    public Account Account => identity.Account;

    public LoginSession? Session => identity.Session;

    public string ClientId => identity.SessionName;

    /// <summary>What CONNECT asked for, in seconds.</summary>
    public uint AskedExpiry { get; private set; }

    /// <summary>Seconds that the MQTT session lives on after this connection; 0: it ends with it.</summary>
    public uint SessionExpiry { get; private set; }

    public bool IsDurable => SessionExpiry > 0;

    /// <summary>CONNECT asks to begin without what is kept.</summary>
    public bool IsCleanStart { get; private set; }

    /// <summary>The client has taken its will away by saying that it leaves.</summary>
    public bool SaidGoodbye { get; set; }

    /// <summary>What CONNECT asked to have said when the client is lost, if it is one that may be said.</summary>
    public LastWill? Will => _will.Now;

    /// <summary>Something is to be sent again, and nothing is in its way but the window. Under the writer's gate.</summary>
    public bool HasRedeliveries => _redelivered is { Count: > 0 };

    /// <summary>The places of an earlier connection are being taken again. Under the writer's gate.</summary>
    public bool IsResuming => _resuming is not null;

    public void Ask(Handshake asked)
    {
        (AskedExpiry, IsCleanStart) = (asked.SessionExpiry, asked.IsClean);
        _will.Ask(asked.Will);
    }

    /// <summary>The client is let in. A guest ends with its last connection.</summary>
    public void Grant() => SessionExpiry = identity.Account.IsGuest ? 0 : Math.Min(AskedExpiry, DurableClients.MaximumExpiry);

    /// <summary>MQTT 5.0, 3.14.2.2.2: a client may say at the end how long it is kept, but not that it is kept after all.</summary>
    /// <param name="seconds">As it asks.</param>
    public void ChangeExpiry(long seconds)
    {
        if (seconds > 0 && AskedExpiry == 0)
        {
            throw new Violation(ReasonCode.ProtocolError, "A client that connected without session expiry cannot ask for one at the end.");
        }

        SessionExpiry = SessionExpiry == 0 ? 0 : (uint)Math.Min(seconds, DurableClients.MaximumExpiry);
    }

    public void DropWill() => _will.Drop();

    public void CameBy(ClientCertificate? certificate) => _will.CameBy(certificate);

    public Task PublishesDrained() => answers.Drained();

    public IReadOnlyDictionary<ushort, ulong> Received() => answers.Received();

    /// <summary>
    /// The client has released a QoS 2 packet id, or uses it for something new.
    /// Under the writer's gate: whoever takes over from here on may store another publish under the id.
    /// </summary>
    /// <returns>Completes when that is on disk; fails with <see cref="IOException"/>.</returns>
    public Task Released(ushort packetId) => durable.Released(this, packetId);

    /// <summary>
    /// The CONNACK is written, and the client is kept from now on.
    /// Everything that is put in place until <see cref="EndResuming"/> goes out behind it.
    /// </summary>
    /// <param name="was">What was kept of it; null: nothing.</param>
    /// <param name="data">Where it is in what devices say.</param>
    public void Begin(DurablePosition? was, DataCursors data)
    {
        lock (writer.Gate)
        {
            Data = data;
            _kept = [];
            _unacknowledged = new UnacknowledgedEvents();
            if (was is null)
            {
                return;
            }

            _resuming = was;
            answers.Resume(was.Received);
            foreach (var sent in was.Unacknowledged)
            {
                window.Reserve(sent.PacketId);
            }
        }
    }

    /// <summary>
    /// Its filters are in place: what it had not acknowledged goes first. Under the writer's gate; the feeder is to be started.
    /// </summary>
    public void EndResuming(DurablePosition was)
    {
        _redelivered = new Queue<UnacknowledgedEvent>();
        foreach (var sent in was.Unacknowledged)
        {
            // Lost meanwhile, given up, or of another life of the log: the client is not owed it any more.
            if (sent.GivenUp is not null
                || (_kept is not null && _kept.TryGetValue(sent.Log, out var place) && place.Now?.Events is { QualityOfService: > 0 } && place.Reset is null && sent.Seq <= place.Cursor))
            {
                _redelivered.Enqueue(sent);
            }
            else
            {
                window.Unreserve(sent.PacketId);
            }
        }

        _resuming = null;
        writer.Unblock();
    }

    /// <summary>The client has acknowledged what was sent under a packet id. Under the writer's gate.</summary>
    public void Acknowledged(ushort packetId)
    {
        _unacknowledged?.Remove(packetId);
        NoteChange();
    }

    /// <summary>What is to be sent again next. Under the writer's gate.</summary>
    public bool TryPeekRedelivery(out UnacknowledgedEvent next)
    {
        next = default;
        return _redelivered is not null && _redelivered.TryPeek(out next);
    }

    /// <summary>It is not sent again. Under the writer's gate.</summary>
    public void DropRedelivery(in UnacknowledgedEvent sent)
    {
        if (TryPeekRedelivery(out var next) && next == sent)
        {
            _redelivered!.Dequeue();
            window.Unreserve(sent.PacketId);
        }
    }

    /// <summary>It is being sent again, under the packet id it had. Under the writer's gate.</summary>
    public void TakeRedelivery(in UnacknowledgedEvent sent)
    {
        _redelivered!.Dequeue();
        window.Use(sent.PacketId);
        _unacknowledged!.Add(sent.PacketId, sent.Log, sent.Seq, sent.GivenUp);
    }

    /// <inheritdoc/>
    public DurablePosition? Position(bool onlyChanged = false)
    {
        lock (writer.Gate)
        {
            _isNoted &= !onlyChanged;
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
            return new DurablePosition(cursors, unacknowledged, answers.Received());
        }
    }

    /// <inheritdoc/>
    public DurablePosition? HandOverPosition()
    {
        lock (writer.Gate)
        {
            writer.Silence();
            var position = Position();

            // What is said of data topics is the next connection's, too: this one changes no cursor any more.
            (_kept, Data) = (null, null);
            return position;
        }
    }

    /// <summary>
    /// Begins what a subscriber hears of its stream: where the SUBSCRIBE asked, or a durable client was, or with what comes.
    /// Under the write lock, in one hold with making the place known to the stream:
    /// what is stored later comes live, nothing falls in between, and what comes both ways is written once.
    /// </summary>
    /// <returns>Whether the log has something that the subscriber is owed.</returns>
    public bool Begin(Subscriber subscriber, CatchUpFrom? from)
    {
        var place = subscriber.Place;
        if (from is null)
        {
            if (_kept is null)
            {
                return false;
            }

            _kept[place.Stream.Log] = place;
            if (place.Cursor >= 0 || subscriber.Events!.QualityOfService == 0)
            {
                return false;
            }
        }

        // Inside the lock, or an event that is delivered meanwhile would be taken for one that comes after.
        var head = place.Stream.LogHead;
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
        place.Reset = isReset ? place.Stream.ResetFrames(head).For(writer.IsVersion5, subscriber.Events!) : null;
        if (_kept is not null)
        {
            _kept[place.Stream.Log] = place;
            NoteChange();
        }

        return place.IsBehind;
    }

    /// <summary>New events wait until what is older is with the client. Under the writer's gate.</summary>
    public bool IsHeldBack => _resuming is not null || _redelivered is { Count: > 0 };

    /// <summary>An event was sent under a packet id. Under the writer's gate.</summary>
    public void Track(ushort packetId, Place place, long seq)
    {
        if (_kept is not null)
        {
            _unacknowledged!.Add(packetId, place.Stream.Log, seq);
            NoteChange();
        }
    }

    /// <summary>The client has lost what it had of a log: should it come back, it begins anew. Under the writer's gate.</summary>
    /// <param name="isGivenUp">The client itself has given it up: what is on its way to it is completed.</param>
    public void EndPosition(Place place, bool isGivenUp)
    {
        var log = place.Stream.Log;
        if (_kept?.Remove(log) != true)
        {
            return;
        }

        NoteChange();
        if (/* guard: unacknowledged before an UNSUBSCRIBE */ !isGivenUp)
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

    /// <summary>
    /// The account lost a room, also one that the client has unsubscribed from:
    /// nothing of it is sent again, and its seqs may mean other events by then.
    /// </summary>
    public void ForgetInFlight(LogName log)
    {
        lock (writer.Gate)
        {
            if (_kept is not null)
            {
                ForgetSent(log);
            }
        }
    }

    /// <summary>The client has had this seq. Under the writer's gate.</summary>
    public void Advance(Place place, long seq)
    {
        place.Cursor = seq;
        NoteChange();
    }

    /// <inheritdoc/>
    public LastWill? TakeWill() => _will.Take(SaidGoodbye);

    /// <inheritdoc/>
    public void DropDelayedWill() => _will.DropDelayed();

    /// <summary>
    /// From where, and how, it is sent again.
    /// Null: it is not, because the client has lost it, or gave it up and may not read there any more, or the log has another life.
    /// </summary>
    public (EventStream Stream, Wants Wants)? WayOf(in UnacknowledgedEvent sent)
    {
        if (sent.GivenUp is not null)
        {
            return RoomAccess.MayStillHear(rooms, identity.Session!, sent.Log) is { } stream && log.Head(sent.Log).Epoch == sent.GivenUp
                ? (stream, GivenUpWants)
                : null;
        }

        lock (writer.Gate)
        {
            return _kept is not null && _kept.TryGetValue(sent.Log, out var place) && place.Now?.Events is { QualityOfService: > 0 } asked ? (place.Stream, asked) : null;
        }
    }

    // Under the writer's gate.
    private void NoteChange()
    {
        _positionChanged = true;
        if (!_isNoted && _kept is not null)
        {
            _isNoted = true;
            durable.Moved(this);
        }
    }

    // Under the writer's gate.
    private void ForgetSent(LogName log)
    {
        NoteChange();
        _unacknowledged!.Forget(log);
        if (_redelivered is { Count: > 0 } waiting)
        {
            foreach (var sent in waiting.Where(sent => sent.Log == log))
            {
                window.Unreserve(sent.PacketId);
            }

            _redelivered = new Queue<UnacknowledgedEvent>(waiting.Where(sent => sent.Log != log));
        }
    }
}
