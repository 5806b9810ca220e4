using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>Somebody asks to be let into a room, as it is stored under `request/{room key}/{account}`.</summary>
/// <param name="Room">The key of the room.</param>
/// <param name="Account">Account id of who asks.</param>
/// <param name="Note">What he says to who decides; empty: nothing, and once it is declined.</param>
/// <param name="DeclinedAt">Null: nobody has declined it.</param>
internal sealed record JoinRequest(string Room, string Account, DateTimeOffset At, string Note, DateTimeOffset? DeclinedAt = null)
{
    /// <summary>For so long it waits for an answer.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    /// <summary>For so long who was declined does not ask again.</summary>
    public static readonly TimeSpan DeclinedFor = TimeSpan.FromDays(7);

    /// <summary>Of all.</summary>
    public static ReadOnlySpan<byte> Prefix => "request/"u8;

    /// <summary>From then on it says nothing.</summary>
    public DateTimeOffset Until => DeclinedAt is { } declined ? declined + DeclinedFor : At + Lifetime;

    public static byte[] PrefixOf(string room) => Encoding.ASCII.GetBytes($"request/{room}/");

    public static byte[] Key(string room, string account) => Encoding.ASCII.GetBytes($"request/{room}/{account}");

    public byte[] Key() => Key(Room, Account);

    public byte[] Value() => ReadableJson.Write(
        new StoredJoinRequest(At.ToUnixTimeMilliseconds(), Note, DeclinedAt?.ToUnixTimeMilliseconds()),
        JoinRequestStoredJson.Default.StoredJoinRequest);

    /// <summary>Null: this program did not write it, and nobody is let in by it.</summary>
    public static JoinRequest? Read(byte[] key, byte[] value)
    {
        try
        {
            var place = Encoding.ASCII.GetString(key).Split('/');
            return JsonSerializer.Deserialize(value, JoinRequestStoredJson.Default.StoredJoinRequest) is { Note: not null } stored
                ? new JoinRequest(place[1], place[2], Time(stored.At), stored.Note, stored.DeclinedAt is { } at ? Time(at) : null)
                : null;
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            return null;
        }
    }

    private static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}

/// <summary>Times are milliseconds since 1970.</summary>
internal sealed record StoredJoinRequest(long At, string Note, long? DeclinedAt);

// A field that a later version added may keep somebody out: who does not know it lets nobody in.
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(StoredJoinRequest))]
internal sealed partial class JoinRequestStoredJson : JsonSerializerContext;
