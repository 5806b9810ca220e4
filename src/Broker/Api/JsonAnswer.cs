using System.Buffers;
using System.Text.Json;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Api;

/// <summary>An answer of one JSON object, written with the escaping of all payloads.</summary>
/// <remarks>
/// One that is longer than <see cref="LongestWithoutSlot"/> takes a slot of <see cref="AnswerSlots"/>, also where its endpoint did not
/// ask for one: whoever does not read it has no more of them in memory than of any other.
/// </remarks>
internal sealed class JsonAnswer : IResult
{
    /// <summary>In bytes.</summary>
    public const int LongestWithoutSlot = 128 * 1024;

    private readonly ArrayBufferWriter<byte> _json = new(1024);

    public JsonAnswer(Action<Utf8JsonWriter> write)
    {
        using var writer = EventBody.NewWriter(_json);
        writer.WriteStartObject();
        write(writer);
        writer.WriteEndObject();
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        if ((/* guard: memory: long answers without a slot */ _json.WrittenCount > LongestWithoutSlot) && !AnswerSlots.IsHeld(httpContext))
        {
            await httpContext.RequestServices.GetRequiredService<AnswerSlots>().AnswerAsync(httpContext, this);
            return;
        }

        httpContext.Response.ContentType = "application/json; charset=utf-8";
        await httpContext.Response.Body.WriteAsync(_json.WrittenMemory, httpContext.RequestAborted);
    }
}
