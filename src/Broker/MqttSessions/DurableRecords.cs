using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>What of a durable client is on disk and seldom changes.</summary>
/// <param name="LeftAt">Null: it was connected.</param>
/// <param name="Will">What is said if it does not come back. Null: nothing; always in records of version 0.1.</param>
/// <param name="Node">Where it is connected; null: nowhere, and always in a house of one.</param>
internal sealed record ClientRecord(
    LoginSessionNote Session, uint Expiry, DateTimeOffset? LeftAt, FilterRecord[] Filters, LastWill? Will = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Node = null);

/// <param name="Mount">Id of the room that is the client's whole world; null: it has no mount.</param>
internal sealed record FilterRecord(
    string Text, byte QualityOfService, bool NoLocal, bool RetainAsPublished, RetainHandling RetainHandling, int SubscriptionId, string? Mount = null)
{
    public static FilterRecord Of(HeldFilter held) => new(
        held.Filter.Text, held.QualityOfService, held.NoLocal, held.RetainAsPublished, held.RetainHandling, held.SubscriptionId,
        held.Filter.IsMounted ? held.Filter.Room : null);

    /// <summary>Null: this version knows no such filter.</summary>
    public HeldFilter? ToFilter() => RoomFilter.TryParse(Text, out var filter, Mount) == FilterError.None
        ? new HeldFilter(filter!, QualityOfService, NoLocal, RetainAsPublished, RetainHandling, SubscriptionId)
        : null;
}

/// <summary>Where a durable client is: stored every second while it changes.</summary>
internal sealed record PositionRecord(CursorRecord[] Cursors, UnacknowledgedRecord[] Unacknowledged);

internal sealed record CursorRecord(string Log, string Epoch, long Seq);

/// <param name="Epoch">See <see cref="UnacknowledgedEvent"/>; null in records of version 0.1.</param>
internal sealed record UnacknowledgedRecord(ushort PacketId, string Log, long Seq, string? Epoch = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ClientRecord))]
[JsonSerializable(typeof(PositionRecord))]
internal sealed partial class DurableJson : JsonSerializerContext;

/// <summary>The records of durable clients: their keys, and what is in them.</summary>
/// <remarks>
/// Keys: `durable/c/{account}/{client id}`, `durable/p/…` alike, of several nodes `durable/e/…` (<see cref="DurableClient.Fence"/>),
/// `durable/q/{account}/{client id}/{packet id}`, and
/// `durable/d/{account}/{client id}/{room key}` (<see cref="DataCursorRecord"/>); of groups see <see cref="DataGroupName"/>.
/// An account's id has no slash; a client id may.
/// </remarks>
internal static class DurableRecords
{
    public static byte[] ClientsPrefix { get; } = "durable/c/"u8.ToArray();

    public static byte[] DataPrefix { get; } = "durable/d/"u8.ToArray();

    public static byte[] PositionsPrefix { get; } = "durable/p/"u8.ToArray();

    public static byte[] FencesPrefix { get; } = "durable/e/"u8.ToArray();

    public static byte[] ReceivedPrefix { get; } = "durable/q/"u8.ToArray();

    /// <summary>Before the keys of all that is kept for an account's clients.</summary>
    public static IEnumerable<byte[]> PrefixesOf(string account) => [ClientKey(account, ""), PositionKey(account, ""), FenceKey(account, ""), Encoding.UTF8.GetBytes($"durable/q/{account}/"), Encoding.UTF8.GetBytes($"durable/d/{account}/"), DataGroupName.RecordsOf(account), SharedTalk.RecordsOf(account)];

    public static byte[] ClientKey(string account, string clientId) => Encoding.UTF8.GetBytes($"durable/c/{account}/{clientId}");

    public static byte[] PositionKey(string account, string clientId) => Encoding.UTF8.GetBytes($"durable/p/{account}/{clientId}");

    public static byte[] FenceKey(string account, string clientId) => Encoding.UTF8.GetBytes($"durable/e/{account}/{clientId}");

