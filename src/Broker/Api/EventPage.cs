using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Primitives;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>
/// Which stretch of a log a request asks for (`before`, `after`, `limit`), and how it is answered: the events as they went out.
/// </summary>
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
    public IResult Read(EventStream stream, IEventLog log, Action<Utf8JsonWriter>? writeMore = null)
    {
        Stretch stretch = new(stream);
        if (After is { } from)
        {
            ReadOn(stretch, log, from);
        }
        else
        {
            ReadBack(stretch, log, Before ?? long.MaxValue);
        }

        return new Written(stretch, log, writeMore);
    }

    private void ReadOn(Stretch stretch, IEventLog log, long after)
    {
        while (stretch.Count < Limit)
        {
            var page = log.ReadAfter(stretch.Stream.Log, stretch.Count == 0 ? after : stretch.Last, Math.Min(ReadAtOnce, Limit - stretch.Count));
            if (!stretch.Begin(page) || !page.Entries.All(stretch.TryAdd))
            {
                return;
            }
        }
    }

    private void ReadBack(Stretch stretch, IEventLog log, long before)
    {
        while (stretch.Count < Limit)
        {
            var page = log.ReadBefore(stretch.Stream.Log, stretch.Count == 0 ? before : stretch.First, Math.Min(ReadAtOnce, Limit - stretch.Count));
            if (!stretch.Begin(page) || !page.Entries.Reverse().All(stretch.TryAdd))
            {
                return;
            }
        }
    }

    private static long? Number(IQueryCollection query, string name, long minimum, long maximum, List<FieldError> errors)
    {
        var text = query[name];
        if (StringValues.IsNullOrEmpty(text))
        {
            return null;
        }

        if (text.Count == 1 && long.TryParse(text[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= minimum && /* guard: length of a history page */ number <= maximum)
        {
            return number;
        }

        errors.Add(new FieldError(name, "invalid", maximum > MaximumLimit
            ? $"\"{name}\" must be a seq: a whole number from {minimum}."
            : $"\"{name}\" must be a whole number from {minimum} to {maximum}."));
        return null;
    }

    /// <summary>
    /// The events of one answer: so many as have room in it, weighed as they are written, which may be six times as long as they are
    /// stored. The first is always taken, however long it is.
    /// </summary>
    private sealed class Stretch(EventStream stream)
    {
        /// <summary>As they are stored. More than this is read from the log again when the reader takes it.</summary>
        private const int MostKeptBytes = 64 * 1024;

        private readonly ArrayBufferWriter<byte> _json = new(512);
        private List<LogEntry>? _kept = [];
        private int _bytes;
        private int _keptBytes;

        public EventStream Stream => stream;

        public LogHead Head { get; private set; }

        public int Count { get; private set; }

        public long First { get; private set; } = long.MaxValue;

        public long Last { get; private set; }

        /// <summary>In order. Null: they are too long to be kept for a reader that may be slow.</summary>
        public IEnumerable<LogEntry>? Kept => _kept?.OrderBy(entry => entry.Seq);

        /// <summary>False: there is nothing more. Another life of the log is another answer's.</summary>
        public bool Begin(LogPage page)
        {
            if (Count == 0)
            {
                Head = page.Head;
            }

            return page.Entries.Count > 0 && page.Head.Epoch == Head.Epoch;
        }

        public bool TryAdd(LogEntry entry)
        {
            _json.ResetWrittenCount();
            stream.WriteJson(_json, entry.Body.Span, entry.Seq, Head.Epoch, entry.At);
            _bytes += _json.WrittenCount + 1;
            if (Count > 0 && /* guard: bytes of a history page */ _bytes > MostBytes)
            {
                return false;
            }

            (Count, First, Last) = (Count + 1, Math.Min(First, entry.Seq), Math.Max(Last, entry.Seq));
            _keptBytes += entry.Body.Length;
            if (_keptBytes > MostKeptBytes)
            {
                _kept = null;
            }

            _kept?.Add(entry);
            return true;
        }
    }

    /// <summary>The answer: read and encoded as the reader takes it, so that little waits for one that is slow.</summary>
    private sealed class Written(Stretch stretch, IEventLog log, Action<Utf8JsonWriter>? writeMore) : IResult
    {
        private const int BytesPerWrite = 32 * 1024;
        private const int ReadAgainAtOnce = 8;

        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.ContentType = "application/json; charset=utf-8";
            ArrayBufferWriter<byte> json = new(4096);
            using var writer = EventBody.NewWriter(json);
            writer.WriteStartObject();
            writer.WriteString("epoch"u8, stretch.Head.Epoch);
            writer.WriteNumber("head"u8, stretch.Head.Head);
            writer.WriteNumber("first"u8, stretch.Head.First);
            writeMore?.Invoke(writer);
            writer.WriteStartArray("events"u8);
            var one = new ArrayBufferWriter<byte>(512);
            foreach (var entry in stretch.Kept ?? ReadAgain())
            {
                one.ResetWrittenCount();
                stretch.Stream.WriteJson(one, entry.Body.Span, entry.Seq, stretch.Head.Epoch, entry.At);
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

        // What was dropped meanwhile is gone for this reader as well: the page ends there.
        private IEnumerable<LogEntry> ReadAgain()
        {
            for (var last = stretch.First - 1; last < stretch.Last;)
            {
                var page = log.ReadAfter(stretch.Stream.Log, last, (int)Math.Min(ReadAgainAtOnce, stretch.Last - last));
                if (page.Entries.Count == 0 || page.Head.Epoch != stretch.Head.Epoch)
                {
                    yield break;
                }

                foreach (var entry in page.Entries.Where(entry => entry.Seq <= stretch.Last))
                {
                    yield return entry;
                }

                last = page.Entries[^1].Seq;
            }
        }
    }
}
