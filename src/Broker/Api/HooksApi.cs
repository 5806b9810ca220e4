using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `/api/hooks/{secret}`, to which programs elsewhere post what is to be said in a room; and `/api/rooms/{room}/hooks`, where moderators
/// make them.
/// </summary>
/// <remarks>Making one is for a signed-in browser: an access token would else leave a secret behind that outlives it.</remarks>
internal static class HooksApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapApi("/api/hooks").WithTags("Hooks").MapPost("{secret}", PostAsync)
            .Accepts<byte[]>("*/*")
            .WithDescription(
                "Says the body in the hook's room: plain text, `{\"type\":\"message\",\"text\":\"…\"}`, Slack's JSON, or any other by the hook's template.");

        var hooks = routes.MapApi("/api/rooms").WithTags("Hooks").RequireCookie();
        hooks.MapGet("{room}/hooks", List).TakesAnswerSlot()
            .WithDescription("The hooks of a room, for its moderators, without their secrets; and what each did last.");
        hooks.MapPost("{room}/hooks", MakeAsync).Accepts<HookFields>("application/json").WithDescription("Makes one; its address is shown this once.");
        hooks.MapPost("{room}/hooks/preview", PreviewAsync).Accepts<HookSample>("application/json").OnlyReads().TakesAnswerSlot()
            .WithDescription("What a body would say by a template. Nothing is said.");
        hooks.MapPatch("{room}/hooks/{id}", ChangeAsync).Accepts<HookFields>("application/json").WithDescription("Another name or template.");
        hooks.MapDelete("{room}/hooks/{id}", RemoveAsync).WithDescription("Removes it: its address is nobody's from then on.");
        hooks.MapPost("{room}/hooks/{id}/secret", RenewAsync).MayTakeRightsAway()
            .WithDescription("Another address for it, shown this once; the one before opens nothing. It speaks with your right from then on.");
        hooks.MapPost("{room}/hooks/{id}/test", TestAsync).WithDescription("Says in the room that this is a test.");
    }

    private static async Task<IResult> PostAsync(string secret, HookCalls calls, TrafficMemory memory, BrokerLimits limits, HttpContext context)
    {
        if (calls.Find(secret) is not var (hook, room, maker))
        {
            return NoSuchHook();
        }

        if (room is null || maker is null)
        {
            calls.Refused(hook, "hook_ended");
            return Ended();
        }

        if (!calls.MayCall(hook, out var wait))
        {
            return Problems.TooManyRequests(context, wait);
        }

        var most = limits.HookBodyBytes == 0 ? int.MaxValue : limits.HookBodyBytes;
        var (body, problem) = await RequestBody.ReadBytesAsync(context.Request, /* guard: bytes of a hook's body */ most, memory.Held);
        if (body is null)
        {
            calls.Refused(hook, problem!.StatusCode == StatusCodes.Status413PayloadTooLarge ? "too_large" : "broken_body");
            return problem;
        }

        try
        {
            return AnswerOf(await calls.SayAsync(hook, room, maker, context.Request.ContentType, body), room, context);
        }
        finally
        {
            memory.Held.Add(-body.Length);
        }
    }

    private static IResult AnswerOf(HookAnswer answer, Room room, HttpContext context) => answer switch
    {
        { Said: { Refusal: { } refusal } } => RoomProblems.Of(refusal, context),
        { Said: { } said } => new JsonAnswer(writer =>
        {
            writer.WriteBoolean("said"u8, true);
            writer.WriteString("room"u8, room.Id.Value);
            writer.WriteNumber("seq"u8, said.Seq);
            writer.WriteString("epoch"u8, said.Epoch);
        }),
        { Why: "removed" } => NoSuchHook(),
        { Why: "nothing" } => new JsonAnswer(writer => writer.WriteBoolean("said"u8, false)),
        { Why: "invalid_json" } => Problems.MalformedJson(),
        { Why: "invalid_id" } => Problems.Field("id", FieldCodes.Invalid, "\"id\" has 1 to 128 bytes and no control characters."),
        _ => RoomProblems.Unprocessable("no_text", "There is no text in this body. Send plain text, a \"text\" in JSON, or give the hook a template."),
    };

    private static IResult List(
        string room, RoomDirectory rooms, RoomHooks hooks, HookCalls calls, RunLogs runs, AccountDirectory accounts, BrokerLimits limits, HttpContext context)
    {
        if (!TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        return RoomBotsJson.List("hooks", limits.HooksPerRoom, hooks.Of(found.Key), runs, (writer, hook) =>
        {
            writer.WriteString("name"u8, hook.Name);
            RoomBotsJson.WriteMaking(writer, hook, accounts);
            writer.WriteString("template"u8, hook.Template);
            writer.WriteBoolean("works"u8, calls.Works(hook));
        });
    }

    private static async Task<IResult> MakeAsync(string room, RoomDirectory rooms, RoomHooks hooks, HttpContext context)
    {
        if (!TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        if (!(await JsonBody.ReadAsync(context.Request, HooksJson.Default.HookFields)).TryGet(out var asked, out problem))
        {
            return problem;
        }

        List<FieldError> errors = [];
        var name = CheckName(asked.Name, errors);
        var template = CheckTemplate(asked.Template, errors);
        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        var (change, hook, secret) = await hooks.MakeAsync(found, context.SignedIn().Account, name, template);
        return change != BotChange.Done ? ProblemOf(change)
            : TypedResults.Json(new MadeHook(hook!.Id, PathOf(secret!, context)), HooksJson.Default.MadeHook, statusCode: StatusCodes.Status201Created);
    }

    private static async Task<IResult> ChangeAsync(string room, string id, RoomDirectory rooms, RoomHooks hooks, HttpContext context)
    {
        if (!TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        if (!(await JsonBody.ReadAsync(context.Request, HooksJson.Default.HookFields)).TryGet(out var asked, out problem))
        {
            return problem;
        }

        List<FieldError> errors = [];
        var name = asked.Name is null ? null : CheckName(asked.Name, errors);
        var template = CheckTemplate(asked.Template, errors);
        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        return ProblemOf(await hooks.ChangeAsync(found, context.SignedIn().Account, id, hook => hook with
        {
            Name = name ?? hook.Name,
            Template = asked.Template is null ? hook.Template : template,
        }));
    }

    private static async Task<IResult> RemoveAsync(string room, string id, RoomDirectory rooms, RoomHooks hooks, HttpContext context) =>
        TryFind(room, rooms, context, out var found, out var problem)
            ? ProblemOf(await hooks.RemoveAsync(found, context.SignedIn().Account, id)) : problem;

    private static async Task<IResult> RenewAsync(string room, string id, RoomDirectory rooms, RoomHooks hooks, HttpContext context)
    {
        if (!TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        var (change, secret) = await hooks.RenewAsync(found, context.SignedIn().Account, id);
        return change != BotChange.Done ? ProblemOf(change) : TypedResults.Json(new MadeHook(id, PathOf(secret!, context)), HooksJson.Default.MadeHook);
    }

    private static async Task<IResult> TestAsync(string room, string id, RoomDirectory rooms, RoomHooks hooks, HookCalls calls, AccountDirectory accounts, HttpContext context)
    {
        if (!TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        if (hooks.Find(found.Key, id) is not { } hook)
        {
            return NoSuchHook();
        }

        if (!calls.Works(hook) || accounts.Find(hook.Maker) is not { } maker)
        {
            return Ended();
        }

        return calls.MayCall(hook, out var wait)
            ? AnswerOf(await calls.SayAsync(hook, found, maker, new BotWords($"Test: {hook.Name} works.")), found, context)
            : Problems.TooManyRequests(context, wait);
    }

    private static async Task<IResult> PreviewAsync(string room, RoomDirectory rooms, BrokerLimits limits, HttpContext context)
    {
        if (!TryFind(room, rooms, context, out _, out var problem))
        {
            return problem;
        }

        if (!(await JsonBody.ReadAsync(context.Request, HooksJson.Default.HookSample)).TryGet(out var sample, out problem))
        {
            return problem;
        }

        List<FieldError> errors = [];
        var template = CheckTemplate(sample.Template, errors);
        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        var read = HookText.Read(sample.ContentType, System.Text.Encoding.UTF8.GetBytes(sample.Body ?? ""), HookCalls.TemplateOf(template), BotText.LongestFor(limits));
        return new JsonAnswer(writer =>
        {
            writer.WriteString("text"u8, read.Words is { } words ? BotText.Within(words.Text, limits) : null);
            writer.WriteString("via"u8, read.Words?.Via);
            writer.WriteString("why"u8, read.Why);
        });
    }

    // As of all that is in a room: who may not know of it hears that there is none.
    internal static bool TryFind(string id, RoomDirectory rooms, HttpContext context, out Room room, out ProblemHttpResult problem)
    {
        var who = context.SignedIn().Account;
        room = rooms.FindVisible(id, who.Id)!;
        problem = room is null ? RoomProblems.NoSuchRoom() : NotAllowed();
        return room is not null && /* guard: who sees what speaks in a room by itself */ RoomPolicy.MayKeepBots(room, who);
    }

    internal static string CheckName(string? text, List<FieldError> errors)
    {
        // By the rules of names that people have: nothing is called as the server is.
        if (AccountFields.CheckDisplayName("name", text, out var name) is { } error)
        {
            errors.Add(error);
        }

        return name;
    }

    // Null: there is none.
    private static string? CheckTemplate(string? text, List<FieldError> errors)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        if (!SpokenTemplate.TryParse(text, out _))
        {
            errors.Add(new FieldError("template", FieldCodes.Invalid, string.Create(
                CultureInfo.InvariantCulture,
                $"A template has at most {SpokenTemplate.MaximumLength} characters, and paths such as {{a.b[0]}} in its braces.")));
        }

        return text;
    }

    internal static IResult ProblemOf(BotChange change) => change switch
    {
        BotChange.Done => TypedResults.NoContent(),
        BotChange.TooMany => RoomProblems.Conflict("too_many", "This room has as many of them as it may. Remove one first."),
        BotChange.TooManyOfAccount => RoomProblems.Conflict("too_many", "You have as many of them as you may, in all rooms together. Remove one first."),
        BotChange.NotAllowed => NotAllowed(),
        _ => NoSuchHook(),
    };

    private static ProblemHttpResult NotAllowed() => RoomProblems.Forbidden("not_allowed", "Only the moderators of the room can do this.");

    private static ProblemHttpResult NoSuchHook() => RoomProblems.NotFound("no_such_hook", "There is no such hook, or not any more.");

    private static ProblemHttpResult Ended() =>
        RoomProblems.Gone("hook_ended", "Who made this hook is no moderator of the room any more. Another moderator can renew it.");

    // The page knows by which address people reach this server; the program does not.
    private static string PathOf(string secret, HttpContext context) => context.OnHost("/api/hooks/" + secret);
}