    public static byte[] DataKey(string account, string clientId, string roomKey) => Encoding.UTF8.GetBytes($"durable/d/{account}/{clientId}/{roomKey}");

    public static (string Account, string ClientId, string RoomKey) ReadDataKey(byte[] key)
    {
        var name = Encoding.UTF8.GetString(key.AsSpan(DataPrefix.Length));
        var (first, last) = (name.IndexOf('/', StringComparison.Ordinal), name.LastIndexOf('/'));
        return (name[..first], name[(first + 1)..last], name[(last + 1)..]);
    }

    /// <summary>Before the keys of what a client has not released, and of those whose id begins with its id and a slash.</summary>
    public static byte[] ReceivedOf(string account, string clientId) => Encoding.UTF8.GetBytes($"durable/q/{account}/{clientId}/");

    public static byte[] ReceivedKey(string account, string clientId, ushort packetId) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"durable/q/{account}/{clientId}/{packetId}"));

    /// <summary>Takes away all that is kept of a client.</summary>
    /// <param name="received">The packet ids of QoS 2 publishes that it has not released.</param>
    public static IEnumerable<RecordChange> Removal(string account, string clientId, IEnumerable<ushort> received) =>
    [
        new(ClientKey(account, clientId), null),
        new(PositionKey(account, clientId), null),
        .. received.Select(packetId => new RecordChange(ReceivedKey(account, clientId, packetId), null)),
    ];

    /// <summary>What a QoS 2 publish was, to tell a repetition by.</summary>
    public static byte[] Received(ulong contentHash)
    {
        var value = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(value, contentHash);
        return value;
    }

    /// <summary>Of any key that names a client alone: their prefixes are of one length.</summary>
    public static (string Account, string ClientId) ReadClientKey(byte[] key)
    {
        var name = Encoding.UTF8.GetString(key.AsSpan(ClientsPrefix.Length));
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        return (name[..slash], name[(slash + 1)..]);
    }

    public static (string Account, string ClientId, ushort PacketId, ulong ContentHash) ReadReceived(byte[] key, byte[] value)
    {
        var name = Encoding.UTF8.GetString(key.AsSpan(ReceivedPrefix.Length));
        var (first, last) = (name.IndexOf('/', StringComparison.Ordinal), name.LastIndexOf('/'));
        return (name[..first], name[(first + 1)..last], ushort.Parse(name.AsSpan(last + 1), CultureInfo.InvariantCulture), BinaryPrimitives.ReadUInt64BigEndian(value));
    }

    public static byte[] Write(ClientRecord record) => JsonSerializer.SerializeToUtf8Bytes(record, DurableJson.Default.ClientRecord);

    public static byte[] Write(DurablePosition position) => JsonSerializer.SerializeToUtf8Bytes(
        new PositionRecord(
            [.. position.Cursors.Select(cursor => new CursorRecord(cursor.Key.Value, cursor.Value.Epoch, cursor.Value.Seq))],
            [.. position.Unacknowledged.Select(sent => new UnacknowledgedRecord(sent.PacketId, sent.Log.Value, sent.Seq, sent.GivenUp))]),
        DurableJson.Default.PositionRecord);

    public static ClientRecord ReadClient(byte[] value) =>
        JsonSerializer.Deserialize(value, DurableJson.Default.ClientRecord) ?? throw new JsonException("A durable client's record is empty.");

    public static DurablePosition ReadPosition(byte[]? value, IReadOnlyDictionary<ushort, ulong> received)
    {
        var record = value is null ? null : JsonSerializer.Deserialize(value, DurableJson.Default.PositionRecord);
        return new DurablePosition(
            record?.Cursors.ToDictionary(cursor => LogName.Stored(cursor.Log), cursor => new LogCursor(cursor.Epoch, cursor.Seq)) ?? [],
            [.. record?.Unacknowledged.Select(sent => new UnacknowledgedEvent(sent.PacketId, LogName.Stored(sent.Log), sent.Seq, sent.Epoch)) ?? []],
            received);
    }
}
