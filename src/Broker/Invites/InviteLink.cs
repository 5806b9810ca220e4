using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Invites;

/// <summary>A link by which anybody comes into a room who has it, as it is stored.</summary>
/// <param name="Room">The key of the room.</param>
/// <param name="By">Account id of who made it: it opens the room for as long as he may invite.</param>
/// <param name="Until">From then on it opens nothing.</param>
/// <param name="Uses">How many come in by it; 0: as many as come.</param>
/// <param name="Used">How many have, where there is an end to it.</param>
internal sealed record InviteLink(
    string Id, string Room, string By, DateTimeOffset At, DateTimeOffset Until, int Uses, int Used, SecretHash Secret)
{
    /// <summary>Of all links.</summary>
    public static ReadOnlySpan<byte> Prefix => "invite/"u8;

    /// <summary>Null: as many as come.</summary>
    public int? Left => Uses == 0 ? null : Uses - Used;

    public bool IsUsedUp => Left is <= 0;

    public static byte[] PrefixOf(string room) => Encoding.ASCII.GetBytes($"invite/{room}/");

    public static byte[] Key(string room, string id) => Encoding.ASCII.GetBytes($"invite/{room}/{id}");

    /// <summary>By which a link is found; its value is the key of that.</summary>
    public static byte[] SecretKey(SecretHash secret) => [.. "invitesecret/"u8, .. secret.ToBytes()];

    /// <summary>Of all who came in by links that have an end to their uses.</summary>
    public static ReadOnlySpan<byte> UsersPrefix => "inviteuser/"u8;

    public static byte[] UsersPrefixOf(string room) => Encoding.ASCII.GetBytes($"inviteuser/{room}/");

    /// <summary>The key of the link that one of <see cref="UsersPrefix"/> is of.</summary>
    public static string LinkOfUser(byte[] key) =>
        Encoding.ASCII.GetString(key).Split('/') is [_, var room, var id, _] ? $"invite/{room}/{id}" : "";

    /// <summary>That the account has come in: by the secret, which is stored nowhere, so that nobody reads there who it is.</summary>
    public byte[] UserKey(string secret, string accountId) =>
        Encoding.ASCII.GetBytes($"inviteuser/{Room}/{Id}/{Convert.ToHexStringLower(
            HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(accountId)).AsSpan(0, 16))}");

    public byte[] Key() => Key(Room, Id);

    public byte[] Value() => JsonSerializer.SerializeToUtf8Bytes(
        new StoredInviteLink(
            By, At.ToUnixTimeMilliseconds(), Until.ToUnixTimeMilliseconds(), Uses, Used, Convert.ToBase64String(Secret.ToBytes())),
        InviteLinkJson.Default.StoredInviteLink);

    /// <summary>Null: it is none that this version knows, and opens nothing.</summary>
    public static InviteLink? Read(byte[] key, byte[] value)
    {
        try
        {
            var place = Encoding.ASCII.GetString(key).Split('/');
            return JsonSerializer.Deserialize(value, InviteLinkJson.Default.StoredInviteLink) is { By: not null, Secret: not null } stored
                ? new InviteLink(
                    place[2], place[1], stored.By, Time(stored.At), Time(stored.Until), stored.Uses, stored.Used,
                    SecretHash.FromBytes(Convert.FromBase64String(stored.Secret)))
                : null;
        }
        catch (Exception error) when (error is JsonException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    private static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}

/// <param name="Secret">The SHA-256 of it, in base64.</param>
internal sealed record StoredInviteLink(string By, long At, long Until, int Uses, int Used, string Secret);

// A field that a later version added may keep somebody out: who does not know it lets nobody in.
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(StoredInviteLink))]
internal sealed partial class InviteLinkJson : JsonSerializerContext;
