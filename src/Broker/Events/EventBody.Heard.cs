using System.Text.Json;

namespace WebMessenger.Broker.Events;

/// <summary>What is asked of an event that another node has stored (ADR 0086).</summary>
internal static partial class EventBody
{
    private static ReadOnlySpan<byte> EveryoneField => "\"everyone\":true"u8;

    /// <summary>The fields of an event, for who reads several of them.</summary>
    public static JsonDocument FieldsIn(ReadOnlySpan<byte> body) => ParseFields(TakeApart(body).Fields);

    /// <summary>Whether a message calls everybody. Inside a text a quotation mark is escaped, so what is found is the field.</summary>
    public static bool CallsEveryone(ReadOnlySpan<byte> body) => TakeApart(body).Fields.IndexOf(EveryoneField) >= 0;

    /// <summary>The text of a message by whom nobody else decided what it says; null: dice did.</summary>
    public static string? RepeatableIn(ReadOnlySpan<byte> body)
    {
        using var fields = FieldsIn(body);
        return fields.RootElement.TryGetProperty("roll"u8, out _) ? null : fields.RootElement.GetProperty("text"u8).GetString();
    }
}
