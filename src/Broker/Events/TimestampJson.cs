using System.Text.Json;
using System.Text.Json.Serialization;

namespace WebMessenger.Broker.Events;

/// <summary>A time as <see cref="Timestamps"/> writes it. Read: RFC 3339 with its offset, to the millisecond.</summary>
internal sealed class TimestampJson : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Read(ref reader);

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Timestamps.Format(value));

    /// <exception cref="JsonException">It is none.</exception>
    public static DateTimeOffset Read(ref Utf8JsonReader reader)
    {
        // Without an offset it would be read as the time of wherever the server stands.
        if (reader.TokenType != JsonTokenType.String
            || reader.GetString() is not { Length: >= 20 } text
            || !(text[^1] == 'Z' || text[^6] is '+' or '-')
            || !reader.TryGetDateTimeOffset(out var at))
        {
            throw new JsonException("A time is written as 2026-11-23T07:20:00Z.");
        }

        return DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds());
    }
}
