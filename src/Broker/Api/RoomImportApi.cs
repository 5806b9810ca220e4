using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Broker.Archives;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Api;

/// <summary>`POST /api/rooms/import`: a room made of a file, in which nobody is anybody here. For the cookie alone.</summary>
internal static class RoomImportApi
{
    /// <summary>Of what is made of a file, from when it is there.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    /// <summary>Of the upload: 64 MB, by a line of one Mbit a second.</summary>
    public static readonly TimeSpan LongestUpload = TimeSpan.FromMinutes(10);

    private const int PieceBytes = 64 * 1024;

    public static void Map(IEndpointRouteBuilder routes) => routes.MapApi("/api/rooms").WithTags("Rooms").RequireCookie()
        .MapPost("import", ImportAsync)
        .Accepts<byte[]>("application/zip")
        .Produces<ImportedRoomView>(StatusCodes.Status201Created)
        .WithDescription("Makes a room of a file that an export has written: the body. id: of the room; left out: as in the file, or the next that is free.");

    private static async Task<IResult> ImportAsync(
        string? id, RoomImport import, ImportPlaces places, UnfinishedImports unfinished, RoomDirectory rooms, BrokerLimits limits,
        DiskSpace space, HttpContext context)
    {
        var who = context.SignedIn();
        if (who.Account.IsGuest)
        {
            return RoomProblems.Forbidden("not_allowed", "Guests cannot make rooms. Register an account and sign in.");
        }

        if (id is not null && !RoomId.TryParse(id, out _))
        {
            return Problems.Field("id", "invalid", "A room id has 1 to 64 of a-z, 0-9 and -, and does not begin with -.");
        }

        if (limits.RoomsPerAccount is > 0 and var most && rooms.OwnedBy(who.Account.Id).Count >= most)
        {
            return RoomProblems.Conflict("too_many", "This account has as many rooms as it may. Delete one first.");
        }

        using var own = places.TryTake(who.Account.Id);
        if (own is null)
        {
            return Problems.Crowded(context, TimeSpan.FromMinutes(1));
        }

        if (/* guard: files that an account sends a day */ !places.Tries.TryTake(who.Account.Id))
        {
            return RoomProblems.TooOften(
                "too_many_attempts", "You have sent as many files today as you may. Try again later.", places.Tries.WaitOf(who.Account.Id), context);
        }

        RequestEnd.Put(context, /* guard: an upload of a room's file ends */ LongestUpload);
        await using var cut = who.Ended.Register(
            static context => ((HttpContext)context!).Abort(), /* guard: an import ends with its login session */ context);
        Directory.CreateDirectory(unfinished.Folder);
        await using FileStream file = new(
            Path.Combine(unfinished.Folder, Guid.NewGuid().ToString("N")), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, PieceBytes,
            FileOptions.Asynchronous | FileOptions.DeleteOnClose);
        if (await ReceiveAsync(context, file, limits.ImportMegabytes, space) is { } problem)
        {
            return problem;
        }

        RequestEnd.Put(context, Longest);
        try
        {
            using var place = await places.FindAsync(context.RequestAborted);
            if (place is null)
            {
                return Problems.Crowded(context, TimeSpan.FromMinutes(1));
            }

            var made = await import.RunAsync(file, new ImportRequest(who.Account, who, id), told: null, context.RequestAborted);
            return TypedResults.Json(
                new ImportedRoomView(made.Room.Id.Value, made.Events, made.LeftOut, made.Pins, made.Values), RoomsJson.Default.ImportedRoomView,
                statusCode: StatusCodes.Status201Created);
        }
        catch (ArchiveQuotaException error)
        {
            return RoomProblems.TooOften("quota", error.Message, error.Wait, context);
        }
        catch (ArchiveException error)
        {
            return Problems.Field("file", "invalid", error.Message);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Who asked has gone, and nothing is left of it.
            return Problems.BrokenBody(StatusCodes.Status400BadRequest);
        }
    }

    // Null: all of it is in the file.
    private static async Task<ProblemHttpResult?> ReceiveAsync(HttpContext context, FileStream file, int megabytes, DiskSpace space)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = megabytes == 0 ? null : /* guard: bytes of a room's file */ (long)megabytes << 20;
        }

        try
        {
            var piece = new byte[PieceBytes];
            while (await context.Request.Body.ReadAsync(piece, context.RequestAborted) is > 0 and var length)
            {
                if (space.IsLow)
                {
                    return Problems.NotStored(context);
                }

                await file.WriteAsync(piece.AsMemory(0, length), context.RequestAborted);
            }

            return null;
        }
        catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return Problems.TooLarge(megabytes << 20);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            return Problems.BrokenBody(error is BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status400BadRequest);
        }
    }
}

/// <param name="Id">Of the room; another than was asked for, where that was taken.</param>
/// <param name="Events">That are in it.</param>
/// <param name="LeftOut">That this server knows nothing of, or that were about others which are not in the file.</param>
internal sealed record ImportedRoomView(string Id, long Events, long LeftOut, int Pins, int Values);
