using System.Buffers;
using System.Text.Json;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Api;

/// <summary>A short answer: one JSON object, written with the escaping of all payloads.</summary>
internal sealed class JsonAnswer : IResult
{
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
        httpContext.Response.ContentType = "application/json; charset=utf-8";
        await httpContext.Response.Body.WriteAsync(_json.WrittenMemory, httpContext.RequestAborted);
    }
}
