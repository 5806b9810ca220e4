using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>
/// How far a client is in one log: everything up to <paramref name="Seq"/> was sent to it.
/// An epoch that is not the log's: it has to begin anew.
/// </summary>
internal readonly record struct LogCursor(string Epoch, long Seq);

/// <summary>An event that was sent under a packet id and not acknowledged.</summary>
/// <param name="GivenUp">
/// The client has unsubscribed since: the epoch that <paramref name="Seq"/> counts in, for there is no cursor beside it. Null: it has not.
/// </param>
internal readonly record struct UnacknowledgedEvent(ushort PacketId, LogName Log, long Seq, string? GivenUp = null);

/// <summary>How far a durable client is: what was sent, and what of that it has not acknowledged, in the order it was sent.</summary>
/// <param name="Received">Packet ids of QoS 2 publishes that the client has not released, and what they were.</param>
internal sealed record DurablePosition(
    Dictionary<LogName, LogCursor> Cursors, IReadOnlyList<UnacknowledgedEvent> Unacknowledged, IReadOnlyDictionary<ushort, ulong> Received)
{
    public static DurablePosition Nothing => new([], [], new Dictionary<ushort, ulong>());
}
