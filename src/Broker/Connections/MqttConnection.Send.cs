using System.Buffers;
using System.IO.Pipelines;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using WebMessenger.Broker.Mqtt;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Connections;

/// <content>Writing: what MQTTnet sends, what rooms deliver, and the window of what the client has not acknowledged.</content>
internal sealed partial class MqttConnection
{
    /// <summary>Written to a peer whose socket takes nothing more; beyond it QoS 1 waits in the queue and QoS 0 is dropped.</summary>
    private const int StalledBytesLimit = 256 * 1024;

    /// <summary>Deliveries that may wait for acknowledgements or for a slow socket, before the client is cut off.</summary>
    private const int QueueLengthLimit = 8192;
    private const int QueueBytesLimit = 8 * 1024 * 1024;

    private readonly Lock _write = new();
    private readonly PacketIdWindow _window = new();
    private Queue<(Subscriber Subscriber, TopicKind Kind, EncodedPublish Publish)>? _queue;
    private int _queueBytes;
    private int _stalledBytes;
    private int _clientMaximumPacket = int.MaxValue;
    private bool _wantsReasons = true;
    private bool _isConnected;
    private bool _silent;
    private bool _dirty;

    // Nothing is flushed until what belongs to a SUBACK has taken effect.
    private bool _corked;
    private bool _flushing;
    private bool _flushAgain;

    /// <summary>Flushes every connection in the list once, and empties it.</summary>
    public static void FlushAll(List<MqttConnection> touched)
    {
        foreach (var connection in touched)
        {
            connection.Flush();
        }

        touched.Clear();
    }

    /// <summary>Hands one delivery to the client: written at once if the window allows, else queued in order.</summary>
    public void Deliver(Subscriber subscriber, PublishFrames frames, Wants wants, List<MqttConnection> touched)
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
                if (_stalledBytes < StalledBytesLimit)
                {
                    Write(publish, 0);
                    Touch(touched);
                }

                return;
            }

            if (_queue is not { Count: > 0 } && _stalledBytes < StalledBytesLimit && _window.TryTake(out var packetId))
            {
                Write(publish, packetId);
                Touch(touched);
                return;
            }

            _queue ??= new Queue<(Subscriber, TopicKind, EncodedPublish)>();
            _queue.Enqueue((subscriber, frames.Kind, publish));
            _queueBytes += publish.Length;
            isTooSlow = _queue.Count > QueueLengthLimit || _queueBytes > QueueBytesLimit;
        }

        if (isTooSlow)
        {
            LogTooSlow(_services.Log, Name, ClientId);
            _ = EndAsync(ReasonCode.QuotaExceeded, "Too many messages wait for this client's acknowledgements.");
        }
    }

    /// <summary>
    /// Events of a stream, in their turn. Each is written if it is the next that the client is owed and the window allows; else the client has fallen behind, and the
    /// feeder brings it from the log when acknowledgements make room. So a slow client costs no memory, and misses nothing.
    /// </summary>
    public void DeliverEvents(Subscriber subscriber, ReadOnlySpan<EventDelivery> events, Wants wants, List<MqttConnection> touched)
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
    public void DeliverIfIdle(Subscriber subscriber, PublishFrames frames, Wants wants, List<MqttConnection> touched)
    {
        lock (_write)
        {
            if (_stalledBytes > 0 || _queue is { Count: > 0 } || _window.IsFull)
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
                return !_silent && _stalledBytes == 0 && _queue is not { Count: > 0 } && !_window.IsFull;
            }
        }
    }

    /// <summary>For what is said as it is by then when it cannot be said now: written at once, or not at all and false.</summary>
    public bool TryDeliver(Subscriber subscriber, PublishFrames frames, Wants wants, List<MqttConnection> touched)
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
            if (_stalledBytes > 0 || (publish.IsAcknowledged && (_queue is { Count: > 0 } || !_window.TryTake(out packetId))))
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
                SendControl(PacketWriter.ConnAck(IsVersion5, (byte)connAck.ReasonCode, connAck.ReasonString, false, null));
                break;
            case MqttSubAckPacket subAck:
                return SendSubAckAsync(subAck);
            case MqttUnsubAckPacket unsubAck:
                return SendUnsubAckAsync(unsubAck);
            case MqttPingRespPacket:
                SendControl(PacketWriter.PingResp);
                break;
            case MqttDisconnectPacket disconnect when IsVersion5:
                SendControl(PacketWriter.Disconnect((byte)disconnect.ReasonCode, _wantsReasons ? disconnect.ReasonString : null));
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
        _transport.Output.Write(packet);
        CountWritten(packet.Length);
    }

    // Under _write.
    private void Write(EncodedPublish publish, ushort packetId, bool isRepeated = false)
    {
        publish.CopyTo(_transport.Output.GetSpan(publish.Length), packetId, isRepeated);
        _transport.Output.Advance(publish.Length);
        CountWritten(publish.Length);
    }

    // Under _write.
    private void CountWritten(int bytes)
    {
        if (_flushing)
        {
            _stalledBytes += bytes;
        }
    }

    // Under _write. Null: nothing is to be written. False: the window or the socket is full.
    private bool TryWriteEvent(EncodedPublish? publish, Place place, long seq, List<MqttConnection>? touched)
    {
        // [MQTT-3.1.2-25] What is larger than the client takes counts as delivered.
        if (publish is null || publish.Length > _clientMaximumPacket)
        {
            return true;
        }

        ushort packetId = 0;
        if (_stalledBytes >= StalledBytesLimit || (publish.IsAcknowledged && (_queue is { Count: > 0 } || !_window.TryTake(out packetId))))
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
    private void Touch(List<MqttConnection> touched)
    {
        if (!_dirty)
        {
            _dirty = true;
            touched.Add(this);
        }
    }

    // Under _write. Writes what the window and the socket allow of what waits. True: something was written.
    private bool WriteQueued()
    {
        var wrote = false;
        while (!_silent && _queue is { Count: > 0 } && _stalledBytes < StalledBytesLimit)
        {
            var next = _queue.Peek();
            if (!next.Subscriber.StillWants(next.Kind))
            {
                _queueBytes -= _queue.Dequeue().Publish.Length;
                continue;
            }

            if (!_window.TryTake(out var packetId))
            {
                break;
            }

            _queue.Dequeue();
            _queueBytes -= next.Publish.Length;
            Write(next.Publish, packetId);
            wrote = true;
        }

        return wrote;
    }

    private void Flush()
    {
        ValueTask<FlushResult> flush;
        lock (_write)
        {
            _dirty = false;
            if (_silent || _corked)
            {
                return;
            }

            if (_flushing)
            {
                _flushAgain = true;
                return;
            }

            flush = _transport.Output.FlushAsync();
            if (flush.IsCompletedSuccessfully)
            {
                _ = flush.Result;
                return;
            }

            _flushing = true;
        }

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
                    _stalledBytes = 0;
                    _blockedSince = null;
                    if (_silent)
                    {
                        return;
                    }

                    var hasMore = WriteQueued() || _flushAgain;
                    StartFeeder();
                    _flushAgain = false;
                    if (!hasMore || _corked)
                    {
                        _flushing = false;
                        return;
                    }

                    flush = _transport.Output.FlushAsync();
                }
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The transport is gone; the receive side notices and cleans up.
            Silence();
        }
    }
}
