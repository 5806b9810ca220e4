using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// What streams deliver to a client: written while its window and its socket have room, else queued, or left to the <see cref="Feeder"/>.
/// </summary>
/// <remarks>Guarded by the writer's gate, which streams may hold for a while (<see cref="HoldWrites"/>).</remarks>
internal sealed class Delivery : IWaitingMember, IEventOutlet
{
    private readonly Writer _writer;
    private readonly PacketIdWindow _window;
    private readonly KeptSession _kept;
    private readonly Identity _identity;

    // Made when it is first behind, as most never are.
    private Feeder? _feeder;
    private readonly ILife _life;
    private readonly ConnectionServices _services;

    private readonly DeliveryQueue _queue;

    // Set when the parts of the client are put together.
    private IWaitingData _data = null!;

    public Delivery(Writer writer, PacketIdWindow window, KeptSession kept, Identity identity, ILife life, ConnectionServices services)
    {
        (_writer, _window, _kept, _identity, _life, _services) = (writer, window, kept, identity, life, services);
        _queue = new DeliveryQueue(services.Memory);
        writer.Serve(this);
    }

    // Under the writer's gate, as all that makes it.
    private Feeder Feeder => _feeder ??= new Feeder(
        _writer, _window, _kept, this, _identity, _life, _services.SubscribeBudgets, _services.Time);

    public Account Account => _identity.Account;

    public LoginSession? Session => _identity.Session;

    public string AuthorKind => _identity.AuthorKind;

    public int QueuedBytes => _queue.Bytes + _data.QueuedBytes;

    public bool IsOwed => !_queue.IsEmpty || _feeder?.IsBlocked == true || _data.IsOwed;

    /// <summary>Something of what rooms say waits for room in the window or in the socket. Under the writer's gate.</summary>
    public bool HasWaiting => !_queue.IsEmpty || _feeder?.HasWaiting == true;

    /// <summary>
    /// The client itself gives up what it is placed anew for: what is on its way to it is completed. Guarded by the gate of its filters.
    /// </summary>
    public bool IsUnsubscribing { get; set; }

    public void Flush() => _writer.Flush();

    /// <summary>The window and the socket are shared with what devices say.</summary>
    public void Share(IWaitingData data) => _data = data;

    /// <summary>Talk takes no more of the window for now. Under the writer's gate.</summary>
    public void WriteBeside() => _data.WriteWaiting(yields: false);

    public void Begin(Subscriber subscriber, CatchUpFrom? from)
    {
        if (_kept.Begin(subscriber, from))
        {
            Feeder.Feed(subscriber.Place);
        }
    }

    /// <summary>PUBACK. False: of nothing that was delivered.</summary>
    public bool Acknowledged(ushort packetId)
    {
        lock (_writer.Gate)
        {
            var isReleased = _window.Release(packetId);
            if (isReleased)
            {
                _kept.Acknowledged(packetId);
                WentOn();
            }

            return isReleased;
        }
    }

    /// <summary>PUBACKs of success that came in one piece: a busy room brings one for each delivery.</summary>
    /// <returns>How many bytes were taken. What follows is no such packet, or is of nothing that rooms say.</returns>
    public int Acknowledged(ReadOnlySpan<byte> packets)
    {
        lock (_writer.Gate)
        {
            // Where something of a data topic is in flight, the PUBACK may answer that. From who was taken over it answers nothing.
            if (_data.HasInFlight || _writer.IsSilent)
            {
                return 0;
            }

            var taken = 0;
            while (packets[taken..] is [(byte)PacketType.PubAck << 4, 2, var high, var low, ..] && _window.Release((ushort)((high << 8) | low)))
            {
                _kept.Acknowledged((ushort)((high << 8) | low));
                taken += 4;
            }

            if (taken > 0)
            {
                WentOn();
            }

            return taken;
        }
    }

