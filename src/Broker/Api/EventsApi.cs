using System.Buffers;
using System.Globalization;
using Microsoft.Extensions.Primitives;
using WebMessenger.Auth;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Log;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms/{room}/events`: a page of a room's history, as the events went out.</summary>
internal static class EventsApi
{
    private const int DefaultLimit = 50;
    private const int MaximumLimit = 500;

    public static void Map(IEndpointRouteBuilder routes) => routes.MapApi("/api/rooms").MapGet("{room}/events", Page)
        .WithTags("Rooms")
        .WithDescription("Oldest first. before=SEQ or after=SEQ; neither: the newest. limit: 1 to 500, 50 if left out.")
        .RequireMember();

    private static IResult Page(string room, RoomDirectory rooms, IRoomLog log, HttpContext context)
    {
        var who = context.SignedIn();
        if (!who.Scope.Allows(room, Verbs.Read) || rooms.FindVisible(room, who.Account.Id) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        List<FieldError> errors = [];
        var query = context.Request.Query;
        var before = Number(query, "before", 1, long.MaxValue, errors);
        var after = Number(query, "after", 0, long.MaxValue - 1, errors);
        var limit = (int)(Number(query, "limit", 1, MaximumLimit, errors) ?? DefaultLimit);
        if (before is not null && after is not null)
        {
            errors.Add(new FieldError("after", "invalid", "Give before or after, not both."));
        }

        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        var page = after is { } from ? log.ReadAfter(found.Log, from, limit) : log.ReadBefore(found.Log, before ?? long.MaxValue, limit);
        return TypedResults.Bytes(Write(found, page), "application/json; charset=utf-8");
    }

    private static ReadOnlyMemory<byte> Write(Room room, in LogPage page)
    {
        var json = new ArrayBufferWriter<byte>(4096);
        using var writer = EventBody.NewWriter(json);
        writer.WriteStartObject();
        writer.WriteString("epoch"u8, page.Head.Epoch);
        writer.WriteNumber("head"u8, page.Head.Head);
        writer.WriteNumber("first"u8, page.Head.First);
        writer.WriteStartArray("events"u8);
        var one = new ArrayBufferWriter<byte>(512);
        foreach (var entry in page.Entries)
        {
            one.ResetWrittenCount();
            EventBody.WriteJson(one, entry.Body.Span, "room"u8, room.IdBytes, entry.Seq, page.Head.Epoch, entry.At);
            writer.WriteRawValue(one.WrittenSpan, skipInputValidation: true);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        return json.WrittenMemory;
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
