using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `/api/notices`: who named or answered the caller, with the beginning of the message as it is now. What was deleted, or is not open to
/// the caller any more, is left out. And what of each room the caller wants to be called for.
/// </summary>
internal static partial class NoticesApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var notices = routes.MapApi("/api/notices").WithTags("Notices").RequireMember();
        notices.MapGet("", Page).WithDescription(EventPage.Description).TakesAnswerSlot();
        notices.MapPut("read", MarkAsync)
            .Accepts<ReadRequest>("application/json")
            .WithDescription("Read up to this seq, on all devices. It moves forward only: an older seq changes nothing.");
    }

    /// <summary>Access tokens say nothing of it: it is a matter of the person's own pages.</summary>
    public static void MapLevels(IEndpointRouteBuilder routes) => routes.MapApi("/api/rooms").MapPut("{room}/notify", SetLevelAsync)
        .WithTags("Rooms")
        .Accepts<NotifyRequest>("application/json")
        .WithDescription("level: all, mentions or nothing.")
        .RequireCookie();

    private static IResult Page(RoomDirectory rooms, ReadPositions positions, ILogger<NoticeStream> logger, HttpContext context)
    {
        var who = context.SignedIn();
        if (!(/* guard: a token's rooms, list of notices */ WhispersApi.MayRead(who)))
        {
            return NotForToken();
        }

        if (!EventPage.TryParse(context.Request.Query, out var page, out var problem))
        {
            return problem;
        }

        var notices = rooms.InboxOf(who.Account).Notices;
        try
        {
            if (positions.Find(who.Account, notices) is not { } state)
            {
                return Problems.NotSignedIn();
            }

            var unread = UnreadIn(notices, rooms, positions, state.Seq);
            return (page with { LinesOnly = true }).Read(notices, writer => WriteState(writer, state.Seq, state.Epoch, unread));
        }
        catch (LogDamagedException error)
        {
            // Notices are a help. Where they cannot be read, all else is shown as ever.
            if (notices.IsFirstDamage())
            {
                LogUnreadable(logger, notices.Log, error.Message);
            }

            return new JsonAnswer(WriteNone);
        }
    }

    private static void WriteState(Utf8JsonWriter writer, long seq, string epoch, int unread)
    {
        writer.WriteStartObject("read"u8);
        writer.WriteNumber("seq"u8, seq);
        writer.WriteString("epoch"u8, epoch);
        writer.WriteEndObject();
        writer.WriteNumber("unread"u8, unread);
    }

    private static void WriteNone(Utf8JsonWriter writer)
    {
        writer.WriteString("epoch"u8, "");
        writer.WriteNumber("head"u8, 0);
        writer.WriteNumber("first"u8, 0);
        WriteState(writer, 0, "", 0);
        writer.WriteStartArray("events"u8);
        writer.WriteEndArray();
    }

    // Whoever has read a room up to there has read what names him there. What was done to him he reads here alone.
    // Notices of a room that has ended are shown to nobody, and so are not unread.
    private static int UnreadIn(NoticeStream notices, RoomDirectory rooms, ReadPositions positions, long read) =>
        notices.Index.ActsAfter(read).Count(roomKey => rooms.FindByKey(roomKey) is not null)
        + notices.Index.After(read)
        .GroupBy(message => message.RoomKey)
        .Sum(ofRoom => rooms.FindByKey(ofRoom.Key) is { } room && ReadIn(notices.Owner, room, positions) is { } readTo
            ? ofRoom.Count(message => message.Of > readTo) : 0);

    // Null: it hears the room no more, or that cannot be read. The log tells the operator.
    private static long? ReadIn(Account account, Room room, ReadPositions positions)
    {
        try
        {
            return positions.Find(account, room)?.Seq;
        }
        catch (LogDamagedException)
        {
            return null;
        }
    }

    private static async Task<IResult> MarkAsync(RoomDirectory rooms, ReadPositions positions, HttpContext context) =>
        WhispersApi.MayRead(context.SignedIn())
            ? await ReadApi.MarkAsync(rooms.InboxOf(context.SignedIn().Account).Notices, positions, context)
            : NotForToken();

    private static async Task<IResult> SetLevelAsync(string room, RoomDirectory rooms, RoomMembers members, HttpContext context)
    {
        var who = context.SignedIn();
        if (rooms.Find(room) is not { } found || !RoomPolicy.MayHear(found, who.Account))
        {
            return RoomProblems.NoSuchRoom();
        }

        if (!(await JsonBody.ReadAsync(context.Request, NoticesJson.Default.NotifyRequest)).TryGet(out var asked, out var problem))
        {
            return problem;
        }

        if (NotifyLevels.Parse(asked.Level) is not { } level)
        {
            return Problems.Field("level", asked.Level is null ? "required" : "invalid", "\"level\" is one of: all, mentions, nothing.");
        }

        return await members.SetLevelAsync(found, who.Account, level) ? TypedResults.NoContent() : RoomProblems.NoSuchRoom();
    }

    private static ProblemHttpResult NotForToken() =>
        RoomProblems.Forbidden("not_allowed", "This access token hears of no mentions: it is limited to rooms, or may not read.");

    [LoggerMessage(3711, LogLevel.Error, "The notices in {Log} are shown to nobody, for the log cannot be read: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, LogName log, string reason);
}

/// <summary>What of a room the caller wants to be called for.</summary>
internal sealed record NotifyRequest(string? Level);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(NotifyRequest))]
internal sealed partial class NoticesJson : JsonSerializerContext;
