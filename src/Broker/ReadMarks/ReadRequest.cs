using System.Text.Json;
using System.Text.Json.Serialization;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>What a client asks for on `users/{user}/read/…` and over HTTP: "I have read up to here".</summary>
/// <param name="Epoch">Null: the current one.</param>
/// <param name="Back">It is set back on purpose: what comes after it is unread again.</param>
internal sealed record ReadRequest(long? Seq, string? Epoch, bool Back = false)
{
    /// <summary>What a payload asks for; null: nothing that makes sense, and <paramref name="error"/> says what to do.</summary>
    public static ReadRequest? Parse(ReadOnlySpan<byte> payload, out string error)
    {
        ReadRequest? request;
        try
        {
            request = JsonSerializer.Deserialize(payload, ReadJson.Default.ReadRequest);
        }
        catch (JsonException)
        {
            request = null;
        }

        error = request is { Seq: >= 0 } ? "" : "A read position is {\"seq\":N} or {\"seq\":N,\"epoch\":\"…\"}: a whole number from 0.";
        return error.Length == 0 ? request : null;
    }
}

// As everywhere: what is given twice could be read as two different things.
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ReadRequest))]
internal sealed partial class ReadJson : JsonSerializerContext;
