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
    public const string Description = "Oldest first. before=SEQ or after=SEQ; neither: the newest. limit: 1 to 500, 50 if left out. A page ends earlier at 1 MiB.";

    /// <summary>Of JSON in one page. Five hundred messages of control characters would have 12 MB.</summary>
    public const int MostBytes = 1024 * 1024;

    private const int DefaultLimit = 50;
    private const int MaximumLimit = 500;
    private const int ReadAtOnce = 64;

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
        var (head, entries) = After is { } from ? ReadOn(stream, log, from) : ReadBack(stream, log, Before ?? long.MaxValue);
        return new Written(stream, head, entries, writeMore);
    }

    private (LogHead Head, List<LogEntry> Entries) ReadOn(EventStream stream, IRoomLog log, long after)
    {
        Scale scale = new(stream);
        List<LogEntry> entries = [];
        LogHead? head = null;
        while (entries.Count < Limit)
        {
            var page = log.ReadAfter(stream.Log, entries.Count == 0 ? after : entries[^1].Seq, Math.Min(ReadAtOnce, Limit - entries.Count));
            head ??= page.Head;

            // Another life of the log is another answer's.
            if (page.Entries.Count == 0 || page.Head.Epoch != head.Value.Epoch)
            {
                break;
            }

            foreach (var entry in page.Entries)
            {
                if (!scale.HasRoomFor(entry, page.Head.Epoch))
                {
                    return (head.Value, entries);
                }

                entries.Add(entry);
            }
        }

        return (head!.Value, entries);
    }

    private (LogHead Head, List<LogEntry> Entries) ReadBack(EventStream stream, IRoomLog log, long before)
    {
        Scale scale = new(stream);
        List<LogEntry> newestFirst = [];
        LogHead? head = null;
        var isFull = false;
        while (!isFull && newestFirst.Count < Limit)
        {
            var count = Math.Min(ReadAtOnce, Limit - newestFirst.Count);
            var page = log.ReadBefore(stream.Log, newestFirst.Count == 0 ? before : newestFirst[^1].Seq, count);
            head ??= page.Head;
            if (page.Entries.Count == 0 || page.Head.Epoch != head.Value.Epoch)
            {
                break;
            }

            for (var i = page.Entries.Count - 1; i >= 0 && !isFull; i--)
            {
                isFull = !scale.HasRoomFor(page.Entries[i], page.Head.Epoch);
                if (!isFull)
                {
                    newestFirst.Add(page.Entries[i]);
                }
            }
        }

        newestFirst.Reverse();
        return (head!.Value, newestFirst);
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

    /// <summary>
    /// Weighs events as they are written, which may be six times as long as they are stored. The first is always taken, however long it
    /// is.
    /// </summary>
    private sealed class Scale(EventStream stream)
    {
        private readonly ArrayBufferWriter<byte> _json = new(512);
        private int _bytes;

        public bool HasRoomFor(in LogEntry entry, string epoch)
        {
            _json.ResetWrittenCount();
            stream.WriteJson(_json, entry.Body.Span, entry.Seq, epoch, entry.At);
            var isFirst = _bytes == 0;
            _bytes += _json.WrittenCount + 1;
            return isFirst || _bytes <= MostBytes;
        }
    }

    /// <summary>The answer: encoded as the reader takes it, so that what waits for a slow one is the events as they are stored.</summary>
    private sealed class Written(EventStream stream, LogHead head, List<LogEntry> entries, Action<Utf8JsonWriter>? writeMore) : IResult
    {
        private const int BytesPerWrite = 32 * 1024;

        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.ContentType = "application/json; charset=utf-8";
            ArrayBufferWriter<byte> json = new(4096);
            using var writer = EventBody.NewWriter(json);
            writer.WriteStartObject();
            writer.WriteString("epoch"u8, head.Epoch);
            writer.WriteNumber("head"u8, head.Head);
            writer.WriteNumber("first"u8, head.First);
            writeMore?.Invoke(writer);
            writer.WriteStartArray("events"u8);
            var one = new ArrayBufferWriter<byte>(512);
            foreach (var entry in entries)
            {
                one.ResetWrittenCount();
                stream.WriteJson(one, entry.Body.Span, entry.Seq, head.Epoch, entry.At);
                writer.WriteRawValue(one.WrittenSpan, skipInputValidation: true);
                if (writer.BytesPending + json.WrittenCount >= BytesPerWrite)
                {
                    writer.Flush();
                    await response.Body.WriteAsync(json.WrittenMemory, httpContext.RequestAborted);
                    json.ResetWrittenCount();
                }
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.Flush();
            await response.Body.WriteAsync(json.WrittenMemory, httpContext.RequestAborted);
        }
    }
}
