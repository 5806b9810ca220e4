using System.Buffers;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// What a client without mount hears and says of devices, in a house of several nodes: a connection of MQTT to the node that has the data
/// topics, which this one speaks in the client's place (ADR 0088).
/// </summary>
/// <remarks>
/// <para>Packets pass with the packet ids that they have: what is delivered has ids above <see cref="PacketIdWindow.Relayed"/>, and what
/// the client publishes has its own. So each acknowledgement is the client's to the home of the data, and what was not acknowledged comes
/// again under its id, also by another node.</para>
/// <para>Opened with the first filter or publish, and for a client of which something is kept there as it comes. When it ends, the
/// client's connection ends: it comes again, and nothing is lost in silence.</para>
/// The writer's gate guards what is delivered; <c>_sendGate</c>, a leaf taken below it, what is sent to the home.
/// </remarks>
internal sealed partial class DataRelay(
    Writer writer, PacketIdWindow window, KeptSession kept, Identity identity, ILife life, ConnectionServices services, Func<PipePreface> preface)
{
    /// <summary>Deliveries at QoS 0 that may wait behind others.</summary>
    private const int MostWaiting = 4096;

    private readonly Lock _sendGate = DiskReads.NoneUnder(new Lock());
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Under the writer's gate.
    private readonly Dictionary<ushort, IRelayedPublish> _published = [];
    private readonly HashSet<ushort> _exact = [];
    private readonly HashSet<ushort> _inFlight = [];
    private readonly Queue<(EncodedPublish Packet, ushort PacketId, byte QualityOfService)> _held = new();
    private readonly int _mostHeldBytes = (int)Math.Min(Math.Max(2 * 1024 * 1024, 4L * services.Limits.DataPayloadBytes), int.MaxValue / 2);
    private TaskCompletionSource? _roomCame;

    // Which of data and talk took the last packet id.
    private bool _tookLast;

    // Under the send gate.
    private NodePipe? _pipe;
    private bool _isFlushing;
    private bool _hasMore;
    private bool _isOver;
    private TaskCompletionSource? _taken;

    // The SUBSCRIBE or UNSUBSCRIBE under way, and what nothing that comes behind its answer may overtake.
    private TaskCompletionSource<byte[]>? _request;
    private Task? _answered;
    private int _isBegun;

    /// <summary>Devices' own connections, those with a mount, are served at the home, or brought there whole.</summary>
    public bool IsUsed => identity.Mount is null;

    /// <summary>It has been opened, or is being opened.</summary>
    public bool IsBegun => Volatile.Read(ref _isBegun) != 0;

    /// <summary>Bytes of what waits for the client. Under the writer's gate.</summary>
    public int HeldBytes { get; private set; }

    /// <summary>Whether a packet id is of a delivery that the home made.</summary>
    public static bool IsDelivery(ushort packetId) => packetId > PacketIdWindow.Relayed;

    /// <summary>Something that rooms say took a packet id. Under the writer's gate.</summary>
    public void TalkTook() => _tookLast = false;

    /// <summary>Opens it, unless it is open. Completes when the home has let the client in, or never will.</summary>
    public Task BeginAsync()
    {
        if (Interlocked.Exchange(ref _isBegun, 1) == 0)
        {
            _ = Task.Run(RunAsync);
        }

        return _connected.Task;
    }

    /// <summary>Null: a publish may be taken. Else it may be asked again after the task.</summary>
    public Task? Ready()
    {
        if (BeginAsync() is { IsCompleted: false } connecting)
        {
            return connecting;
        }

        lock (_sendGate)
        {
            return _isFlushing && !_isOver ? (_taken ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : null;
        }
    }

    /// <summary>Hands a publish to the home. <see cref="Ready"/> was null. At QoS 0 nothing answers.</summary>
    public void Publish(string topic, in PublishPacket publish, IRelayedPublish answered)
    {
        if (publish.QualityOfService > 0)
        {
            lock (writer.Gate)
            {
                _published[publish.PacketId] = answered;
                if (publish.QualityOfService == 2)
                {
                    _exact.Add(publish.PacketId);
                }
            }
        }

        Send(ClientPackets.Publish(topic, publish, PacketProperties.PassedOn(publish.Properties)));
    }

    /// <summary>PUBREL: false, nothing was handed to the home under the id. Under the writer's gate.</summary>
    /// <param name="isKnownHere">This node has received something under the id.</param>
    public bool Release(ushort packetId, bool isKnownHere)
    {
        // Of an earlier connection the home knows alone.
        if (!_exact.Remove(packetId) && (isKnownHere || !IsBegun))
        {
            return false;
        }

        Send(PacketType.PubRel, packetId, ReasonCode.Success);
        return true;
    }

    /// <summary>The client acknowledges what the home delivered. False: it brings nothing new.</summary>
    public bool Answered(PacketType type, ushort packetId, byte reason)
    {
        lock (writer.Gate)
        {
            if (writer.IsSilent)
            {
                return false;
            }

            Send(type, packetId, reason);
            if (type == PacketType.PubRec && reason < 0x80)
            {
                return _inFlight.Contains(packetId);
            }

            if (!_inFlight.Remove(packetId))
            {
                return false;
            }

            window.GiveBack();
            return true;
        }
    }

    /// <summary>Asks the home for filters. The codes of its SUBACK, in their order; those of failure, if it is not there.</summary>
    /// <param name="answered">Completes when the client's own SUBACK is written: what the home sends then comes behind that.</param>
    public async Task<byte[]> SubscribeAsync(ushort packetId, IReadOnlyList<HeldFilter> filters, Task answered)
    {
        var asked = filters.Select(filter => (filter.Filter.Text, OptionsOf(filter)));
        var codes = await AskAsync(ClientPackets.Subscribe(packetId, asked, filters[0].SubscriptionId), answered);
        return codes.Length == filters.Count ? codes : [.. filters.Select(_ => ReasonCode.ServerUnavailable)];
    }

    /// <summary>Gives filters up at the home. The codes of its UNSUBACK, in their order.</summary>
    public async Task<byte[]> UnsubscribeAsync(ushort packetId, IReadOnlyList<string> filters, Task answered)
    {
        var codes = await AskAsync(ClientPackets.Unsubscribe(packetId, filters), answered);
        return codes.Length == filters.Count ? codes : [.. filters.Select(_ => ReasonCode.UnspecifiedError)];
    }

    /// <summary>Writes what the window and the socket allow of what waits. Under the writer's gate.</summary>
    /// <param name="talkWaits">Talk has something waiting, whose turn it may be.</param>
    public void WriteWaiting(bool talkWaits)
    {
        while (!writer.IsSilent && _held.TryPeek(out var next) && writer.HasRoom(Writer.StalledBytesLimit))
        {
            if (next.QualityOfService > 0 && ((talkWaits && _tookLast) || !window.TryBorrow()))
            {
                return;
            }

            _held.Dequeue();
            HeldBytes -= next.Packet.Length;
            Write(next.Packet, next.PacketId, next.QualityOfService);
        }

        if (writer.HasRoom(Writer.StalledBytesLimit))
        {
            _roomCame?.TrySetResult();
            _roomCame = null;
        }
    }

    /// <summary>The client's connection is over. What it has sent is the home's to deal with.</summary>
    /// <param name="atOnce">Its login session has ended: nothing of it counts any more.</param>
    public void End(bool atOnce)
    {
        NodePipe? pipe;
        lock (_sendGate)
        {
            if (_isOver)
            {
                return;
            }

            if (_pipe is not null && !atOnce)
            {
                _pipe.Output.Write(ClientPackets.Disconnect(kept.AskedExpiry > 0 ? kept.SessionExpiry : null));
            }

            (_isOver, pipe) = (true, _pipe);
            _taken?.TrySetResult();
        }

        lock (writer.Gate)
        {
            _held.Clear();
            HeldBytes = 0;
            _roomCame?.TrySetResult();
        }

        _connected.TrySetResult();
        _request?.TrySetResult([]);
        if (atOnce)
        {
            pipe?.Abort();
        }
        else
        {
            pipe?.Output.Complete();
        }
    }

    // MQTT 5.0, 3.8.3.1
    private static byte OptionsOf(HeldFilter filter) => (byte)(filter.QualityOfService
        | (filter.NoLocal ? 4 : 0)
        | (filter.RetainAsPublished ? 8 : 0)
        | ((int)filter.RetainHandling << 4));

    private async Task<byte[]> AskAsync(byte[] packet, Task answered)
    {
        TaskCompletionSource<byte[]> request = new(TaskCreationOptions.RunContinuationsAsynchronously);
        (_request, _answered) = (request, answered);
        await BeginAsync();
        Send(packet);
        await Task.WhenAny(request.Task, life.Ended);
        return request.Task.IsCompletedSuccessfully ? await request.Task : [];
    }

    private void Send(PacketType type, ushort packetId, byte code)
    {
        Span<byte> packet = stackalloc byte[5];
        Send(packet[..PacketWriter.Write(packet, type, packetId, code, isVersion5: true)]);
    }

    private void Send(ReadOnlySpan<byte> packet)
    {
        lock (_sendGate)
        {
            if (_pipe is not { } pipe || _isOver)
            {
                return;
            }

            pipe.Output.Write(packet);
            if (_isFlushing)
            {
                _hasMore = true;
                return;
            }

            BeginFlush(pipe);
        }
    }

    // Under the send gate.
    private void BeginFlush(NodePipe pipe)
    {
        var flush = pipe.Output.FlushAsync();
        if (!flush.IsCompleted)
        {
            _isFlushing = true;
            _ = AwaitHomeAsync(pipe, flush.AsTask());
        }
    }

    private async Task AwaitHomeAsync(NodePipe pipe, Task flush)
    {
        await flush.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_sendGate)
        {
            _isFlushing = false;
            if (_hasMore && !_isOver)
            {
                _hasMore = false;
                BeginFlush(pipe);
            }

            if (!_isFlushing)
            {
                _taken?.TrySetResult();
                _taken = null;
            }
        }
    }

    // Under the writer's gate.
    private void Write(EncodedPublish packet, ushort packetId, byte qualityOfService)
    {
        if (qualityOfService > 0)
        {
            _tookLast = true;
            _inFlight.Add(packetId);
        }

        writer.Write(packet, 0);
    }
}
