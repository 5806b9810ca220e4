using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Api;

/// <summary>The refusals of the calls about rooms.</summary>
internal static class RoomProblems
{
    /// <summary>Unknown, deleted and private rooms give this one answer, so that nobody learns which it is (attack 36).</summary>
    public static ProblemHttpResult NoSuchRoom() => NotFound("no_such_room", "There is no such room, or it is not open to you.");

    public static ProblemHttpResult NoWhispers() => Forbidden("not_allowed", "This access token gets no whispers: it is limited to rooms, or may not read.");

    public static ProblemHttpResult NotStored() => Of(StatusCodes.Status503ServiceUnavailable, "not_stored", "It could not be stored. Try again later.");

    public static ProblemHttpResult NotFound(string code, string detail) => Of(StatusCodes.Status404NotFound, code, detail);

    public static ProblemHttpResult Forbidden(string code, string detail) => Of(StatusCodes.Status403Forbidden, code, detail);

    public static ProblemHttpResult Gone(string code, string detail) => Of(StatusCodes.Status410Gone, code, detail);

    public static ProblemHttpResult Unprocessable(string code, string detail) => Of(StatusCodes.Status422UnprocessableEntity, code, detail);

    public static ProblemHttpResult Conflict(string code, string detail) => Of(StatusCodes.Status409Conflict, code, detail);

    /// <summary>An act was refused, or could not be stored.</summary>
    public static ProblemHttpResult Of(PublishRefusal refusal, HttpContext context)
    {
        if (ReferenceEquals(refusal, PublishRefusal.NoSuchRoom))
        {
            return NoSuchRoom();
        }

        return refusal.Notice switch
        {
            "default_room" or "id_used" or "conflict" or "too_many" or "too_many_bans" or "owner_stays" or "room_full" =>
                Conflict(refusal.Notice, refusal.Reason),
            "no_such_member" or "no_such_event" or "no_such_target" or "no_such_ban" => NotFound(refusal.Notice, refusal.Reason),
            "removed" => Of(StatusCodes.Status410Gone, refusal.Notice, refusal.Reason),
            "bad_command" => Problems.Field("text", "too_long", refusal.Reason),
            "quota" or "too_many_attempts" or "slow_mode" or "too_many_guests" => TooOften(refusal.Notice, refusal.Reason, TimeSpan.FromSeconds(refusal.Retry), context),
            "busy" => NotStored(),
            "quiet_too_long" => Problems.Field("quietUntil", "invalid", refusal.Reason),
            "said_before" => Forbidden(refusal.Notice, refusal.Reason),
            "room_banned" or "muted" or "kicked" or "room_archived" or "quiet" or "no_links_yet" => HeldBack(refusal),
            _ => Forbidden("not_allowed", refusal.Reason),
        };
    }

    /// <summary>An account has used up what it may do a day; says when it may again.</summary>
    public static ProblemHttpResult TooOften(string code, string detail, TimeSpan wait, HttpContext context)
    {
        context.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return Of(StatusCodes.Status429TooManyRequests, code, detail);
    }

    /// <summary>
    /// Who asks is banned, muted, new in the room or was kicked, or the room is quiet or archived: `until` says when that is over, if
    /// it has an end. There is no Retry-After: it is a rule, and no shortage, and nobody is to try again by himself.
    /// </summary>
    public static ProblemHttpResult HeldBack(PublishRefusal refusal)
    {
        Dictionary<string, object?> extensions = new() { ["code"] = refusal.Notice };
        if (refusal.Until is { } until)
        {
            extensions["until"] = Timestamps.Format(until);
        }

        return TypedResults.Problem(statusCode: StatusCodes.Status403Forbidden, detail: refusal.Reason, extensions: extensions);
    }

    /// <summary>For whoever is signed in by cookie or access token. The handler reads <see cref="ApiGroup.SignedIn"/>.</summary>
    public static TBuilder RequireMember<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.AddEndpointFilter(async (call, next) =>
    {
        var context = call.HttpContext;
        var services = context.RequestServices;
        if (services.GetRequiredService<RequestSignIn>().Find(context.Request) is not { } session || !services.GetRequiredService<AuthInterceptor>().MayReceive(session))
        {
            return Problems.NotSignedIn();
        }

        context.Features.Set<LoginSession>(session);
        return await next(call);
    });

    private static ProblemHttpResult Of(int status, string code, string detail) =>
        TypedResults.Problem(statusCode: status, detail: detail, extensions: new Dictionary<string, object?> { ["code"] = code });
}
