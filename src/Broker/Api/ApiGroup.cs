using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>What all calls of the HTTP API have in common, said once.</summary>
internal static partial class ApiGroup
{
    /// <summary>A group whose answers no cache keeps, and whose changes only our own pages and programs may ask for.</summary>
    public static RouteGroupBuilder MapApi(this IEndpointRouteBuilder routes, string prefix)
    {
        var group = routes.MapGroup(prefix);
        group.AddEndpointFilter(async (call, next) =>
        {
            var context = call.HttpContext;
            context.Response.Headers.CacheControl = "no-store";
            var changes = !HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method);
            if (/* guard: Origin of changes */ changes && !context.RequestServices.GetRequiredService<SameOriginRule>().IsAllowed(context.Request))
            {
                return Problems.ForeignOrigin();
            }

            // What takes a right away is a DELETE, or says so, and is stored as long as the disk takes anything at all.
            var space = context.RequestServices.GetRequiredService<DiskSpace>();
            if (changes && (/* guard: a disk that is nearly full, over HTTP */ space.IsLow) && !HttpMethods.IsDelete(context.Request.Method) && context.GetEndpoint()?.Metadata.GetMetadata<TakesAway>() is null)
            {
                return NotStored(context);
            }

            try
            {
                return await next(call);
            }
            catch (Exception error) when (error is StoreUnavailableException or RecordsNotWrittenException)
            {
                // The store has said why, once; whoever asks hears what to do.
                return changes ? NotStored(context) : Problems.NotAvailable(context);
            }
            catch (LogDamagedException error)
            {
                // One member could fill the program's log with what he cannot read.
                if (context.RequestServices.GetRequiredService<RefusalLog>().Try("requests for what cannot be read", context.Connection.RemoteIpAddress))
                {
                    LogUnreadable(context.RequestServices.GetRequiredService<ILogger<DiskSpace>>(), error.Message);
                }

                return Problems.Unreadable();
            }
        });
        return group;
    }

    /// <summary>
    /// For calls that are no DELETE and may take rights away all the same, as a new password does: the handler is asked while the disk is
    /// nearly full, too, and refuses what takes none away by <see cref="RefusedByDisk"/>, or leaves that to <see cref="RoomActs"/>.
    /// </summary>
    public static TBuilder MayTakeRightsAway<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.WithMetadata(new TakesAway());

    /// <summary>The answer to what takes no right away while the disk is nearly full. Null: there is room.</summary>
    public static ProblemHttpResult? RefusedByDisk(HttpContext context) =>
        context.RequestServices.GetRequiredService<DiskSpace>().IsLow ? NotStored(context) : null;

    private static ProblemHttpResult NotStored(HttpContext context)
    {
        var services = context.RequestServices;
        if (services.GetRequiredService<RefusalLog>().Try("requests that could not be stored", context.Connection.RemoteIpAddress))
        {
            LogNotStored(services.GetRequiredService<ILogger<DiskSpace>>());
        }

        return Problems.NotStored(context);
    }

    /// <summary>
    /// Only for whoever is signed in by cookie; access tokens open none of these. The handler reads <see cref="SignedIn"/>.
    /// </summary>
    public static TBuilder RequireCookie<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.AddEndpointFilter(async (call, next) =>
    {
        var context = call.HttpContext;
        var cookies = context.RequestServices.GetRequiredService<CookieSignIn>();
        if (cookies.Find(context.Request) is not { } session)
        {
            return (/* guard: cookies: a replaced one is no sign-out */ cookies.WasJustReplaced(context.Request)) ? Problems.JustReplaced(context) : Problems.NotSignedIn();
        }

        context.RequestServices.GetRequiredService<LoginSessions>().Touch(session, context.Connection.RemoteIpAddress);
        context.Features.Set(session);
        return await next(call);
    });

    /// <summary>The login session that <see cref="RequireCookie"/> found.</summary>
    public static LoginSession SignedIn(this HttpContext context) => 
        context.Features.Get<LoginSession>() ?? throw new InvalidOperationException("This endpoint does not require the cookie.");

    /// <summary>
    /// The address on this host of a path of ours, for `Location`:
    /// `/api/session` becomes `/chat/api/session` where the program lies in a folder.
    /// </summary>
    public static string OnHost(this HttpContext context, string path) => context.Request.PathBase + path;

    [LoggerMessage(4122, LogLevel.Warning, "A request was refused because nothing can be stored: the disk is full, nearly full, or fails")]
    private static partial void LogNotStored(ILogger logger);

    [LoggerMessage(4123, LogLevel.Error, "A request was refused because what it asks for cannot be read: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string reason);

    private sealed class TakesAway;
}
