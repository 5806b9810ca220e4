using System.Buffers;
using System.Globalization;
using System.Text.Json;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Search;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `/api/conversations`: whom the caller talks to, and what the two said. Access tokens that are limited to rooms get none.
/// </summary>
internal static class ConversationsApi
{
    private const int UsualLimit = 50;
    private const int MaximumLimit = 100;

    /// <summary>
    /// So many are read for the newest message, one after the other until it is found: nearly always it is the last, and behind it are
    /// edits and reactions only. Behind more of them it is looked for by its time.
    /// </summary>
    private static readonly int[] _lookBack = [1, 7, 56];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var all = routes.MapApi("/api/conversations").WithTags("Conversations").RequireMember();
        all.MapGet("", List)
            .WithDescription("Whom you talk to, the newest first. limit: 1 to 100, 50 if left out; cursor: next of the page before.")
            .TakesAnswerSlot();
        all.MapGet("{user}/events", Page).WithDescription(EventPage.Description).TakesAnswerSlot();
        all.MapPost("{user}/events", ActAsync)
            .MayTakeRightsAway()
            .Accepts<RoomCommand>("application/json")
            .WithDescription("Says something, edits or deletes what you said, or reacts: the same as publishing the command to `users/{user}`.");
    }

    private static IResult List(
        Conversations conversations, ReadPositions positions, IgnoredPeople ignored, RoomDirectory rooms, IEventLog log, HttpContext context)
    {
        var who = context.SignedIn();
        if (!WhispersApi.MayRead(who))
        {
            return RoomProblems.NoWhispers();
        }

        if (PageLength.Read(context.Request.Query["limit"], UsualLimit, MaximumLimit) is not { } limit)
        {
            return Problems.Field("limit", "invalid", "\"limit\" is a whole number from 1 to 100.");
        }

        if (!Cursor.TryParse(context.Request.Query["cursor"], out var after))
        {
            return Problems.Field("cursor", "invalid", "\"cursor\" is the next of a page before.");
        }

        var inbox = rooms.InboxOf(who.Account);
        var page = conversations.Of(who.Account).Where(after.IsBehind).Take(limit + 1).ToList();
        return new JsonAnswer(writer =>
        {
            writer.WriteStartArray("conversations"u8);
            foreach (var record in page.Take(limit))
            {
                var conversation = inbox.With(record.Other);
                writer.WriteStartObject();
                WriteWith(writer, conversation, conversations, record);
                if (ignored.Ignores(who.Account.Id, record.Other))
                {
                    writer.WriteBoolean("ignored"u8, true);
                }
                else if (Look(conversation, record.At, positions, log) is var (state, last))
                {
                    WriteState(writer, conversation, state, last);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            if (page.Count > limit)
            {
                writer.WriteString("next"u8, Cursor.Of(page[limit - 1]));
            }
        });
    }

    private static void WriteWith(Utf8JsonWriter writer, Conversation conversation, Conversations conversations, ConversationRecord record)
    {
        writer.WriteString("user"u8, conversation.User);
        if (conversations.OtherOf(conversation) is { } other)
        {
            var author = Author.Of(other, other.IsGuest ? "guest" : "person");
            writer.WriteString("name"u8, author.Name);
            writer.WriteString("kind"u8, author.Kind);
        }
        else
        {
            writer.WriteBoolean("gone"u8, true);
        }

        writer.WriteString("at"u8, Timestamps.Format(record.At));
    }

    // Null: it cannot be read, and is shown without its numbers, and all others as ever. The log tells the operator.
    private static (ReadState State, LogEntry? Last)? Look(Conversation conversation, DateTimeOffset at, ReadPositions positions, IEventLog log)
    {
        try
        {
            return positions.Find(conversation.Owner, conversation) is { } state ? (state, LastOf(conversation, at, log)) : null;
        }
        catch (LogDamagedException)
        {
            return null;
        }
    }

    private static LogEntry? LastOf(Conversation conversation, DateTimeOffset at, IEventLog log)
    {
        var before = long.MaxValue;
        foreach (var some in _lookBack)
        {
            var entries = log.ReadBefore(conversation.Log, before, some).Entries;
            if (entries.Count < some || entries.Any(IsMessage))
            {
                return NewestOf(entries);
            }

            before = entries[0].Seq;
        }

        // The other could push it out of sight alone, by a reaction that is put and taken back.
        return LogTime.FirstFrom(conversation, at) is { } first ? NewestOf(log.ReadAfter(conversation.Log, first - 1, _lookBack[^1]).Entries) : null;
    }

    private static LogEntry? NewestOf(IReadOnlyList<LogEntry> entries) => entries.LastOrDefault(IsMessage) is { Seq: > 0 } newest ? newest : null;

    private static bool IsMessage(LogEntry entry) => EventBody.TypeOf(entry.Body.Span) is EventType.Message or EventType.Removed;

    private static void WriteState(Utf8JsonWriter writer, Conversation conversation, in ReadState state, LogEntry? last)
    {
        writer.WriteNumber("head"u8, state.Head);
        writer.WriteString("epoch"u8, state.Epoch);
        writer.WriteStartObject("read"u8);
        writer.WriteNumber("seq"u8, state.Seq);
        writer.WriteString("epoch"u8, state.Epoch);
        writer.WriteEndObject();
        writer.WriteNumber("unread"u8, state.Unread);
        writer.WriteNumber("bots"u8, state.Bots);
        if (last is { } entry)
        {
            ArrayBufferWriter<byte> json = new(512);
            conversation.WriteJson(json, entry, state.Epoch);
            writer.WritePropertyName("last"u8);
            writer.WriteRawValue(json.WrittenSpan, skipInputValidation: true);
        }
    }

    private static IResult Page(string user, Conversations conversations, ReadPositions positions, IEventLog log, IRecords records, HttpContext context)
    {
        var who = context.SignedIn();
        if (/* guard: a token's rooms, conversations */ !WhispersApi.MayRead(who))
        {
            return RoomProblems.NoWhispers();
        }

        if (!EventPage.TryParse(context.Request.Query, out var page, out var problem))
        {
            return problem;
        }

        // With nobody one has said as little as with somebody whom one never talked to.
        if (conversations.Find(who.Account, user) is not { LogHead.Head: > 0 } found || positions.Find(who.Account, found) is not { } state)
        {
            return new JsonAnswer(writer =>
            {
                writer.WriteString("epoch"u8, "");
                writer.WriteNumber("head"u8, 0);
                writer.WriteNumber("first"u8, 0);
                writer.WriteStartArray("events"u8);
                writer.WriteEndArray();
            });
        }

        ReactionsOfPage reactions = new(records, log, found.Log, who.Account.Id);
        return page.Read(
            found,
            writer =>
            {
                writer.WriteStartObject("read"u8);
                writer.WriteNumber("seq"u8, state.Seq);
                writer.WriteString("epoch"u8, state.Epoch);
                writer.WriteEndObject();
                writer.WriteNumber("unread"u8, state.Unread);
            },
            reactions);
    }

    private static async Task<IResult> ActAsync(
        string user, Conversations conversations, ConversationActs acts, Sayings sayings, PublishBudgets budgets, HttpContext context)
    {
        var who = context.SignedIn();
        if (who.Scope.Rooms is not null)
        {
            return RoomProblems.Forbidden("not_allowed", "This access token is limited to rooms.");
        }

        if (!(await JsonBody.ReadAsync(context.Request, RoomCommandJson.Default.RoomCommand)).TryGet(out var asked, out var problem))
        {
            return problem;
        }

        List<FieldError> errors = [];
        if (asked.ToCommand(asked.Id, errors, CommandTypes.OfConversations) is not { } command)
        {
            return Problems.Fields(errors);
        }

        // First: else whoever has used it up would learn who is banned, and who never was.
        if ((/* guard: publishes of an account, conversations over HTTP */ budgets.WhyNot(who.Account.Id)) is { } tooMany)
        {
            return RoomProblems.Of(tooMany, context);
        }

        if (conversations.Find(who.Account, user) is not { } found)
        {
            return RoomProblems.Of(PublishTarget.NobodyThere, context);
        }

        var done = command.Act is null ? await sayings.SayAsync(found, command, who)
            : await acts.ActAsync(found, new AskedAct(command, who));
        return done.Refusal is { } refusal ? RoomProblems.Of(refusal, context)
            : done.Seq == 0 ? TypedResults.NoContent()
            : TypedResults.Json(
                new TalkPlace(found.User, done.Seq, done.Epoch),
                TalkJson.Default.TalkPlace,
                statusCode: done.IsRepeated ? StatusCodes.Status200OK : StatusCodes.Status201Created);
    }

    /// <summary>Where a page of the list ends: behind this one the next begins.</summary>
    private readonly record struct Cursor(long At, string User)
    {
        public static string Of(ConversationRecord last) => string.Create(CultureInfo.InvariantCulture, $"{last.At.ToUnixTimeMilliseconds()}.{last.Other}");

        public static bool TryParse(string? text, out Cursor cursor)
        {
            cursor = new Cursor(long.MaxValue, "");
            if (string.IsNullOrEmpty(text))
            {
                return true;
            }

            var dot = text.IndexOf('.', StringComparison.Ordinal);
            if (dot <= 0 || !long.TryParse(text.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var at))
            {
                return false;
            }

            cursor = new Cursor(at, text[(dot + 1)..]);
            return true;
        }

        public bool IsBehind(ConversationRecord one) => one.At.ToUnixTimeMilliseconds() is var at
            && (at < At || (at == At && string.CompareOrdinal(one.Other, User) > 0));
    }
}
