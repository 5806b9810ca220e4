using System.Globalization;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Archives;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>`GET /api/rooms/{room}/export`: all of a room in a file, for its owner.</summary>
internal static partial class RoomExportApi
{
    /// <summary>An hour of it is 28 GB, at the rate at which it is written.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    public static void Map(RouteGroupBuilder rooms) => rooms.MapGet("{room}/export", ExportAsync)
        .Produces(StatusCodes.Status200OK, contentType: "application/zip")
        .WithDescription("All of the room in a ZIP: what was said, who is in it, reactions, pins and retained values. For its owner, and his access tokens with the verb moderate.");

    private static async Task<IResult> ExportAsync(
        string room, RoomDirectory rooms, RoomExport export, ExportPlaces places, AuditPlaces audits, BrokerLimits limits,
        TimeProvider time, ILogger<RoomExport> logger, HttpContext context)
    {
        var who = context.SignedIn();
        if (RoomsApi.Visible(room, rooms, context) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        if (!(/* guard: a token's verbs, export */ who.Scope.Allows(room, Verbs.Moderate)) || !RoomPolicy.MayExport(found, who.Account))
        {
            return RoomProblems.Forbidden("not_allowed", "Only the owner of the room, and access tokens of his with the verb moderate, take it away in a file.");
        }

        var wait = places.WaitOf(who.Account.Id);
        if (/* guard: who did not take all of an export waits for the next */ wait > TimeSpan.Zero)
        {
            return RoomProblems.TooOften("too_many_attempts", "You did not take all of the last file. Try again later.", wait, context);
        }

        if (places.TryTake(who.Account.Id) is not { } place)
        {
            context.Response.Headers.RetryAfter = "60";
            return Problems.TooManyAnswers();
        }

        try
        {
            AuditRecord taken = new(AuditRecord.Exported, AuditPerson.Of(who.Account));
            await audits.WriteAsync(found.Key, taken, who.Account);
        }
        catch
        {
            place.Dispose();
            throw;
        }

        return new Written(found, export, places, place, who, limits.ExportBytesPerSecond, time, logger);
    }

    /// <summary>Writes the name that the file gets where it is saved.</summary>
    public static string NameOf(string room, DateTimeOffset at) => string.Create(CultureInfo.InvariantCulture, $"{room}-{at:yyyy-MM-dd}.zip");

    private sealed class Written(
        Room room, RoomExport export, ExportPlaces places, IDisposable place, LoginSession who, int bytesPerSecond, TimeProvider time, ILogger logger) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            using var taken = place;
            var began = time.GetTimestamp();
            RequestEnd.Put(httpContext, Longest);
            await using var cut = who.Ended.Register(
                static context => ((HttpContext)context!).Abort(), /* guard: an export ends with its login session */ httpContext);
            var response = httpContext.Response;
            response.ContentType = "application/zip";
            response.Headers.ContentDisposition = new ContentDispositionHeaderValue("attachment") { FileName = NameOf(room.Id.Value, time.GetUtcNow()) }.ToString();
            try
            {
                await export.WriteAsync(room.Record, response.Body, bytesPerSecond, told: null, httpContext.RequestAborted);
            }
            catch (Exception error) when (httpContext.RequestAborted.IsCancellationRequested && error is OperationCanceledException or IOException or ObjectDisposedException)
            {
                // The reader is gone, was too slow, or is signed out.
                places.HoldOff(who.Account.Id, time.GetElapsedTime(began), httpContext.Features.Get<IHttpResponseBodyFeature>() is SteadyBody { IsCutOff: true });
            }
            catch (Exception error) when (error is ArchiveException or IOException or ObjectDisposedException)
            {
                // So that it is not taken for a whole one.
                httpContext.Abort();
                LogFailed(logger, room.Id.Value, error.Message);
            }
        }
    }

    [LoggerMessage(4380, LogLevel.Warning, "The room {Room} could not all be written into a file: {Reason}")]
    private static partial void LogFailed(ILogger logger, string room, string reason);
}
