using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>What the answer to a delivery brings about.</summary>
internal enum DataAnswer
{
    /// <summary>It is of nothing that was delivered.</summary>
    Unknown,

    /// <summary>The delivery is complete, and its packet id is free.</summary>
    Complete,

    /// <summary>The client has it: PUBREL is to be sent.</summary>
    Release,

    /// <summary>PUBREC once more, of what is kept: its PUBREL has gone out, or does when the first PUBREC is on disk.</summary>
    Repeated,
}

/// <summary>Deliveries of data topics that a client has not acknowledged, by packet id. Guarded by the writer's gate.</summary>
internal sealed class DataInFlight
{
    // Most clients have none.
    private Dictionary<ushort, Sent>? _sent;

    /// <summary>Something was delivered at some time. Any thread.</summary>
    public bool IsUsed => Volatile.Read(ref _sent) is not null;

    public int Count => _sent?.Count ?? 0;

    /// <param name="seq">In the data log, of what a group has dealt; else 0.</param>
    /// <param name="cursor">Of whose log it is; null: it is not kept for the client.</param>
    /// <param name="isReceived">PUBREC has come on an earlier connection.</param>
    public void Add(ushort packetId, in DataGrant grant, long seq = 0, DataCursor? cursor = null, bool isReceived = false) =>
        (_sent ??= [])[packetId] = new Sent(grant.QualityOfService, isReceived, grant.Group, seq, cursor);

    /// <param name="type">PUBACK, PUBREC or PUBCOMP.</param>
    /// <param name="cursor">Of whose log it was; null: of none.</param>
    /// <exception cref="Violation">MQTT 5.0, 4.3: it is not what is to come.</exception>
    public DataAnswer Answer(PacketType type, ushort packetId, byte reason, out DataCursor? cursor)
    {
        cursor = null;
        if (_sent is null || !_sent.TryGetValue(packetId, out var sent))
        {
            return DataAnswer.Unknown;
        }

        var expected = sent.QualityOfService == 1 ? type == PacketType.PubAck
            : type == PacketType.PubRec || (type == PacketType.PubComp && sent.IsReceived);
        if (/* guard: each QoS has its own answers */ !expected)
        {
            throw new Violation(ReasonCode.ProtocolError, $"A delivery at QoS {sent.QualityOfService} was answered by {type}.");
        }

        cursor = sent.Cursor;

        // MQTT 5.0, 4.3.3: a PUBREC with an error ends the exchange.
        if (type != PacketType.PubRec || (reason >= 0x80 && !sent.IsReceived))
        {
            // [MQTT-4.8.2-6] Also if the client rejects it, no other member of a group gets it.
            _sent.Remove(packetId);
            sent.Group?.Done(sent.Seq);
            return DataAnswer.Complete;
        }

        if (/* guard: PUBREC is stored once */ sent is { IsReceived: true, Cursor: not null })
        {
            return DataAnswer.Repeated;
        }

        _sent[packetId] = sent with { IsReceived = true };
        return DataAnswer.Release;
    }

    /// <summary>It is not delivered after all.</summary>
    public void Remove(ushort packetId) => _sent?.Remove(packetId);

    /// <summary>
    /// The connection is over: what groups have dealt to the client and it did not acknowledge goes to other members, at QoS 1
    /// [MQTT-4.8.2-4]. At QoS 2 it may have it, and nobody else gets it [MQTT-4.8.2-5].
    /// </summary>
    public ILookup<DataGroup, long> TakeShared()
    {
        var dealt = (_sent?.Values ?? Enumerable.Empty<Sent>()).Where(sent => sent is { Group: not null, Seq: > 0 }).ToList();
        _sent = null;
        dealt.FindAll(sent => sent.QualityOfService == 2).ForEach(sent => sent.Group!.Done(sent.Seq));
        return dealt.Where(sent => sent.QualityOfService == 1).ToLookup(sent => sent.Group!, sent => sent.Seq);
    }

    /// <param name="IsReceived">PUBREC has come.</param>
    private readonly record struct Sent(byte QualityOfService, bool IsReceived, DataGroup? Group, long Seq, DataCursor? Cursor);
}
