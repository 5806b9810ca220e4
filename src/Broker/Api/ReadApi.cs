using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Api;

/// <summary>`…/read`: how far the caller has read in a room, or of the whispers. The same as publishing to `users/{user}/read/…`.</summary>
internal static class ReadApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapApi("/api/rooms").MapPut("{room}/read", MarkRoomAsync)
            .Accepts<ReadRequest>("application/json")
            .WithTags("Rooms")
            .WithDescription("Read up to this seq, on all devices. It moves forward only: an older seq changes nothing.")
            .RequireMember();
        routes.MapApi("/api/whispers").MapPut("read", MarkWhispersAsync)
            .Accepts<ReadRequest>("application/json")
            .WithTags("Whispers")
            .WithDescription("Read up to this seq, on all devices. It moves forward only: an older seq changes nothing.")
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

    private static async Task<IResult> MarkAsync(EventStream stream, ReadPositions positions, HttpContext context)
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
        return (await positions.MarkAsync(account, stream, seq, request.Epoch)).Outcome switch
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
