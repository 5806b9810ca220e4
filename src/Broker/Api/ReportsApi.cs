using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Reports;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `/api/rooms/{room}/reports`, where whoever reads a message reports it and who looks after the room decides; and `/api/admin/reports`,
/// those of all rooms for administrators.
/// </summary>
internal static class ReportsApi
{
    private const int ReportsPerPage = 50;
    private const int LongestPage = 200;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var rooms = routes.MapApi("/api/rooms").WithTags("Reports").RequireMember();
        rooms.MapPost("{room}/reports", MakeAsync).Accepts<NewReport>("application/json").Produces<MadeReport>(StatusCodes.Status201Created)
            .WithDescription("Shows a message, as it is now, to who looks after the room.");
        rooms.MapGet("{room}/reports", List).TakesAnswerSlot().Produces<ReportList>()
            .WithDescription(
                "What was reported of people who rank below the caller, the newest first; for moderators of the room, administrators, and access "
                + "tokens with the verb moderate. state: open or decided; before: next of the page before; limit: 1 to 200, 50 if left out.");
        rooms.MapPut("{room}/reports/{id}", DecideAsync).Accepts<ReportDecision>("application/json")
            .WithDescription("Says what became of one: dismissed or acted. Who reported it is told that it was looked at.");
        routes.MapApi("/api/admin").WithTags("Reports").RequireMember().MapGet("reports", ListAll).TakesAnswerSlot().Produces<AllReports>()
            .WithDescription("The reports of all rooms, the newest first, for administrators. state, limit: as of a room; cursor: that of the page before.");
    }

    private static async Task<IResult> MakeAsync(string room, RoomDirectory rooms, RoomReports reports, HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, ReportJson.Default.NewReport)).TryGet(out var asked, out var problem))
        {
            return problem;
        }

        var who = context.SignedIn();
        if (rooms.Find(room) is not { } found
            || (/* guard: a token's rooms, reports */ !who.Scope.Allows(room, Verbs.Read))
            || !RoomPolicy.MayRead(found, who.Account))
        {
            return RoomProblems.NoSuchRoom();
        }

        if (!(/* guard: a token's verbs, reporting */ who.Scope.Allows(room, Verbs.Read | Verbs.Post)))
        {
            return RoomProblems.Forbidden("not_allowed", "This access token reports nothing: it lacks the verb post.");
        }

        List<FieldError> errors = [];
        if (asked.Seq is not >= 1)
        {
            errors.Add(new FieldError("seq", asked.Seq is null ? "required" : "invalid", "\"seq\" is the number of the message."));
        }

        var reason = PlainLine.Checked(asked.Reason, "reason", RoomReports.ReasonLength, "A reason has at most 500 characters.", errors);
        if (reason is null or { Length: 0 })
        {
            errors.Add(new FieldError("reason", "required", "Say why."));
        }

        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        var (outcome, report) = await reports.MakeAsync(found, who, asked.Seq!.Value, reason!);
        return outcome switch
        {
            ReportOutcome.Done or ReportOutcome.Before => TypedResults.Json(
                MadeReport.Of(report!),
                ReportJson.Default.MadeReport,
                statusCode: outcome == ReportOutcome.Done ? StatusCodes.Status201Created : StatusCodes.Status200OK),
            ReportOutcome.NoSuchEvent or ReportOutcome.Removed => RoomProblems.Of(
                outcome == ReportOutcome.Removed ? TalkRefusals.IsRemoved : TalkRefusals.NoSuchEvent, context),
            ReportOutcome.IsOwn => RoomProblems.Forbidden("not_allowed", "Nobody reports what he said himself. Delete it."),
            ReportOutcome.TooMany => RoomProblems.Conflict(
                "too_many", "This room has as many reports as it may. Those who look after it have to look at some first."),
            ReportOutcome.TriedTooOften => RoomProblems.TooOften(
                "too_many_attempts",
                "You have reported as many messages today as you may. Try again later.",
                reports.WaitForNext(who.Account),
                context),
            ReportOutcome.OverQuota => RoomProblems.TooOften(
                "quota", "This account has stored as much today as it may. Try again later.", TimeSpan.FromHours(1), context),
            _ => RoomProblems.NoSuchRoom(),
        };
    }

    private static IResult List(
        string room,
        string? state,
        string? before,
        string? limit,
        RoomDirectory rooms,
        RoomReports reports,
        AccountDirectory accounts,
        HttpContext context)
    {
        if (WhyNotJudge(room, rooms, context, out var found) is { } refused)
        {
            return refused;
        }

        if (Check(state, before, "before", limit, out var most) is { } wrong)
        {
            return wrong;
        }

        // One more than is shown tells whether there are more.
        var page = reports.Of(found!, context.SignedIn().Account, before).Where(one => IsIn(one, state)).Take(most + 1).ToList();
        return TypedResults.Json(
            new ReportList([.. page.Take(most).Select(one => ReportView.Of(one, accounts))], page.Count > most ? page[most - 1].Id : null),
            ReportJson.Default.ReportList);
    }

    private static IResult ListAll(
        string? state, string? cursor, string? limit, RoomReports reports, AccountDirectory accounts, HttpContext context)
    {
        var who = context.SignedIn();
        if (!(/* guard: reports of all rooms */ who.Account.Profile.IsAdministrator && RoomsApi.IsWhole(who))
            || !who.Scope.Verbs.HasFlag(Verbs.Moderate))
        {
            return RoomProblems.Forbidden(
                "not_allowed", "Only administrators, and their access tokens with the verb moderate, see the reports of all rooms.");
        }

        if (Check(state, cursor, "cursor", limit, out var most) is { } wrong)
        {
            return wrong;
        }

        var page = reports.OfAll(who.Account, cursor).Where(one => IsIn(one.Report, state)).Take(most + 1).ToList();
        return TypedResults.Json(
            new AllReports(
                [.. page.Take(most).Select(one => ReportView.Of(one.Report, accounts, one.Room, RoomPolicy.MayRead(one.Room, who.Account)))], page.Count > most ? page[most - 1].Report.Id : null),
            ReportJson.Default.AllReports);
    }

    private static async Task<IResult> DecideAsync(string room, string id, RoomDirectory rooms, RoomReports reports, HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, ReportJson.Default.ReportDecision)).TryGet(out var asked, out var problem))
        {
            return problem;
        }

        if (WhyNotJudge(room, rooms, context, out var found) is { } refused)
        {
            return refused;
        }

        List<FieldError> errors = [];
        if (asked.Decision is not ("dismissed" or "acted"))
        {
            errors.Add(new FieldError("decision", asked.Decision is null ? "required" : "invalid", "\"decision\" is \"dismissed\" or \"acted\"."));
        }

        var note = PlainLine.Checked(asked.Note, "note", RoomReports.ReasonLength, "A note has at most 500 characters.", errors);
        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        var (by, isActed) = (context.SignedIn().Account, asked.Decision == "acted");
        return await reports.DecideAsync(found!, id, by, isActed, note is { Length: 0 } ? null : note) switch
        {
            ReportOutcome.Done => TypedResults.NoContent(),
            ReportOutcome.Decided => RoomProblems.Conflict("conflict", "Somebody else has decided it otherwise."),
            ReportOutcome.Muted when RoomPolicy.WhyMuted(found!, by) is { } muted => RoomProblems.Of(muted, context),
            ReportOutcome.Muted => RoomProblems.Conflict("conflict", "This could not be noted just now. Try again."),
            _ => RoomProblems.NotFound("no_such_report", "There is no such report, or its time is over."),
        };
    }

    // Null: the caller looks after the room.
    private static ProblemHttpResult? WhyNotJudge(string room, RoomDirectory rooms, HttpContext context, out Room? found)
    {
        var who = context.SignedIn();
        found = RoomsApi.Visible(room, rooms, context);
        return found is null ? RoomProblems.NoSuchRoom()
            : !(/* guard: a token's verbs, reports */ who.Scope.Allows(room, Verbs.Moderate))
                || !(/* guard: who sees reports */ RoomPolicy.IsHost(found, who.Account))
                ? RoomProblems.Forbidden(
                    "not_allowed", "Only moderators of the room, and access tokens with the verb moderate, see what was reported there.")
            : null;
    }

    private static ProblemHttpResult? Check(string? state, string? place, string field, string? limit, out int most)
    {
        most = PageLength.Read(limit, ReportsPerPage, LongestPage) ?? 0;
        return most == 0 ? Problems.Field("limit", "invalid", "A page has 1 to 200 reports.")
            : state is not (null or "open" or "decided") ? Problems.Field("state", "invalid", "\"state\" is \"open\" or \"decided\".")
            : place is not null && !AuditRecord.IsPlace(place) ? Problems.Field(field, "invalid", $"\"{field}\" is what the page before ended with.")
            : null;
    }

    private static bool IsIn(Report report, string? state) => state is null || report.IsOpen == (state == "open");
}
