namespace WebMessenger.Broker.Clients;

/// <summary>MQTT packets of one connection in one direction, and their bytes.</summary>
/// <remarks>Counted by one thread at a time, which its owner sees to; read by any.</remarks>
internal sealed class TrafficCount
{
    private long _packets;
    private long _bytes;

    public long Packets => Volatile.Read(ref _packets);

    public long Bytes => Volatile.Read(ref _bytes);

    public void Add(int packets, long bytes)
    {
        _packets += packets;
        _bytes += bytes;
    }
}

/// <summary>All connections together, since the program started: those that are over as well.</summary>
internal readonly record struct TrafficTotals(long PacketsIn, long BytesIn, long PacketsOut, long BytesOut)
{
    public TrafficTotals With(Client client) => new(
        PacketsIn + client.Received.Packets,
        BytesIn + client.Received.Bytes,
        PacketsOut + client.Writer.Sent.Packets,
        BytesOut + client.Writer.Sent.Bytes);
}
