using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Primitives;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Search;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>
/// Which stretch of a log a request asks for (`before`, `after`, `limit`, `view`), and how it is answered: the events as they went out.
/// </summary>
/// <param name="LinesOnly">What was only done to messages is left out, and is in them.</param>
/// <param name="Around">What stands before and behind this; <paramref name="At"/>: what was said first from then on.</param>
internal sealed record EventPage(long? Before, long? After, int Limit, bool LinesOnly = false, long? Around = null, DateTimeOffset? At = null)
{
    public const string Description = "Oldest first. before=SEQ, after=SEQ, around=SEQ or at=TIME; none: the newest. limit: 1 to 500, 50 if left out. A page ends earlier at 1 MiB. "
        + "view=lines: without edits, deletions, reactions and pins, whose outcome is in the messages; from and to say which seqs the page covers. "
        + "at=TIME: around the first event from then on, whose seq is in the answer as at; none: the newest.";

    /// <summary>Of JSON in one page. Five hundred messages of control characters would have 12 MB.</summary>
    public const int MostBytes = 1024 * 1024;

    private const int DefaultLimit = 50;
    private const int MaximumLimit = 500;
    private const int ReadAtOnce = 64;

    /// <summary>Events that are looked at for one page of lines: a room in which much else happened is not read through.</summary>
    private const int MostLookedAt = 10_000;

    public static bool TryParse(IQueryCollection query, [NotNullWhen(true)] out EventPage? page, [NotNullWhen(false)] out ProblemHttpResult? problem)
    {
        List<FieldError> errors = [];
        var before = Number(query, "before", 1, long.MaxValue, errors);
        var after = Number(query, "after", 0, long.MaxValue - 1, errors);
        var limit = (int)(Number(query, "limit", 1, MaximumLimit, errors) ?? DefaultLimit);
        var view = query["view"];
        if (view is not ([] or ["lines"]))
        {
            errors.Add(new FieldError("view", "invalid", "\"view\" is lines, or is left out."));
        }

        var around = Number(query, "around", 1, long.MaxValue - 1, errors);
        var at = query["at"] is [{ Length: > 0 } time] ? SearchRequest.ReadTime(time) : null;
        if (at is null && query["at"].Count > 0)
        {
            errors.Add(new FieldError("at", "invalid", "\"at\" is a day, such as 2026-11-29, or a time, such as 2026-11-29T15:00:00Z."));
        }

        if (new object?[] { before, after, around, at }.Count(given => given is not null) > 1)
        {
            errors.Add(new FieldError(after is null ? "before" : "after", "invalid", "Give one of before, after, around and at."));
        }

        (page, problem) = errors.Count == 0 ? (new EventPage(before, after, limit, LinesOnly: view.Count == 1, around, at), null) : ((EventPage?)null, Problems.Fields(errors));
        return page is not null;
    }

    /// <param name="writeMore">Writes what the answer has beside the events.</param>
    /// <param name="reactions">To the messages of a room; null: nobody reacts there.</param>
    public IResult Read(EventStream stream, Action<Utf8JsonWriter>? writeMore = null, ReactionsOfPage? reactions = null)
    {
        Stretch stretch = new(stream, LinesOnly, Limit, reactions);
        var around = Around ?? (At is { } at ? LogTime.FirstFrom(stream, at) : null);
        if (around is { } middle)
        {
            // Half of it before, and what the beginning of the log leaves of that behind.
            stretch.Limit = (Limit + 1) / 2;
            ReadBack(stretch, middle + 1);
            stretch.Limit = Limit;
            ReadOn(stretch, middle);
        }
        else if (After is { } from)
        {
            ReadOn(stretch, from);
        }
        else
        {
            ReadBack(stretch, Before ?? long.MaxValue);
        }

        return new Written(stretch, writeMore, At is null ? null : around);
    }

    private void ReadOn(Stretch stretch, long after)
    {
        while (stretch.Count < stretch.Limit)
        {
            var page = stretch.Stream.ReadAfter(stretch.LookedAt == 0 ? after : stretch.Last, MostAtOnce(stretch));
            if (!stretch.Begin(page) || !page.Entries.All(stretch.TryAdd))
            {
                return;
            }
        }
    }

    private void ReadBack(Stretch stretch, long before)
    {
        while (stretch.Count < stretch.Limit)
        {
            var page = stretch.Stream.ReadBefore(stretch.LookedAt == 0 ? before : stretch.First, MostAtOnce(stretch));
            if (!stretch.Begin(page) || !page.Entries.Reverse().All(stretch.TryAdd))
            {
                return;
            }
        }
    }

    // Where some are left out nobody knows how many it takes: one at a time would be a read for each.
    private int MostAtOnce(Stretch stretch) => LinesOnly ? ReadAtOnce : Math.Min(ReadAtOnce, stretch.Limit - stretch.Count);

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
    private sealed class Stretch(EventStream stream, bool linesOnly, int limit, ReactionsOfPage? reactions)
    {
        /// <summary>As they are stored. More than this is read from the log again when the reader takes it.</summary>
        private const int MostKeptBytes = 64 * 1024;

