using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Api;

/// <summary>A page of a room's retained values, in the order of their topics.</summary>
internal sealed class DataListing
{
    private const int ValuesPerPage = 50;
    private const int LongestPage = 500;

    /// <summary>Of JSON. A page has one value at least.</summary>
    private const int LongestJson = 1024 * 1024;

    private readonly DataFilter _filter;
    private readonly string _prefix;
    private readonly string? _cursor;
    private readonly int _limit;
    private readonly bool _hasHistory;
    private readonly Scope _scope;

    private DataListing(DataFilter filter, string prefix, string? cursor, int limit, bool hasHistory, Scope scope) =>
        (_filter, _prefix, _cursor, _limit, _hasHistory, _scope) = (filter, prefix, cursor, limit, hasHistory, scope);

    public static bool TryParse(
        string? prefix,
        string? cursor,
        string? limit,
        string? history,
        Scope scope,
        [NotNullWhen(true)] out DataListing? listing,
        out ProblemHttpResult problem)
    {
        listing = null;
        problem = Problems.Field("limit", "invalid", "A page has 1 to 500 values.");
        if (PageLength.Read(limit, ValuesPerPage, LongestPage) is not { } most)
        {
            return false;
        }

        problem = Problems.Field("cursor", "invalid", "Give the \"next\" of the page before.");
        if (cursor is not null && !DataTopic.IsValid(cursor))
        {
            return false;
        }

        problem = Problems.Field("prefix", "invalid", "\"prefix\" is the beginning of topics, without + and #.");
        if (!string.IsNullOrEmpty(prefix) && !DataTopic.IsValid(prefix))
        {
            return false;
        }

        problem = Problems.Field("history", "invalid", "\"history\" is true or false.");
        if (history is not (null or "true" or "false"))
        {
            return false;
        }

        // Whole levels lead to a part of the tree; what follows them is looked for in it.
        var filter = DataFilter.All;
        var slash = prefix?.LastIndexOf('/') ?? -1;
        if (slash >= 0 && DataFilter.TryParse(prefix![..slash] + "/#", isMounted: false, out var below))
        {
            filter = below;
        }

        listing = new DataListing(filter, prefix ?? "", cursor, most, history == "true", scope);
        return true;
    }

    public IResult Read(RetainedValues values, DateTimeOffset now)
    {
        var (found, hasMore) = Choose(values);
        ArrayBufferWriter<byte> json = new(1024);
        using (var writer = EventBody.NewWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("values"u8);
            var shown = 0;
            var until = Sparkline.BucketOf(now);
            for (; shown < found.Count; shown++)
            {
                var lines = _hasHistory ? values.FindLines(found[shown].Topic) : null;
                var size = SizeOf(found[shown]) + DataHistory.SizeOf(lines);
                if (shown > 0 && writer.BytesCommitted + writer.BytesPending + size > LongestJson)
                {
                    break;
                }

                Write(writer, found[shown], lines, until);
            }

            writer.WriteEndArray();
            if (_hasHistory)
            {
                DataHistory.WriteTimes(writer, until);
            }

            if (hasMore || shown < found.Count)
            {
                writer.WriteString("next"u8, found[shown - 1].Topic);
            }

            writer.WriteEndObject();
        }

        return TypedResults.Bytes(json.WrittenMemory, "application/json; charset=utf-8");
    }

    // No more of them than a page are held, however many there are.
    private (List<DataMessage> Found, bool HasMore) Choose(RetainedValues values)
    {
        PriorityQueue<DataMessage, string> last = new(Comparer<string>.Create((one, other) => string.CompareOrdinal(other, one)));
        foreach (var value in values.Match(_filter))
        {
            if (!value.Topic.StartsWith(_prefix, StringComparison.Ordinal)
                || (_cursor is not null && string.CompareOrdinal(value.Topic, _cursor) <= 0)
                || (/* guard: topics that a token lists over HTTP */ !GrantedTopics.MayRead(_scope, value.Topic)))
            {
                continue;
            }

            // One more than is shown tells whether there are more.
            if (last.Count <= _limit)
            {
                last.Enqueue(value, value.Topic);
            }
            else
            {
                last.EnqueueDequeue(value, value.Topic);
            }
        }

        var hasMore = last.Count > _limit;
        if (hasMore)
        {
            last.Dequeue();
        }

        return ([.. last.UnorderedItems.Select(item => item.Element).OrderBy(value => value.Topic, StringComparer.Ordinal)], hasMore);
    }

    private static int SizeOf(DataMessage value) => value.Payload.Length + value.Topic.Length + 200;

    private static void Write(Utf8JsonWriter writer, DataMessage value, Sparkline? lines, long until)
    {
        writer.WriteStartObject();
        writer.WriteString("topic"u8, value.Topic);
        writer.WriteString("at"u8, Timestamps.Format(value.At));
        writer.WriteNumber("bytes"u8, value.Payload.Length);
        writer.WriteNumber("qos"u8, value.QualityOfService);
        if (DataProperties.ContentTypeOf(value.Properties.Span) is { Length: > 0 } contentType)
        {
            writer.WriteString("contentType"u8, contentType);
        }

        if (value.ExpiresAt is { } end)
        {
            writer.WriteString("expiresAt"u8, Timestamps.Format(end));
        }

        if (Utf8.IsValid(value.Payload.Span))
        {
            writer.WriteString("value"u8, value.Payload.Span);
        }
        else
        {
            writer.WriteString("encoding"u8, "base64"u8);
            writer.WriteBase64String("value"u8, value.Payload.Span);
        }

        if (lines is not null)
        {
            DataHistory.Write(writer, lines, until);
        }

        writer.WriteEndObject();
    }
}
