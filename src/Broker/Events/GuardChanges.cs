using System.Text.Json;
using System.Text.Json.Serialization;

namespace WebMessenger.Broker.Events;

/// <summary>What of a room's guard a command changes; null: it stays.</summary>
internal sealed record GuardChanges(int? NewcomerMinutes = null, int? Repeats = null, int? GuestsPerMinute = null);

/// <summary>A room is to be quiet until then; null: not any more.</summary>
/// <remarks>In JSON the time, or null: a field that is left out changes nothing.</remarks>
[JsonConverter(typeof(QuietChangeJson))]
internal sealed record QuietChange(DateTimeOffset? Until);

internal sealed class QuietChangeJson : JsonConverter<QuietChange>
{
    public override bool HandleNull => true;

    public override QuietChange Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        new(reader.TokenType == JsonTokenType.Null ? null : TimestampJson.Read(ref reader));

    public override void Write(Utf8JsonWriter writer, QuietChange value, JsonSerializerOptions options)
    {
        if (value.Until is { } until)
        {
            writer.WriteStringValue(Timestamps.Format(until));
        }
        else
        {
            writer.WriteNullValue();
        }
    }
}
