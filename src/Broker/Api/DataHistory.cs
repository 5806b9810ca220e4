using System.Buffers;
using System.Text;
using System.Text.Json;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Api;

/// <summary>The numbers of the last day, as they are said: `points`, the newest last, each the last one of `every` seconds.</summary>
/// <remarks>`until` is when the time of the newest point ends. A point is null where nothing was said.</remarks>
internal static class DataHistory
{
    /// <summary>Bytes of JSON that a point takes at most: `-1.2345678E-38,`.</summary>
    private const int LongestPoint = 15;

    /// <param name="field">Null: the value itself is the number.</param>
    public static bool IsField(string? field) =>
        field is null || (field.Length > 0 && Encoding.UTF8.GetByteCount(field) <= SparklineNumbers.LongestName);

    public static IResult Of(string topic, string? field, Sparkline? lines, DateTimeOffset now)
    {
        var until = Sparkline.BucketOf(now);
        Span<float> points = stackalloc float[Sparkline.Points];
        if (lines?.TryRead(Encoding.UTF8.GetBytes(field ?? ""), until, points) is not true)
        {
            points.Fill(float.NaN);
        }

        ArrayBufferWriter<byte> json = new(1024);
        using (var writer = EventBody.NewWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("topic"u8, topic);
            if (field is not null)
            {
                writer.WriteString("field"u8, field);
            }

            WriteTimes(writer, until);
            Write(writer, points);
            writer.WriteEndObject();
        }

        return TypedResults.Bytes(json.WrittenMemory, "application/json; charset=utf-8");
    }

    /// <summary>Bytes of JSON that they take at most.</summary>
    public static int SizeOf(Sparkline? lines) =>
        lines is null ? 0 : lines.Fields * ((Sparkline.Points * LongestPoint) + (SparklineNumbers.LongestName * 6) + 30);

    public static void WriteTimes(Utf8JsonWriter writer, long until)
    {
        writer.WriteNumber("every"u8, Sparkline.Seconds);
        writer.WriteString("until"u8, Timestamps.Format(Sparkline.EndOf(until)));
    }

    /// <summary>`history`: of each number of the value its field, if it is not the value itself, and its points.</summary>
    public static void Write(Utf8JsonWriter writer, Sparkline lines, long until)
    {
        writer.WriteStartArray("history"u8);
        foreach (var (name, points) in lines.ReadAll(until))
        {
            writer.WriteStartObject();
            if (name.Length > 0)
            {
                writer.WriteString("field"u8, name);
            }

            Write(writer, points);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, ReadOnlySpan<float> points)
    {
        writer.WriteStartArray("points"u8);
        foreach (var point in points)
        {
            if (float.IsNaN(point))
            {
                writer.WriteNullValue();
            }
            else
            {
                writer.WriteNumberValue(point);
            }
        }

        writer.WriteEndArray();
    }
}
