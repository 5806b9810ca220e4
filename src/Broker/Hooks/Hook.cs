using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Secrets;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Hooks;

/// <summary>An address of a room's, to which programs elsewhere post what is to be said there.</summary>
/// <param name="Id">Begins with `hook-`, as whose user name it is shown and kept free by the names that are reserved.</param>
/// <param name="Room">The key of the room.</param>
/// <param name="Name">What its messages are signed with.</param>
/// <param name="Maker">Account id: with whose right and quota it speaks.</param>
/// <param name="Template">Null: it has none, and takes plain text and Slack's JSON.</param>
internal sealed record Hook(string Id, string Room, string Name, string Maker, DateTimeOffset At, string? Template, SecretHash Secret) : IRoomBot
{
    public const string IdPrefix = "hook-";

    /// <summary>Begins every secret, so that a leaked one is recognised by who finds it and by scanners.</summary>
    public const string SecretPrefix = "wmh_";

    public Author Author => new(Id, Id, PlainLine.Of(Name), "bot");

    /// <summary>It was neither removed nor renewed.</summary>
    public RecordCondition IsThere => new(SecretKey(Secret), Key(Room, Id));

    public static string NewId() => IdPrefix + RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz23456789", 10);

    public static string NewSecret() => Auth.Secrets.Secret.Create(SecretPrefix);

    /// <summary>Of all hooks.</summary>
    public static ReadOnlySpan<byte> Prefix => "hook/"u8;

    public static byte[] PrefixOf(string room) => Encoding.ASCII.GetBytes($"hook/{room}/");

    public static byte[] Key(string room, string id) => Encoding.ASCII.GetBytes($"hook/{room}/{id}");

    /// <summary>By which a hook is found; its value is the key of that.</summary>
    public static byte[] SecretKey(SecretHash secret) => [.. SecretKeyPrefix, .. secret.ToBytes()];

    public static ReadOnlySpan<byte> SecretKeyPrefix => "hooksecret/"u8;

    public byte[] Value() => JsonSerializer.SerializeToUtf8Bytes(
        new StoredHook(Name, Maker, At.ToUnixTimeMilliseconds(), Template, Convert.ToBase64String(Secret.ToBytes())), HookJson.Default.StoredHook);

    /// <summary>Null: it is none that this version knows.</summary>
    public static Hook? Read(byte[] key, byte[] value)
    {
        try
        {
            var place = Encoding.ASCII.GetString(key).Split('/');
            return JsonSerializer.Deserialize(value, HookJson.Default.StoredHook) is { Name: not null, Maker: not null, Secret: not null } stored
                ? new Hook(
                    place[2], place[1], stored.Name, stored.Maker, DateTimeOffset.FromUnixTimeMilliseconds(stored.At), stored.Template,
                    SecretHash.FromBytes(Convert.FromBase64String(stored.Secret)))
                : null;
        }
        catch (Exception error) when (error is JsonException or FormatException or ArgumentException)
        {
            return null;
        }
    }
}

/// <param name="Secret">The SHA-256 of it, in base64.</param>
internal sealed record StoredHook(string Name, string Maker, long At, string? Template, string Secret);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredHook))]
internal sealed partial class HookJson : JsonSerializerContext;
