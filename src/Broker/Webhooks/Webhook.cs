using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Broker.Hooks;

namespace WebMessenger.Broker.Webhooks;

/// <summary>An address elsewhere that is told what is said in a room, signed.</summary>
/// <param name="Id">Begins with `webhook-`.</param>
/// <param name="Room">The key of the room.</param>
/// <param name="Maker">Account id: for as long as he is a moderator of the room it is told.</param>
/// <param name="Secret">The bytes of the key. Stored as they are: what signs has to be there.</param>
/// <param name="Place">The newest event that it was told, or that was there when it was made.</param>
internal sealed record Webhook(
    string Id, string Room, string Name, Uri Url, string Maker, DateTimeOffset At, byte[] Secret, WebhookPlace Place) : IRoomBot
{
    public const string IdPrefix = "webhook-";
    public const string SecretPrefix = "whsec_";

    /// <summary>Of all webhooks.</summary>
    public static ReadOnlySpan<byte> Prefix => "webhook/"u8;

    public static string NewId() => IdPrefix + RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz23456789", 10);

    public static byte[] NewSecret() => RandomNumberGenerator.GetBytes(32);

    /// <summary>As Standard Webhooks writes it: what the other side checks signatures with.</summary>
    public string SecretText => SecretPrefix + Convert.ToBase64String(Secret);

    public static byte[] PrefixOf(string room) => Encoding.ASCII.GetBytes($"webhook/{room}/");

    public byte[] Key => Encoding.ASCII.GetBytes($"webhook/{Room}/{Id}");

    /// <summary>
    /// The header `webhook-signature` (Standard Webhooks 1.0): HMAC-SHA256 of id, time and body, with dots between them.
    /// </summary>
    /// <param name="timestamp">Seconds since 1970, as in `webhook-timestamp`.</param>
    public string Sign(string messageId, string timestamp, ReadOnlySpan<byte> body)
    {
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{messageId}.{timestamp}."), .. body];
        return "v1," + Convert.ToBase64String(HMACSHA256.HashData(Secret, signed));
    }

    public byte[] Value() => JsonSerializer.SerializeToUtf8Bytes(
        new StoredWebhook(Name, Url.AbsoluteUri, Maker, At.ToUnixTimeMilliseconds(), Convert.ToBase64String(Secret), Place), WebhookJson.Default.StoredWebhook);

    /// <summary>Null: it is none that this version knows.</summary>
    public static Webhook? Read(byte[] key, byte[] value)
    {
        try
        {
            var place = Encoding.ASCII.GetString(key).Split('/');
            return JsonSerializer.Deserialize(value, WebhookJson.Default.StoredWebhook) is { Place: not null } stored && Uri.TryCreate(stored.Url, UriKind.Absolute, out var url)
                ? new Webhook(
                    place[2], place[1], stored.Name, url, stored.Maker, DateTimeOffset.FromUnixTimeMilliseconds(stored.At), Convert.FromBase64String(stored.Secret), stored.Place)
                : null;
        }
        catch (Exception error) when (error is JsonException or FormatException)
        {
            return null;
        }
    }
}

/// <summary>How far a webhook has come.</summary>
/// <param name="Seq">Of the room's log.</param>
/// <param name="FailingSince">Milliseconds since 1970: since then nothing was taken. Null: the last was.</param>
/// <param name="IsOff">It failed for too long, and is told nothing until a moderator switches it on.</param>
internal sealed record WebhookPlace(long Seq, string Epoch, long? FailingSince = null, bool IsOff = false);

internal sealed record StoredWebhook(string Name, string Url, string Maker, long At, string Secret, WebhookPlace Place);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredWebhook))]
internal sealed partial class WebhookJson : JsonSerializerContext;
