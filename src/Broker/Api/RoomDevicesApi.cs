using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms/{room}/devices`, for moderators: the access tokens that are mounted there, and who is connected by them.</summary>
/// <remarks>By cookie alone, as all about access tokens: a token that is stolen ends or renews no other.</remarks>
internal static class RoomDevicesApi
{
    private const int DevicesPerPage = 50;
    private const int LongestPage = 200;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var devices = routes.MapApi("/api/rooms").WithTags("Devices of a room").RequireCookie().WithMetadata(new AtHomeOfData());
        devices.MapGet("{room}/devices", List).TakesAnswerSlot()
            .WithDescription("The devices of a room, by name, page by page: their tokens, connections and refusals.");
        devices.MapPost("{room}/devices/{token}/disconnect", DisconnectAsync).MayTakeRightsAway()
            .WithDescription("Closes all its connections. It may come back.");
        devices.MapDelete("{room}/devices/{token}", RevokeAsync).WithDescription("Revokes its token; answers when its last connection is closed.");
        devices.MapPost("{room}/devices/{token}/renew", RenewAsync)
            .WithDescription("Another secret for one's own token, shown this once. The one before opens nothing, and its connections are closed.");
        devices.MapPost("{room}/devices/{token}/trace", BeginTrace).WithDescription("Begins to note its packets, for a minute.");
        devices.MapGet("{room}/devices/{token}/trace", ReadTrace).TakesAnswerSlot().WithDescription("What was noted so far, from `after` on.");
    }

    private static IResult List(
        string room, string? cursor, string? limit, RoomDirectory rooms, AccessTokens tokens, PublishRefusals refusals, TimeProvider time, HttpContext context)
    {
        if (!TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        if (PageLength.Read(limit, DevicesPerPage, LongestPage) is not { } most)
        {
            return Problems.Field("limit", "invalid", "A page has 1 to 200 devices.");
        }

        DevicePlace? after = null;
        if (cursor is not null && !DevicePlace.TryParse(cursor, out after))
        {
            return Problems.Field("cursor", "invalid", "Give the \"next\" of the page before.");
        }

        // One more than is shown tells whether there are more.
        var page = tokens.MountedOn(found.Id.Value)
            .Select(token => (Token: token, Place: new DevicePlace(token.Device, token.Id)))
            .Where(one => after is null || one.Place.CompareTo(after) > 0)
            .OrderBy(one => one.Place)
            .Take(most + 1)
            .ToList();
        DeviceJson json = new(found, context.SignedIn().Account, refusals, time);
        return new JsonAnswer(writer =>
        {
            writer.WriteStartArray("devices"u8);
            foreach (var (token, _) in page.Take(most))
            {
                json.Write(writer, token);
            }

            writer.WriteEndArray();
            writer.WriteString("next"u8, page.Count > most ? page[most - 1].Place.ToString() : null);
        });
    }

    private static async Task<IResult> DisconnectAsync(string room, string token, RoomDirectory rooms, AccessTokens tokens, HttpContext context)
    {
        if (!TryFindBelow(room, token, rooms, tokens, context, out _, out var device, out var problem))
        {
            return problem;
        }

        await Task.WhenAll(device.Clients.OfType<Client>().Select(
            client => client.EndAsync(ReasonCode.AdministrativeAction, "A moderator of the room has closed this connection.")));
        return TypedResults.NoContent();
    }

    private static async Task<IResult> RevokeAsync(string room, string token, RoomDirectory rooms, AccessTokens tokens, HttpContext context)
    {
        if (!TryFindBelow(room, token, rooms, tokens, context, out _, out var device, out var problem, isEnding: true))
        {
            return problem;
        }

        await tokens.RevokeAsync(device.Account, device.Id);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> RenewAsync(string room, string token, RoomDirectory rooms, AccessTokens tokens, HttpContext context)
    {
        if (!TryFindBelow(room, token, rooms, tokens, context, out _, out var device, out var problem))
        {
            return problem;
        }

        // Whoever has it speaks on the account of who made it, and would be left with it when he is put out of the room.
        var by = context.SignedIn();
        if (/* guard: a token is renewed for who made it */ device.Account != by.Account)
        {
            return RoomProblems.Forbidden("not_allowed", "Only who made this token gets another secret for it. You can revoke it.");
        }

        var renewed = await tokens.RenewAsync(device, by, id => rooms.Find(id) is { } mount && RoomPolicy.MayHear(mount, by.Account));
        return renewed.TryGet(out var created, out _)
            ? TypedResults.Json(new CreatedTokenView(created.Token.Id, created.Secret), AuthJson.Default.CreatedTokenView)
            : NoSuchDevice();
    }

    private static IResult BeginTrace(string room, string token, RoomDirectory rooms, AccessTokens tokens, DeviceTraces traces, HttpContext context)
    {
        if (!TryFindTraced(room, token, rooms, tokens, context, out var found, out var device, out var problem))
        {
            return problem;
        }

        switch (traces.Begin(found.Key, device.Id, context.SignedIn().Account.Id, out var trace))
        {
            case TraceBeginning.RoomIsBusy:
                return RoomProblems.Conflict("trace_running", "Another device of this room is being traced. That ends within a minute.");
            case TraceBeginning.AccountIsBusy:
                return RoomProblems.Conflict("traces_running", "You have as many devices traced as you may at once. A trace ends within a minute.");
            case TraceBeginning.ServerIsBusy:
                return Problems.Crowded(context, DeviceTrace.Length);
        }

        foreach (var client in device.Clients.OfType<Client>())
        {
            client.Writer.Watch?.Trace(trace!);
        }

        return DeviceJson.Of(trace!, after: 0);
    }

    private static IResult ReadTrace(
        string room, string token, string? after, RoomDirectory rooms, AccessTokens tokens, DeviceTraces traces, HttpContext context)
    {
        if (!TryFindTraced(room, token, rooms, tokens, context, out _, out var device, out var problem))
        {
            return problem;
        }

        var from = 0;
        if (after is not null && (!int.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out from)))
        {
            return Problems.Field("after", "invalid", "\"after\" is how many packets you have.");
        }

        return traces.Find(device.Id) is { } trace
            ? DeviceJson.Of(trace, from)
            : RoomProblems.NotFound("no_such_trace", "Nothing was noted of this device, or not any more. Begin a trace.");
    }

    // As of all that is in a room: who may not know of it hears that there is none.
    private static bool TryFind(string id, RoomDirectory rooms, HttpContext context, out Room room, out ProblemHttpResult problem)
    {
        var who = context.SignedIn().Account;
        room = rooms.FindVisible(id, who.Id)!;
        problem = room is null ? RoomProblems.NoSuchRoom() : RoomProblems.Forbidden("not_allowed", "Only the moderators of the room can do this.");
        return room is not null && RoomPolicy.MaySeeDevices(room, who);
    }

    private static bool TryFindBelow(
        string id, string token, RoomDirectory rooms, AccessTokens tokens, HttpContext context, out Room room, out LoginSession device, out ProblemHttpResult problem,
        bool isEnding = false)
    {
        device = null!;
        if (!TryFind(id, rooms, context, out room, out problem))
        {
            return false;
        }

        device = tokens.FindMounted(room.Id.Value, token, isEnding)!;
        if (device is null)
        {
            problem = NoSuchDevice();
            return false;
        }

        problem = RoomProblems.Forbidden("not_allowed", "It belongs to somebody who ranks as high as you.");
        return RoomPolicy.MayThrowOut(room, context.SignedIn().Account, device.Account);
    }

    private static bool TryFindTraced(
        string id, string token, RoomDirectory rooms, AccessTokens tokens, HttpContext context, out Room room, out LoginSession device, out ProblemHttpResult problem)
    {
        if (!TryFindBelow(id, token, rooms, tokens, context, out room, out device, out problem))
        {
            return false;
        }

        problem = RoomProblems.Forbidden("not_allowed", "In this room you may not read what devices say.");
        return /* guard: who traces a device may read what it says */ RoomPolicy.MayReadData(room, context.SignedIn().Account);
    }

    private static ProblemHttpResult NoSuchDevice() => RoomProblems.NotFound("no_such_device", "There is no such device in this room, or not any more.");

    /// <summary>Where a device stands in the list: by its name, and those of one name by their tokens.</summary>
    private sealed record DevicePlace(string Name, string Id) : IComparable<DevicePlace>
    {
        public int CompareTo(DevicePlace? other) =>
            string.Compare(Name, other!.Name, StringComparison.OrdinalIgnoreCase) is var byName and not 0 ? byName : string.CompareOrdinal(Id, other.Id);

        public static bool TryParse(string cursor, out DevicePlace? place)
        {
            place = null;
            Span<byte> bytes = stackalloc byte[512];
            if (cursor.Length <= 2 * bytes.Length && Convert.FromHexString(cursor, bytes, out _, out var length) == OperationStatus.Done)
            {
                var parts = Encoding.UTF8.GetString(bytes[..length]).Split('\0');
                place = parts.Length == 2 ? new DevicePlace(parts[1], parts[0]) : null;
            }

            return place is not null;
        }

        public override string ToString() => Convert.ToHexStringLower(Encoding.UTF8.GetBytes($"{Id}\0{Name}"));
    }
}