        private readonly ArrayBufferWriter<byte> _json = new(512);
        private List<(LogEntry Entry, ReadOnlyMemory<byte> More)>? _kept = [];
        private int _bytes;
        private int _keptBytes;

        public EventStream Stream => stream;

        /// <summary>So many events at most.</summary>
        public int Limit { get; set; } = limit;

        public LogHead Head { get; private set; }

        public int Count { get; private set; }

        /// <summary>Events between the first and the last, those that are left out among them.</summary>
        public int LookedAt { get; private set; }

        public bool LinesOnly => linesOnly;

        public long First { get; private set; } = long.MaxValue;

        public long Last { get; private set; }

        /// <summary>In order. Null: they are too long to be kept for a reader that may be slow.</summary>
        public IEnumerable<(LogEntry Entry, ReadOnlyMemory<byte> More)>? Kept => _kept?.OrderBy(kept => kept.Entry.Seq);

        /// <summary>What was only done to a message.</summary>
        public bool IsLeftOut(in LogEntry entry) =>
            linesOnly && !stream.IsLine(entry);

        /// <summary>What goes with an event and is no part of it.</summary>
        public ReadOnlyMemory<byte> MoreOf(in LogEntry entry)
        {
            var more = stream.MoreOf(entry);
            var reacted = reactions is not null && EventBody.TypeOf(entry.Body.Span) == EventType.Message ? reactions.Of(entry.Seq) : default;
            return more.IsEmpty ? reacted : reacted.IsEmpty ? more : (byte[])[.. more.Span, .. reacted.Span];
        }

        /// <summary>False: there is nothing more. Another life of the log is another answer's.</summary>
        public bool Begin(LogPage page)
        {
            if (LookedAt == 0)
            {
                Head = page.Head;
            }

            if (page.Entries.Count == 0 || page.Head.Epoch != Head.Epoch || LookedAt >= MostLookedAt)
            {
                return false;
            }

            Prepare(page);
            return true;
        }

        /// <summary>The page is read once more: of other events than those last.</summary>
        public void Prepare(LogPage page) => reactions?.Prepare(Head, page.Entries[0].Seq, page.Entries[^1].Seq);

        public bool TryAdd(LogEntry entry)
        {
            var isLeftOut = IsLeftOut(entry);
            if (Count == Limit || (!isLeftOut && !TryTake(entry)))
            {
                return false;
            }

            (LookedAt, First, Last) = (LookedAt + 1, Math.Min(First, entry.Seq), Math.Max(Last, entry.Seq));
            Count += isLeftOut ? 0 : 1;
            return true;
        }

        private bool TryTake(in LogEntry entry)
        {
            if (Count > 0 && /* guard: reactions of a history page */ reactions is { IsFull: true })
            {
                return false;
            }

            var more = MoreOf(entry);
            _json.ResetWrittenCount();
            stream.WriteJson(_json, entry, Head.Epoch, more.Span);
            _bytes += _json.WrittenCount + 1;
            if (Count > 0 && /* guard: bytes of a history page */ _bytes > MostBytes)
            {
                return false;
            }

            _keptBytes += entry.Body.Length + more.Length;
            if (_keptBytes > MostKeptBytes)
            {
                _kept = null;
            }

            _kept?.Add((entry, more));
            return true;
        }
    }

    /// <summary>The answer: read and encoded as the reader takes it, so that little waits for one that is slow.</summary>
    private sealed class Written(Stretch stretch, Action<Utf8JsonWriter>? writeMore, long? at) : IResult
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
            if (stretch is { LinesOnly: true, LookedAt: > 0 })
            {
                writer.WriteNumber("from"u8, stretch.First);
                writer.WriteNumber("to"u8, stretch.Last);
            }

            if (at is { } seq)
            {
                writer.WriteNumber("at"u8, seq);
            }

            writeMore?.Invoke(writer);
            writer.WriteStartArray("events"u8);
            var one = new ArrayBufferWriter<byte>(512);
            foreach (var (entry, more) in stretch.Kept ?? ReadAgain())
            {
                one.ResetWrittenCount();
                stretch.Stream.WriteJson(one, entry, stretch.Head.Epoch, more.Span);
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
        private IEnumerable<(LogEntry Entry, ReadOnlyMemory<byte> More)> ReadAgain()
        {
            for (var last = stretch.First - 1; last < stretch.Last;)
            {
                var page = stretch.Stream.ReadAfter(last, (int)Math.Min(ReadAgainAtOnce, stretch.Last - last));
                if (page.Entries.Count == 0 || page.Head.Epoch != stretch.Head.Epoch)
                {
                    yield break;
                }

                stretch.Prepare(page);
                foreach (var entry in page.Entries.Where(entry => entry.Seq <= stretch.Last && !stretch.IsLeftOut(entry)))
                {
                    yield return (entry, stretch.MoreOf(entry));
                }

                last = page.Entries[^1].Seq;
            }
        }
    }
}
