using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Storage;
using WebMessenger.Broker.Log;
using WebMessenger.Broker.Storing;

namespace WebMessenger.Broker.Api;

/// <summary>What all calls of the HTTP API have in common, said once.</summary>
internal static class ApiGroup
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
            if (changes && !context.RequestServices.GetRequiredService<SameOriginRule>().IsAllowed(context.Request))
            {
                return Problems.ForeignOrigin();
            }

            // What takes a right away is a DELETE, and is stored as long as the disk takes anything at all.
            var space = context.RequestServices.GetRequiredService<DiskSpace>();
            if (changes && space.IsLow && !HttpMethods.IsDelete(context.Request.Method))
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
                return NotStored(context);
            }
        });
        return group;
    }

    private static ProblemHttpResult NotStored(HttpContext context)
    {
        context.RequestServices.GetRequiredService<StoreRefusals>().Add();
        return Problems.NotStored(context);
    }

    /// <summary>Only for whoever is signed in by cookie; access tokens open none of these. The handler reads <see cref="SignedIn"/>.</summary>
    public static TBuilder RequireCookie<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.AddEndpointFilter(async (call, next) =>
    {
        var context = call.HttpContext;
        var cookies = context.RequestServices.GetRequiredService<CookieSignIn>();
        if (cookies.Find(context.Request) is not { } session)
        {
            return cookies.WasJustReplaced(context.Request) ? Problems.JustReplaced(context) : Problems.NotSignedIn();
        }

        context.RequestServices.GetRequiredService<LoginSessions>().Touch(session, context.Connection.RemoteIpAddress);
        context.Features.Set(session);
        return await next(call);
    });

    /// <summary>The login session that <see cref="RequireCookie"/> found.</summary>
    public static LoginSession SignedIn(this HttpContext context) => 
        context.Features.Get<LoginSession>() ?? throw new InvalidOperationException("This endpoint does not require the cookie.");

    /// <summary>The address on this host of a path of ours, for `Location`: `/api/session` becomes `/chat/api/session` where the program lies in a folder.</summary>
    public static string OnHost(this HttpContext context, string path) => context.Request.PathBase + path;
}
