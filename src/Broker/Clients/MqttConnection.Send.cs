using System.Buffers;
using System.IO.Pipelines;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <content>Writing: what MQTTnet sends, what rooms deliver, and the window of what the client has not acknowledged.</content>
internal sealed partial class MqttConnection
{
    /// <summary>Written to a peer whose socket takes nothing more: beyond it events stay in the log, where they cost nothing.</summary>
    private const int EventBytesLimit = 32 * 1024;

    /// <summary>
    /// The same of what is in no log (presence, info, notices): beyond it QoS 1 waits in the queue and QoS 0 is dropped. The buffer is
    /// up to twice as large, as buffers come in powers of two.
    /// </summary>
    private const int StalledBytesLimit = 128 * 1024;

    /// <summary>The same of anything, while more waits for all clients together than should.</summary>
    private const int TightBytesLimit = 8 * 1024;

    /// <summary>Answers to a peer whose socket takes nothing more: beyond it the client is not read on, or they would have no end.</summary>
    private const int AnswerBytesLimit = 16 * 1024;

    /// <summary>So much is sent without waiting for the end of a batch.</summary>
    private const int FlushBytes = 32 * 1024;

    /// <summary>Deliveries that may wait for acknowledgements or for a slow socket, before the client is cut off.</summary>
    private const int QueueLengthLimit = 8192;
    private const int QueueBytesLimit = 2 * 1024 * 1024;
    private const int TightQueueBytesLimit = 64 * 1024;

    /// <summary>What a place in the queue costs beside its packet.</summary>
    private const int BytesOfQueued = 64;

    private readonly Lock _write = new();
    private readonly PacketIdWindow _window = new();
    private Queue<(Subscriber Subscriber, TopicKind Kind, EncodedPublish Publish)>? _queue;
    private int _queueBytes;

    // Written since the last flush began, and what that flush has not sent.
    private int _unflushed;
    private int _unsent;
    private int _stalledAnswers;
    private TaskCompletionSource? _answersTaken;

    // What of the above the memory of all connections was told.
    private int _counted;
    private int _clientMaximumPacket = int.MaxValue;
    private bool _wantsReasons = true;
    private bool _isConnected;
    private bool _silent;
    private bool _dirty;

    // Nothing is flushed until what belongs to a SUBACK has taken effect.
    private bool _corked;
    private bool _flushing;

    /// <summary>Bytes that wait for the peer to read.</summary>
    public int WaitingBytes => Volatile.Read(ref _counted);

    /// <summary>Hands one delivery to the client: written at once if the window allows, else queued in order.</summary>
    public void Deliver(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched)
    {
        bool isTooSlow;
        lock (_write)
        {
            if (_silent || !subscriber.StillWants(frames.Kind))
            {
                return;
            }

            var publish = frames.For(IsVersion5, wants);

            // [MQTT-3.1.2-24] A client is not sent what it said it cannot take; [MQTT-3.1.2-25] that counts as delivered.
            if (publish.Length > _clientMaximumPacket)
            {
                return;
            }

            if (!publish.IsAcknowledged)
            {
                if (HasRoom(StalledBytesLimit))
                {
                    Write(publish, 0);
                    Touch(touched);
                }

                return;
            }

            if (_queue is not { Count: > 0 } && HasRoom(StalledBytesLimit) && _window.TryTake(out var packetId))
            {
                Write(publish, packetId);
                Touch(touched);
                return;
            }

            _queue ??= new Queue<(Subscriber, TopicKind, EncodedPublish)>();
            _queue.Enqueue((subscriber, frames.Kind, publish));
            _queueBytes += publish.Length + BytesOfQueued;
            _blockedSince ??= _services.Time.GetTimestamp();
            CountWaiting();
            isTooSlow = _queue.Count > QueueLengthLimit
                || _queueBytes > QueueBytesLimit
                || (_queueBytes > TightQueueBytesLimit && _services.Memory.Outgoing.IsOverrun);
        }

        if (isTooSlow)
        {
            if (_services.Refusals.Try("connections closed for not keeping up", _transport.RemoteEndPoint?.Address))
            {
                LogTooSlow(_services.Log, Name, ClientId);
            }

            _ = EndAsync(ReasonCode.QuotaExceeded, "Too many messages wait for this client's acknowledgements.");
        }
    }

