using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `…/read`: how far the caller has read in a room, in a conversation, or of all whispers.
/// The same as publishing to `users/{user}/…/read`.
/// </summary>
internal static class ReadApi
{
    private const string Description =
        "Read up to this seq, on all devices. An older seq changes nothing, unless back is true: then what comes after it is unread again.";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapApi("/api/rooms").MapPut("{room}/read", MarkRoomAsync)
            .Accepts<ReadRequest>("application/json")
            .WithTags("Rooms")
            .WithDescription(Description)
            .RequireMember();
        routes.MapApi("/api/conversations").MapPut("{user}/read", MarkConversationAsync)
            .Accepts<ReadRequest>("application/json")
            .WithTags("Conversations")
            .WithDescription(Description)
            .RequireMember();
        routes.MapApi("/api/read").MapPost("", MarkAllAsync)
            .WithTags("Rooms")
            .WithDescription("All rooms and conversations are read up to their newest event, on all devices.")
            .RequireMember();
        routes.MapApi("/api/whispers").MapPut("read", MarkWhispersAsync)
            .Accepts<ReadRequest>("application/json")
            .WithTags("Whispers")
            .WithDescription("Read up to this seq, on all devices, and in each conversation what was said until then. It moves forward only: an older seq changes nothing.")
            .RequireMember();
    }

    private static async Task<IResult> MarkRoomAsync(string room, RoomDirectory rooms, ReadPositions positions, HttpContext context)
    {
        var who = context.SignedIn();
        return who.Scope.Allows(room, Verbs.Read) && rooms.Find(room) is { } found && RoomPolicy.MayHear(found, who.Account)
            ? await MarkAsync(found, positions, context)
            : RoomProblems.NoSuchRoom();
    }

    private static async Task<IResult> MarkWhispersAsync(RoomDirectory rooms, ReadPositions positions, HttpContext context) => WhispersApi.MayRead(context.SignedIn())
        ? await MarkAsync(rooms.InboxOf(context.SignedIn().Account), positions, context)
        : RoomProblems.NoWhispers();

    private static async Task<IResult> MarkConversationAsync(string user, Conversations conversations, ReadPositions positions, HttpContext context) =>
        (/* guard: a token's rooms, positions of conversations */ !WhispersApi.MayRead(context.SignedIn())) ? RoomProblems.NoWhispers()
        : conversations.Find(context.SignedIn().Account, user) is { } found
            && (/* guard: of who is banned as little is said as of nobody, positions */ conversations.IsSomebody(found))
            ? await MarkAsync(found, positions, context)
        : RoomProblems.NotFound("no_such_user", "There is nobody of that user name.");

    private static async Task<IResult> MarkAllAsync(RoomDirectory rooms, Conversations conversations, ReadPositions positions, HttpContext context)
    {
        var who = context.SignedIn();
        if (!who.Scope.Verbs.HasFlag(Verbs.Read))
        {
            return RoomProblems.Forbidden("not_allowed", "This access token may not read.");
        }

        List<EventStream> all = [.. rooms.RoomsOf(who.Account.Id).Where(room => who.Scope.Allows(room.Id.Value, Verbs.Read) && RoomPolicy.MayHear(room, who.Account))];
        if (WhispersApi.MayRead(who))
        {
            var inbox = rooms.InboxOf(who.Account);
            all.AddRange(conversations.Of(who.Account).Select(record => inbox.With(record.Other)));

            // Last: it moves the conversations, which are at their ends by then.
            all.Add(inbox);
        }

        foreach (var stream in all)
        {
            if (HeadOf(stream) is { } head
                && (await positions.MarkAsync(who.Account, stream, head, epoch: null)).Outcome is MarkOutcome.NotStored)
            {
                return RoomProblems.NotStored();
            }
        }

        return TypedResults.NoContent();
    }

    // Null: nobody knows. What cannot be read is left as it is, and all others are read.
    private static long? HeadOf(EventStream stream)
    {
        try
        {
            return stream.LogHead.Head;
        }
        catch (LogDamagedException)
        {
            return null;
        }
    }

    public static async Task<IResult> MarkAsync(EventStream stream, ReadPositions positions, HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, ReadJson.Default.ReadRequest)).TryGet(out var request, out var problem))
        {
            return problem;
        }

        if (request.Seq is not { } seq)
        {
            return Problems.Field("seq", "required", "Say up to which seq you have read.");
        }

        if (seq < 0)
        {
            return Problems.Field("seq", "invalid", "A seq is a whole number from 0.");
        }

        var account = context.SignedIn().Account;
        return (await positions.MarkAsync(account, stream, seq, request.Epoch, request.Back)).Outcome switch
        {
            MarkOutcome.Taken when positions.Find(account, stream) is { } state => TypedResults.Json(new ReadView(state.Seq, state.Epoch, state.Unread), ReadViewJson.Default.ReadView),
            MarkOutcome.OtherEpoch => RoomProblems.Conflict("epoch", "The epoch is another by now: read the events anew."),
            MarkOutcome.NotStored => RoomProblems.NotStored(),
            _ => RoomProblems.NoSuchRoom(),
        };
    }
}

/// <summary>Where the caller is now.</summary>
internal sealed record ReadView(long Seq, string Epoch, int Unread);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ReadView))]
internal sealed partial class ReadViewJson : JsonSerializerContext;
