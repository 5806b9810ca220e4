using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// What data topics deliver to a client, at QoS 0, 1 and 2: written while its window and its socket have room, else queued; and what is
/// retained, taken from the room as the client takes it from here.
/// </summary>
/// <remarks>
/// Guarded by the writer's gate. The window is shared with what rooms say (<see cref="Delivery"/>): where both have something waiting, they
/// take it by turns, and neither fills the socket alone.
/// </remarks>
internal sealed partial class DataDelivery : IWaitingData, IThreadPoolWorkItem
{
    /// <summary>Deliveries that may wait, before the client is cut off.</summary>
    private const int QueueLengthLimit = 8192;
    private const int QueueBytesLimit = 2 * 1024 * 1024;
    private const int TightQueueBytesLimit = 64 * 1024;

    /// <summary>Payloads of the largest size that may wait beside each other, whatever the bytes.</summary>
    private const int LargestPayloads = 4;

    /// <summary>What a place in the queue costs beside its packet, which others may share.</summary>
    private const int BytesOfQueued = 64;

    /// <summary>Retained values in a row, before others get the thread.</summary>
    private const int ReplayedAtOnce = 512;

    private readonly Writer _writer;
    private readonly PacketIdWindow _window;
    private readonly Delivery _talk;
    private readonly ILife _life;
    private readonly TrafficMemory _memory;
    private readonly TimeProvider _time;
    private readonly int _queueBytes;
    private readonly DataInFlight _inFlight = new();
    private Queue<DataQueued>? _queue;
    private List<DataReplay>? _replays;
    private bool _goesOnLater;

    // Which of the two took the last packet id.
    private bool _tookLast;
    private int _unacknowledged;

    public DataDelivery(
        Writer writer, PacketIdWindow window, Delivery talk, Identity identity, ILife life, TrafficMemory memory, BrokerLimits limits,
        TimeProvider time)
    {
        (_writer, _window, _talk, _life, _memory, _time) = (writer, window, talk, life, memory, time);
        _queueBytes = (int)Math.Min(Math.Max(QueueBytesLimit, (long)LargestPayloads * limits.DataPayloadBytes), int.MaxValue / 2);
        Feeder = new DataFeeder(writer, window, _inFlight, this, identity, life, time);
        talk.Share(this);
    }

    /// <summary>Brings a client that is kept what it is behind with.</summary>
    public DataFeeder Feeder { get; }

    /// <summary>Bytes of what waits. Under the writer's gate.</summary>
    public int QueuedBytes { get; private set; }

    /// <summary>Something waits. Under the writer's gate.</summary>
    public bool IsOwed => _queue is { Count: > 0 } || _replays is { Count: > 0 } || Feeder.HasWaiting;

    public bool HasInFlight => _inFlight.Count > 0;

    /// <summary>What the client has, or has waiting, and has not acknowledged. Any thread.</summary>
    public int Unacknowledged => Volatile.Read(ref _unacknowledged);

    /// <summary>False: the client is gone.</summary>
    public bool Hear(DataPlace place, DataFrames frames, in DataGrant grant, List<IMember> touched)
    {
        if (grant is { QualityOfService: > 0, Group: null } && place.Cursor is { } cursor)
        {
            HearKept(place, cursor, frames, grant, touched);
            return true;
        }

        bool isTooSlow;
        lock (_writer.Gate)
        {
            if (_writer.IsSilent)
            {
                return false;
            }

            if (_queue is not { Count: > 0 } && TryWrite(place.IsMounted, frames, grant))
            {
                HeardLive(place, frames.Message);
                _writer.Touch(touched);
                isTooSlow = false;
            }
            else if (grant.QualityOfService == 0 && (_writer.IsStalled || _queue is not { Count: > 0 } || _queue.Count > QueueLengthLimit / 2))
            {
                // Behind what waits it keeps its order; behind a socket that takes nothing it is dropped, as it may be.
                Replace(place, frames.Message);
                return true;
            }
            else
            {
                isTooSlow = Enqueue(new DataQueued(place, frames, grant));
            }
        }

        if (isTooSlow)
        {
            _life.TooSlow();
        }

        return true;
    }

