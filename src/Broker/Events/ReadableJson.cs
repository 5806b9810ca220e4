using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace WebMessenger.Broker.Events;

/// <summary>Writes JSON in which words stand as they were written: see <see cref="ReadableJsonEncoder"/>.</summary>
internal static class ReadableJson
{
    private static readonly JsonWriterOptions _options = new() { Encoder = ReadableJsonEncoder.Instance };

    public static byte[] Write<T>(T value, JsonTypeInfo<T> type)
    {
        ArrayBufferWriter<byte> json = new(256);
        using (Utf8JsonWriter writer = new(json, _options))
        {
            JsonSerializer.Serialize(writer, value, type);
        }

        return json.WrittenSpan.ToArray();
    }
}
