using System.Text.Json.Serialization.Metadata;
using WebMessenger.Broker.Admin;

namespace WebMessenger.Broker.Api;

/// <summary>The refusals of the administrators' calls.</summary>
internal static class AdminProblems
{
    public static IResult Answer<T>(AdminOutcome<T> outcome, JsonTypeInfo<T> type, HttpContext context)
        where T : class => outcome.Done is { } done ? TypedResults.Json(done, type) : Of(outcome.Refused ?? AdminRefusal.NotInOffice, context);

    public static IResult Of(AdminRefusal refusal, HttpContext context) => refusal switch
    {
        { OfAuth: { } ofAuth } => Problems.Of(ofAuth, context),
        { OfRoom: { } ofRoom } => RoomProblems.Of(ofRoom, context),
        { Code: "no_such_account" or "no_such_room" or "not_banned" } => RoomProblems.NotFound(refusal.Code, refusal.Detail),
        { Code: "already_banned" or "is_banned" or "last_administrator" or "default_room" } => RoomProblems.Conflict(refusal.Code, refusal.Detail),
        _ => RoomProblems.Forbidden(refusal.Code, refusal.Detail),
    };
}
