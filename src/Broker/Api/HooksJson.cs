using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Hooks;

namespace WebMessenger.Broker.Api;

/// <summary>What a hook is made of; of one that is changed, what is left out stays. An empty template takes it away.</summary>
internal sealed record HookFields(string? Name, string? Template);

/// <summary>What would be said.</summary>
internal sealed record HookSample(string? Template, string? Body, string? ContentType);

/// <param name="Path">With the secret, which is shown this once; behind the address of the server.</param>
internal sealed record MadeHook(string Id, string Path);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(HookFields))]
[JsonSerializable(typeof(HookSample))]
[JsonSerializable(typeof(MadeHook))]
internal sealed partial class HooksJson : JsonSerializerContext;

/// <summary>What something did last, the newest first.</summary>
internal static class RunsJson
{
    public static void Write(Utf8JsonWriter writer, Run[] runs)
    {
        writer.WriteStartArray("runs"u8);
        foreach (var run in runs.Reverse())
        {
            writer.WriteStartObject();
            writer.WriteString("at"u8, Timestamps.Format(DateTimeOffset.FromUnixTimeMilliseconds(run.At)));
            writer.WriteString("outcome"u8, run.Outcome);
            writer.WriteString("why"u8, run.Why);
            writer.WriteNumber("times"u8, run.Times);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
