using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// What was done to somebody in a room, of which he is still to be told by a notice: in the batch of its event, so that a crash leaves
/// nobody untold (<see cref="NoticesDue"/>). It has what the event does not say to all.
/// </summary>
/// <remarks>Key `an/{room key}/{actor}/{event id}`.</remarks>
/// <param name="Account">Account id of whom it was done to.</param>
/// <param name="Title">The room's, as it was then: who was put out of a private room sees it nowhere else.</param>
/// <param name="Until">Null: it has no end.</param>
/// <param name="Reason">Null: none was given, or he ignores who gave it.</param>
internal sealed record ActDue(string Account, string Title, DateTimeOffset? Until = null, string? Reason = null)
{
    /// <summary>All there are.</summary>
    public static byte[] Prefix => "an/"u8.ToArray();

    /// <summary>All of a room.</summary>
    public static byte[] PrefixOf(string room) => Encoding.ASCII.GetBytes($"an/{room}/");

    /// <param name="author">Account id of who did it.</param>
    /// <param name="body">Of the event that tells of it.</param>
    public static byte[] Key(string room, string author, ReadOnlySpan<byte> body) =>
        [.. PrefixOf(room), .. Encoding.ASCII.GetBytes(author + "/"), .. EventBody.IdOf(body)];

    /// <summary>The fields of the notice behind those that its event has as well.</summary>
    public void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteString("title"u8, Title);
        if (Until is { } until)
        {
            writer.WriteString("until"u8, Timestamps.Format(until));
        }

        if (Reason is not null)
        {
            writer.WriteString("reason"u8, Reason);
        }
    }

    public byte[] Write() => ReadableJson.Write(this, ActDueJson.Default.ActDue);

    /// <summary>Null: this program did not write it.</summary>
    public static ActDue? Read(byte[] value)
    {
        try
        {
            return JsonSerializer.Deserialize(value, ActDueJson.Default.ActDue);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ActDue))]
internal sealed partial class ActDueJson : JsonSerializerContext;