    /// <summary>Sends what is retained of what a subscription matches, in place of what was still to be sent of its like.</summary>
    /// <param name="isAfterGap">The client has missed something, and is told so.</param>
    public void Replay(DataPlace place, DataSubscription subscription, bool isAfterGap = false)
    {
        lock (_writer.Gate)
        {
            if (_writer.IsSilent)
            {
                return;
            }

            _replays ??= [];
            for (var old = _replays.Count - 1; old >= 0; old--)
            {
                if (!_replays[old].Place.Holds(_replays[old].Subscription))
                {
                    EndReplay(old);
                }
            }

            var filter = subscription.Filter.Text;
            if (_replays.FindIndex(replay => replay.Place == place && replay.Subscription.Filter.Text == filter) is >= 0 and var at)
            {
                EndReplay(at);
            }

            _replays.Add(new DataReplay(place, subscription, isAfterGap));
            GoOnLater();
        }
    }

    /// <summary>
    /// PUBACK, PUBREC or PUBCOMP. Null: of nothing that data topics delivered. False: it brings nothing new.
    /// </summary>
    /// <param name="reason">Of the packet.</param>
    /// <exception cref="Violation">It is not what is to come.</exception>
    public bool? Answered(PacketType type, ushort packetId, byte reason)
    {
        if (Relay is not null && type != PacketType.PubRel && DataRelay.IsDelivery(packetId))
        {
            return AnsweredToHome(type, packetId, reason);
        }

        // What was delivered is known before it is written, so before anybody can answer it.
        if (!_inFlight.IsUsed && !_writer.IsSilent)
        {
            return null;
        }

        lock (_writer.Gate)
        {
            if (type != PacketType.PubRel && _writer.IsSilent)
            {
                // Taken over: where the client is belongs to its next connection.
                return false;
            }

            DataCursor? cursor = null;
            switch (type == PacketType.PubRel ? DataAnswer.Unknown : _inFlight.Answer(type, packetId, reason, out cursor))
            {
                case DataAnswer.Unknown:
                    return null;
                case DataAnswer.Repeated:
                    return false;
                case DataAnswer.Release when cursor is not null:
                    Feeder.Received(cursor, packetId);
                    return true;
                case DataAnswer.Release:
                    // [MQTT-4.3.3-4] Also what was said already is said again: PUBCOMP may have been lost with nobody knowing.
                    _writer.WriteShort(PacketType.PubRel, packetId, ReasonCode.Success);
                    return true;
                default:
                    Feeder.Complete(cursor, packetId);
                    Count();
                    _talk.WriteWaiting();
                    _writer.Progressed();
                    return true;
            }
        }
    }

    /// <summary>Writes what the window and the socket allow of what waits. Under the writer's gate.</summary>
    /// <param name="yields">False: it is not for talk to take what is free of the window.</param>
    public void WriteWaiting(bool yields = true)
    {
        // Of most clients: each acknowledgement of what rooms say comes by here.
        if (_queue is null && _replays is null && _groups is null && Feeder.IsUnused)
        {
            return;
        }

        while (!_writer.IsSilent && _queue is { Count: > 0 } queue)
        {
            var next = queue.Peek();
            if ((/* guard: what waits is not delivered to who has lost the room */ next.Place.IsOpen)
                && !TryWrite(next.Place.IsMounted, next.Frames, next.Grant, yields))
            {
                break;
            }

            queue.Dequeue();
            QueuedBytes -= next.Frames.Length + BytesOfQueued;
        }

        if (_replays is { Count: > 0 } && _queue is not { Count: > 0 })
        {
            WriteRetained(yields);
        }

        Feeder.Start();
        Count();
        _writer.CountWaiting();
        WakeGroups();
    }

