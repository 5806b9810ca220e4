using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Primitives;
using WebMessenger.Auth;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Log;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <summary>Which stretch of a log a request asks for (`before`, `after`, `limit`), and how it is answered: the events as they went out.</summary>
internal sealed record EventPage(long? Before, long? After, int Limit)
{
    public const string Description = "Oldest first. before=SEQ or after=SEQ; neither: the newest. limit: 1 to 500, 50 if left out.";

    private const int DefaultLimit = 50;
    private const int MaximumLimit = 500;

    public static bool TryParse(IQueryCollection query, [NotNullWhen(true)] out EventPage? page, [NotNullWhen(false)] out ProblemHttpResult? problem)
    {
        List<FieldError> errors = [];
        var before = Number(query, "before", 1, long.MaxValue, errors);
        var after = Number(query, "after", 0, long.MaxValue - 1, errors);
        var limit = (int)(Number(query, "limit", 1, MaximumLimit, errors) ?? DefaultLimit);
        if (before is not null && after is not null)
        {
            errors.Add(new FieldError("after", "invalid", "Give before or after, not both."));
        }

        (page, problem) = errors.Count == 0 ? (new EventPage(before, after, limit), null) : ((EventPage?)null, Problems.Fields(errors));
        return page is not null;
    }

    /// <param name="writeMore">Writes what the answer has beside the events.</param>
    public IResult Read(EventStream stream, IRoomLog log, Action<Utf8JsonWriter>? writeMore = null)
    {
        var page = After is { } from ? log.ReadAfter(stream.Log, from, Limit) : log.ReadBefore(stream.Log, Before ?? long.MaxValue, Limit);
        var json = new ArrayBufferWriter<byte>(4096);
        using var writer = EventBody.NewWriter(json);
        writer.WriteStartObject();
        writer.WriteString("epoch"u8, page.Head.Epoch);
        writer.WriteNumber("head"u8, page.Head.Head);
        writer.WriteNumber("first"u8, page.Head.First);
        writeMore?.Invoke(writer);
        writer.WriteStartArray("events"u8);
        var one = new ArrayBufferWriter<byte>(512);
        foreach (var entry in page.Entries)
        {
            one.ResetWrittenCount();
            stream.WriteJson(one, entry.Body.Span, entry.Seq, page.Head.Epoch, entry.At);
            writer.WriteRawValue(one.WrittenSpan, skipInputValidation: true);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        return TypedResults.Bytes(json.WrittenMemory, "application/json; charset=utf-8");
    }

    private static long? Number(IQueryCollection query, string name, long minimum, long maximum, List<FieldError> errors)
    {
        var text = query[name];
        if (StringValues.IsNullOrEmpty(text))
        {
            return null;
        }

        if (text.Count == 1 && long.TryParse(text[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum)
        {
            return number;
        }

        errors.Add(new FieldError(name, "invalid", maximum > MaximumLimit
            ? $"\"{name}\" must be a seq: a whole number from {minimum}."
            : $"\"{name}\" must be a whole number from {minimum} to {maximum}."));
        return null;
    }
}
