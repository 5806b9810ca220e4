using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>An MQTT session that outlives its connections: 3.1.1 without clean session, MQTT 5 with a session expiry.</summary>
/// <remarks>Guarded by the gate of <see cref="DurableClients"/>.</remarks>
internal sealed class DurableClient(string clientId, LoginSession session, DataSpaces spaces)
{
    // As another node has stored it, once a second while it moves: read when it is asked for.
    private byte[]? _heardPosition;

    /// <summary>Names it within the account; see <see cref="SessionName"/>.</summary>
    public string ClientId { get; } = clientId;

    /// <summary>Under which it was used last; its end is this one's.</summary>
    public LoginSession Session { get; set; } = session;

    /// <summary>Null while it is not connected here.</summary>
    public IResumable? Connection { get; set; }

    /// <summary>The other node that it is connected to, as far as this one knows; null: none, and always in a house of one.</summary>
    public string? Node { get; set; }

    /// <summary>
    /// Whoever takes the client writes another one: what is written of the client counts while it is the one that is stored.
    /// Null in a house of one.
    /// </summary>
    public byte[]? Fence { get; set; }

    /// <summary>False: this node has heard of the client, and not yet where it is.</summary>
    public bool HasPosition { get; set; } = true;

    public bool IsAway => Connection is null && Node is null;

    /// <summary>While it is away: its last connection, if that left publishes at the store that are not decided on.</summary>
    public IResumable? Publishing { get; set; }

    /// <summary>Seconds that it lives on after its connection.</summary>
    public uint Expiry { get; set; }

    /// <summary>What is said if it is lost, or, while it is away, does not come back in time. Null: nothing.</summary>
    public LastWill? Will { get; set; }

    /// <summary>Since when it is away; of no meaning while it is connected.</summary>
    public DateTimeOffset LeftAt { get; set; }

    /// <summary>When it ends if it does not come back; of no meaning while it is connected.</summary>
    public DateTimeOffset EndsAt => LeftAt.AddSeconds(Expiry);

    /// <summary>As they were stored last.</summary>
    public IReadOnlyList<HeldFilter> Filters { get; set; } = [];

    /// <summary>While it is away; a connected client's is in its connection.</summary>
    public DurablePosition Position
    {
        get
        {
            if (_heardPosition is { } heard)
            {
                _heardPosition = null;
                field = DurableRecords.ReadPosition(heard, field.Received);
            }

            return field;
        }

        set => (field, _heardPosition) = (value, null);
    } = DurablePosition.Nothing;

    /// <summary>Where it is in the data logs of rooms, connected or away.</summary>
    public DataCursors Data { get; } = new(
        spaces, RecentPublishers.MarkOf(session.Account.Id, clientId), roomKey => DurableRecords.DataKey(session.Account.Id, clientId, roomKey));

    /// <summary>This node has the client from now on, and all that was received of it is stored.</summary>
    public void TakenBy(Taken taken)
    {
        (Fence, Node, Publishing) = (taken.Fence, null, null);
        if (taken.Position is { } position && !HasPosition)
        {
            HeardPosition(position);
        }

        HasPosition = true;
        Position = Position with { Received = /* guard: what a kept client has received is read with its fence */ taken.Received };
    }

    /// <summary>Another node has stored where the client is.</summary>
    public void HeardPosition(byte[] record) => (_heardPosition, HasPosition) = (record, true);

    /// <summary>Another node has stored a QoS 2 packet id, or (null) its release.</summary>
    public void HeardReceived(ushort packetId, ulong? contentHash)
    {
        Dictionary<ushort, ulong> received = new(Position.Received);
        if (contentHash is { } hash)
        {
            received[packetId] = hash;
        }
        else
        {
            received.Remove(packetId);
        }

        Position = Position with { Received = received };
    }

    /// <summary>What its last connection left at the store is decided on, or counts as that.</summary>
    public void EndPublishing()
    {
        if (Publishing is { } last)
        {
            Position = Position with { Received = last.Received() };
            Publishing = null;
        }
    }
}