    /// <summary>The connection is over. What a group has dealt to it and was not acknowledged goes to its other members.</summary>
    public void Forget()
    {
        ILookup<DataGroup, long> shared;
        lock (_writer.Gate)
        {
            shared = _inFlight.TakeShared();
            (_queue, _groups) = (null, null);
            _replays?.ForEach(replay => replay.Dispose());
            _replays = null;
            QueuedBytes = 0;
        }

        foreach (var dealt in shared)
        {
            // guard: what a gone member of a group had goes to another
            dealt.Key.Return([.. dealt]);
        }
    }

    // What is retained goes on, on a thread of the pool.
    void IThreadPoolWorkItem.Execute()
    {
        lock (_writer.Gate)
        {
            _goesOnLater = false;
            WriteWaiting();
        }

        _writer.Flush();
    }

    private bool HasRoom => _writer.HasRoom(_talk.HasWaiting ? Writer.EventBytesLimit / 2 : Writer.StalledBytesLimit);

    private void GoOnLater()
    {
        if (!_goesOnLater)
        {
            _goesOnLater = true;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    // True: more waits than may.
    private bool Enqueue(in DataQueued next)
    {
        (_queue ??= new()).Enqueue(next);
        QueuedBytes += next.Frames.Length + BytesOfQueued;
        HeardLive(next.Place, next.Frames.Message);
        Count();
        _writer.Block();
        _writer.CountWaiting();
        return /* guard: data that is not acknowledged */ _queue.Count > QueueLengthLimit
            || QueuedBytes > _queueBytes
            || (QueuedBytes > TightQueueBytesLimit && _memory.Outgoing.IsOverrun);
    }

    private void WriteRetained(bool yields)
    {
        var now = _time.GetUtcNow();
        for (var written = 0; !_writer.IsSilent && _replays!.Count > 0; written++)
        {
            if (written == ReplayedAtOnce)
            {
                GoOnLater();
                return;
            }

            var replay = _replays[0];
            if (!replay.Place.IsOpen || !replay.Place.Holds(replay.Subscription))
            {
                EndReplay(0);
                continue;
            }

            if (!replay.TryPeek(out var frames, out var isPaused))
            {
                if (isPaused)
                {
                    GoOnLater();
                    return;
                }

                EndReplay(0);
                continue;
            }

            if (!TryWrite(replay.Place.IsMounted, frames, replay.Grant(frames.Message), yields))
            {
                _writer.Block();
                return;
            }

            replay.Take();
        }
    }

    // True: it is written, or need not be.
    private bool TryWrite(
        bool isMounted, DataFrames frames, in DataGrant grant, bool yields = true, DataCursor? cursor = null, bool isRepeated = false)
    {
        var talkWaits = _talk.HasWaiting;
        if (!HasRoom)
        {
            return false;
        }

        var publish = frames.For(_writer.IsVersion5, isMounted, grant, _time.GetUtcNow());

        // [MQTT-3.3.2-5], [MQTT-3.1.2-24], [MQTT-3.1.2-25] What has expired, or is larger than the client takes, counts as delivered.
        if (publish is null || publish.Length > _writer.MaximumPacket)
        {
            cursor?.Advance(frames.Seq);
            grant.Group?.Done(frames.Seq);
            return true;
        }

        ushort packetId = 0;
        if (publish.IsAcknowledged)
        {
            if ((/* guard: data leaves talk its turn */ yields && talkWaits && _tookLast) || !_window.TryTake(out packetId))
            {
                return false;
            }

            _tookLast = true;
            _inFlight.Add(packetId, grant, grant.Group is null ? 0 : frames.Seq, cursor);
            cursor?.Send(packetId, frames.Seq, grant.QualityOfService);
            Count();
        }

        if (frames.SaysGap)
        {
            grant.Group?.Cursor.SayGap(frames.Seq);
        }

        if (!publish.IsAcknowledged)
        {
            grant.Group?.Done(frames.Seq);
        }

        _writer.Write(publish, packetId, isRepeated && publish.IsAcknowledged);
        return true;
    }

    private void Count() => Volatile.Write(ref _unacknowledged, _inFlight.Count + (_queue?.Count ?? 0));
}