    /// <summary>PUBREC or PUBCOMP. Nothing that rooms say is delivered at QoS 2, so nothing waits for one.</summary>
    /// <param name="isReceived">PUBREC.</param>
    public void AcknowledgedAtQoS2(ushort packetId, bool isReceived)
    {
        lock (_writer.Gate)
        {
            if (/* guard: PUBREC for a delivery at QoS 1 */ _window.Contains(packetId))
            {
                // MQTT 5.0, 4.3.2: a publish at QoS 1 is answered by PUBACK. It stays unacknowledged, and a durable client hears it again.
                throw new Violation(ReasonCode.ProtocolError, "A delivery at QoS 1 was answered as one at QoS 2.");
            }

            if (isReceived)
            {
                _writer.WriteShort(PacketType.PubRel, packetId, ReasonCode.PacketIdentifierNotFound);
            }
        }
    }

    /// <summary>The places of an earlier connection are taken again: what it had not acknowledged goes first.</summary>
    public void EndResuming(MqttSessions.DurablePosition was)
    {
        lock (_writer.Gate)
        {
            _kept.EndResuming(was);
            StartFeeder();
        }
    }

    /// <summary>The connection is over.</summary>
    public void Forget()
    {
        lock (_writer.Gate)
        {
            _queue.Clear();
        }

        _data.Forget();
        _writer.ForgetWaiting();
    }

    public void WriteWaiting()
    {
        _data.WriteWaiting();
        WriteQueued();
        StartFeeder();
        // Talk for which data has left its turn may have been given up meanwhile.
        _data.WriteWaiting(yields: HasWaiting);
    }

    /// <summary>Hands one delivery to the client: written at once if the window allows, else queued in order.</summary>
    public void Deliver(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched)
    {
        bool isTooSlow;
        lock (_writer.Gate)
        {
            // [MQTT-3.1.2-24] A client is not sent what it said it cannot take; [MQTT-3.1.2-25] that counts as delivered.
            var publish = frames.For(_writer.IsVersion5, wants);
            if (_writer.IsSilent || !subscriber.StillWants(frames.Kind) || publish.Length > _writer.MaximumPacket)
            {
                return;
            }

            if (!publish.IsAcknowledged)
            {
                if (_writer.HasRoom(Writer.StalledBytesLimit))
                {
                    _writer.Write(publish, 0);
                    _writer.Touch(touched);
                }

                return;
            }

            if (_queue.IsEmpty && _writer.HasRoom(Writer.StalledBytesLimit) && TryTakeId(out var packetId))
            {
                _writer.Write(publish, packetId);
                _writer.Touch(touched);
                return;
            }

            _queue.Add(subscriber, frames.Kind, publish);
            // guard: presence that is not acknowledged
            _writer.Block();
            _writer.CountWaiting();
            isTooSlow = _queue.IsTooLong;
        }

        if (isTooSlow)
        {
            _life.TooSlow();
        }
    }

    /// <inheritdoc cref="IMember.DeliverEvents"/>
    public void DeliverEvents(Subscriber subscriber, ReadOnlySpan<EventDelivery> events, Wants wants, List<IMember> touched)
    {
        lock (_writer.Gate)
        {
            var place = subscriber.Place;
            if (_writer.IsSilent || place.Now?.Events is null)
            {
                return;
            }

            var isAnswered = false;
            foreach (ref readonly var next in events)
            {
                if (place.Cursor < 0)
                {
                    place.Cursor = next.Seq - 1;
                }

                if (next.Seq <= place.Cursor)
                {
                    continue;
                }

                // With No Local the client's own is not written, but it has had it.
                var isOwn = next.PublisherMark == _identity.PublisherMark;
                var publish = wants.NoLocal && isOwn ? null : next.Frames.For(_writer.IsVersion5, wants);
                isAnswered |= isOwn;
                if (next.Seq == place.Cursor + 1 && place.Reset is null && !_kept.IsHeldBack && TryWriteEvent(publish, place, next.Seq))
                {
                    _kept.Advance(place, next.Seq);
                    continue;
                }

                place.Owed = events[^1].Seq;
                Feeder.Feed(place);
                break;
            }

            // Sent while it is in the processor's cache. Only who said something waits, for his answer goes with it.
            if (isAnswered)
            {
                _writer.Touch(touched);
            }
            else
            {
                _writer.Flush();
            }
        }
    }