    /// <summary>
    /// Events of a stream, in their turn. Each is written if it is the next that the client is owed and the window allows; else the client has fallen behind, and the
    /// feeder brings it from the log when acknowledgements make room. So a slow client costs no memory, and misses nothing.
    /// </summary>
    public void DeliverEvents(Subscriber subscriber, ReadOnlySpan<EventDelivery> events, Wants wants, List<IMember> touched)
    {
        lock (_write)
        {
            var place = subscriber.Place;
            if (_silent || place.Now?.Events is null)
            {
                return;
            }

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
                var publish = wants.NoLocal && next.PublisherMark == PublisherMark ? null : next.Frames.For(IsVersion5, wants);
                if (next.Seq == place.Cursor + 1 && place.Reset is null && !IsHeldBack && TryWriteEvent(publish, place, next.Seq, touched))
                {
                    Advance(place, next.Seq);
                    continue;
                }

                place.Owed = events[^1].Seq;
                Feed(place);
                return;
            }
        }
    }

    /// <summary>For what is never queued: delivered only to a client that keeps up.</summary>
    public void DeliverIfIdle(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched)
    {
        lock (_write)
        {
            if ((_flushing && _unflushed > TightBytesLimit) || _queue is { Count: > 0 } || _window.IsFull)
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
            lock (_write)
            {
                return !_silent && !IsStalled && _queue is not { Count: > 0 } && !_window.IsFull;
            }
        }
    }

    /// <summary>For what is said as it is by then when it cannot be said now: written at once, or not at all and false.</summary>
    public bool TryDeliver(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched)
    {
        lock (_write)
        {
            if (_silent || !subscriber.StillWants(frames.Kind))
            {
                return true;
            }

            var publish = frames.For(IsVersion5, wants);

            // [MQTT-3.1.2-25] What is larger than the client takes counts as delivered.
            if (publish.Length > _clientMaximumPacket)
            {
                return true;
            }

            ushort packetId = 0;
            if (IsStalled || (publish.IsAcknowledged && (_queue is { Count: > 0 } || !_window.TryTake(out packetId))))
            {
                return false;
            }

            Write(publish, packetId);
            Touch(touched);
            return true;
        }
    }

    /// <summary>Until disposed nothing is delivered to the client: for changes to its places that must be seen as one.</summary>
    public Lock.Scope HoldWrites() => _write.EnterScope();

    /// <summary>Changes or (null) ends a place in a stream: what the client asks for no longer is not delivered any more, also not what is queued.</summary>
    public void Replace(Subscriber subscriber, Subscriber? by)
    {
        lock (_write)
        {
            subscriber.GiveWayTo(by);
            if (by?.Events is null)
            {
                EndPosition(subscriber.Place);
            }
        }
    }

    public Task SendPacketAsync(MqttPacket packet, CancellationToken cancellationToken)
    {
        switch (packet)
        {
            case MqttConnAckPacket { ReasonCode: MqttConnectReasonCode.Success }:
                return AdmittedAsync();
            case MqttConnAckPacket connAck:
                SendControl(PacketWriter.ConnAck(IsVersion5, (byte)connAck.ReasonCode, connAck.ReasonString, false, null, _clientMaximumPacket));
                break;
            case MqttSubAckPacket subAck:
                return SendSubAckAsync(subAck);
            case MqttUnsubAckPacket unsubAck:
                return SendUnsubAckAsync(unsubAck);
            case MqttDisconnectPacket disconnect when IsVersion5:
                SendControl(PacketWriter.Disconnect((byte)disconnect.ReasonCode, _wantsReasons ? disconnect.ReasonString : null, _clientMaximumPacket));
                break;
            default:
                // Data packets never reach MQTTnet, so it has none to send.
                throw new InvalidOperationException($"MQTTnet wanted to send a {packet.GetType().Name}.");
        }

        return Task.CompletedTask;
    }

    private void SendControl(ReadOnlySpan<byte> packet)
    {
        lock (_write)
        {
            if (_silent)
            {
                return;
            }

            WriteControl(packet);
        }

        Flush();
    }

    // Under _write. The caller flushes.
    private void WriteControl(ReadOnlySpan<byte> packet)
    {
        if (packet.Length > _clientMaximumPacket)
        {
            GiveUp();
            return;
        }

        _transport.Output.Write(packet);
        CountAnswer(packet.Length);
    }

    // Under _write. [MQTT-3.1.2-24] An answer that the client cannot take must not be sent. A client that waits for it would wait for
    // ever, so the connection ends.
    private void GiveUp()
    {
        var goodbye = PacketWriter.Disconnect(ReasonCode.PacketTooLarge, null);
        if (_isConnected && goodbye.Length <= _clientMaximumPacket)
        {
            _transport.Output.Write(goodbye);
        }

        _silent = true;
        ThreadPool.UnsafeQueueUserWorkItem(
            static self => _ = self.EndAsync(ReasonCode.PacketTooLarge, "An answer is larger than the client takes."),
            this,
            preferLocal: false);
    }

    // Under _write.
    private void Write(EncodedPublish publish, ushort packetId, bool isRepeated = false)
    {
        publish.CopyTo(_transport.Output.GetSpan(publish.Length), packetId, isRepeated);
        _transport.Output.Advance(publish.Length);
        CountWritten(publish.Length);
    }

    // Under _write. The peer's socket is full, and something is behind what it did not take.
    private bool IsStalled => _flushing && _unflushed > 0;

    // Under _write. Where nothing holds a flush up, what was written is on its way, and never more than FlushBytes is not.
    private bool HasRoom(int limit) => !(_flushing || _corked) || HasRoomBehind(_unsent + _unflushed, limit);

    private bool HasRoomBehind(int waiting, int limit) =>
        waiting < TightBytesLimit || (waiting < limit && !_services.Memory.Outgoing.IsFull);

    // Under _write.
    private void CountWritten(int bytes)
    {
        _unflushed += bytes;
        if (_flushing)
        {
            CountWaiting();
        }
        else if (_unflushed >= FlushBytes && !_corked)
        {
            BeginFlush();
        }
    }

    // Under _write.
    private void CountAnswer(int bytes)
    {
        if (_flushing)
        {
            _stalledAnswers += bytes;
        }

        CountWritten(bytes);
    }

    // Under _write, and not once the connection is silent: what it holds then is taken off the count when it is gone.
    private void CountWaiting()
    {
        var waiting = _queueBytes + (_flushing ? _unsent + _unflushed : 0);
        if (waiting != _counted)
        {
            _services.Memory.Outgoing.Add(waiting - _counted);
            _counted = waiting;
        }
    }

    // After the end.
    private void ForgetWaiting()
    {
        lock (_write)
        {
            _queue = null;
            _queueBytes = 0;
            _services.Memory.Outgoing.Add(-_counted);
            _counted = 0;
        }
    }

    // Under _write. The sweep closes a client that takes nothing for a minute: whoever took or acknowledged something has another one for the rest.
    private void Progressed() =>
        _blockedSince = _flushing || _queue is { Count: > 0 } || IsFeederBlocked ? _services.Time.GetTimestamp() : null;

    /// <summary>Null: the client takes its answers. Else it is not to be read on before the task.</summary>
    private Task? AnswersTaken()
    {
        if (Volatile.Read(ref _stalledAnswers) < AnswerBytesLimit)
        {
            return null;
        }

        lock (_write)
        {
            return _stalledAnswers < AnswerBytesLimit || _silent
                ? null
                : (_answersTaken ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    // Under _write.
    private void ReadOn()
    {
        _stalledAnswers = 0;
        _answersTaken?.TrySetResult();
        _answersTaken = null;
    }

    // Under _write. Null: nothing is to be written. False: the window or the socket is full.
    private bool TryWriteEvent(EncodedPublish? publish, Place place, long seq, List<IMember>? touched)
    {
        // [MQTT-3.1.2-25] What is larger than the client takes counts as delivered.
        if (publish is null || publish.Length > _clientMaximumPacket)
        {
            return true;
        }

        ushort packetId = 0;
        if (!HasRoom(EventBytesLimit) || (publish.IsAcknowledged && (_queue is { Count: > 0 } || !_window.TryTake(out packetId))))
        {
            return false;
        }

        Write(publish, packetId);
        if (packetId > 0)
        {
            Track(packetId, place, seq);
        }

        if (touched is not null)
        {
            Touch(touched);
        }

        return true;
    }

    // Under _write.
    private void Touch(List<IMember> touched)
    {
        if (!_dirty)
        {
            _dirty = true;
            touched.Add(this);
        }
    }

    // Under _write. Writes what the window and the socket allow of what waits.
    private void WriteQueued()
    {
        if (_silent || _queue is not { Count: > 0 })
        {
            return;
        }

        while (!_silent && _queue is { Count: > 0 } && HasRoom(StalledBytesLimit))
        {
            var next = _queue.Peek();
            if (!next.Subscriber.StillWants(next.Kind))
            {
                Dequeue();
                continue;
            }

            if (!_window.TryTake(out var packetId))
            {
                break;
            }

            Dequeue();
            Write(next.Publish, packetId);
        }

        CountWaiting();
    }

    private void Dequeue() => _queueBytes -= _queue!.Dequeue().Publish.Length + BytesOfQueued;

    public void Flush()
    {
        lock (_write)
        {
            _dirty = false;
            if (!_silent && !_corked && !_flushing)
            {
                BeginFlush();
            }
        }
    }

    // Under _write.
    private void BeginFlush()
    {
        var flush = _transport.Output.FlushAsync();
        if (flush.IsCompletedSuccessfully)
        {
            _ = flush.Result;
            _unflushed = 0;
            return;
        }

        (_flushing, _unsent, _unflushed) = (true, _unflushed, 0);
        _blockedSince ??= _services.Time.GetTimestamp();
        CountWaiting();
        _ = AwaitPeerAsync(flush);
    }

    // The peer's socket is full: goes on when it reads again.
    private async Task AwaitPeerAsync(ValueTask<FlushResult> flush)
    {
        try
        {
            while (true)
            {
                await flush;
                lock (_write)
                {
                    _unsent = 0;
                    ReadOn();
                    if (_silent)
                    {
                        return;
                    }

                    WriteQueued();
                    StartFeeder();
                    _flushing = _unflushed > 0 && !_corked;
                    if (_flushing)
                    {
                        flush = _transport.Output.FlushAsync();
                        (_unsent, _unflushed) = (_unflushed, 0);
                    }

                    Progressed();
                    CountWaiting();
                    if (!_flushing)
                    {
                        return;
                    }
                }
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The transport is gone; the receive side notices and cleans up.
            lock (_write)
            {
                _silent = true;
                ReadOn();
            }
        }
    }
}