    /// <summary>For what is never queued: delivered only to a client that keeps up.</summary>
    public void DeliverIfIdle(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched)
    {
        lock (_writer.Gate)
        {
            if (_writer.IsFarBehind || !_queue.IsEmpty || _window.IsFull)
            {
                return;
            }
        }

        Deliver(subscriber, frames, wants, touched);
    }

    /// <summary>Whether the client has taken what it was sent, so that a delivery would be written at once and in its turn.</summary>
    public bool KeepsUp
    {
        get
        {
            lock (_writer.Gate)
            {
                return !_writer.IsSilent && !_writer.IsStalled && _queue.IsEmpty && !_window.IsFull;
            }
        }
    }

    /// <summary>For what is said as it is by then when it cannot be said now: written at once, or not at all and false.</summary>
    public bool TryDeliver(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched)
    {
        lock (_writer.Gate)
        {
            // [MQTT-3.1.2-25] What is larger than the client takes counts as delivered.
            var publish = frames.For(_writer.IsVersion5, wants);
            if (_writer.IsSilent || !subscriber.StillWants(frames.Kind) || publish.Length > _writer.MaximumPacket)
            {
                return true;
            }

            ushort packetId = 0;
            if (_writer.IsStalled || (publish.IsAcknowledged && (!_queue.IsEmpty || !TryTakeId(out packetId))))
            {
                return false;
            }

            _writer.Write(publish, packetId);
            _writer.Touch(touched);
            return true;
        }
    }

    /// <summary>Until disposed nothing is delivered to the client: for changes to its places that must be seen as one.</summary>
    public Lock.Scope HoldWrites() => _writer.Gate.EnterScope();

    /// <inheritdoc cref="IMember.Replace"/>
    public void Replace(Subscriber subscriber, Subscriber? by)
    {
        lock (_writer.Gate)
        {
            subscriber.GiveWayTo(by);
            if (by?.Events is null)
            {
                _kept.EndPosition(subscriber.Place, IsUnsubscribing);
            }
        }
    }

    public bool TryWriteEvent(EncodedPublish? publish, Place place, long seq)
    {
        // [MQTT-3.1.2-25] What is larger than the client takes counts as delivered.
        if (publish is null || publish.Length > _writer.MaximumPacket)
        {
            return true;
        }

        ushort packetId = 0;
        if ((/* guard: events that are not read */ !_writer.HasRoom(Writer.EventBytesLimit)) || (publish.IsAcknowledged && (!_queue.IsEmpty || !TryTakeId(out packetId))))
        {
            return false;
        }

        _writer.Write(publish, packetId);
        if (packetId > 0)
        {
            _kept.Track(packetId, place, seq);
        }

        return true;
    }

    public bool MayWrite => !_window.IsFull && _queue.IsEmpty && _writer.HasRoom(Writer.EventBytesLimit);

    // Under the writer's gate: there is room for what waits.
    private void WentOn()
    {
        WriteWaiting();
        _writer.Progressed();
    }

    // Under the writer's gate. Writes what the window and the socket allow of what waits.
    private void WriteQueued()
    {
        if (_writer.IsSilent || _queue.IsEmpty)
        {
            return;
        }

        while (!_writer.IsSilent && _writer.HasRoom(Writer.StalledBytesLimit) && _queue.TryPeek(out var next) && TryTakeId(out var packetId))
        {
            _queue.Remove();
            _writer.Write(next, packetId);
        }

        _writer.CountWaiting();
    }

    private bool TryTakeId(out ushort packetId)
    {
        var isTaken = _window.TryTake(out packetId);
        if (isTaken)
        {
            _data.TalkTook();
        }

        return isTaken;
    }

    // Who was never behind is owed nothing but what an earlier connection had not acknowledged. Under the writer's gate.
    private void StartFeeder()
    {
        if (_feeder is not null || _kept.HasRedeliveries)
        {
            Feeder.Start();
        }
    }
}
