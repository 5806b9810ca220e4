using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Rules;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms/{room}/rules`: when something of a room's data topics is to be said in the room. For its moderators.</summary>
internal static class RulesApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var rules = routes.MapApi("/api/rooms").WithTags("Rules").RequireCookie().WithMetadata(new AtHomeOfData());
        rules.MapGet("{room}/rules", List).TakesAnswerSlot().WithDescription("The rules of a room, and what each did last.");
        rules.MapPost("{room}/rules", MakeAsync).Accepts<RuleTerms>("application/json").WithDescription("Makes one. What is retained then is no news to it.");
        rules.MapPut("{room}/rules/{id}", ChangeAsync).Accepts<RuleTerms>("application/json")
            .WithDescription("Other terms: it begins anew, and speaks with your right from then on.");
        rules.MapDelete("{room}/rules/{id}", RemoveAsync).WithDescription("Removes it.");
        rules.MapPost("{room}/rules/{id}/test", TestAsync).OnlyReads().WithDescription("What it would say of what is retained now. Nothing is said.");
    }

    private static IResult List(
        string room, RoomDirectory rooms, RoomRules rules, RuleSpeech speech, RunLogs runs, AccountDirectory accounts, BrokerLimits limits, HttpContext context)
    {
        if (!HooksApi.TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        return RoomBotsJson.List("rules", limits.RulesPerRoom, rules.Of(found.Key), runs, (writer, rule) =>
        {
            RoomBotsJson.WriteMaking(writer, rule, accounts);
            writer.WriteBoolean("works"u8, speech.Works(rule));
            writer.WritePropertyName("terms"u8);
            System.Text.Json.JsonSerializer.Serialize(writer, rule.Terms, RulesJson.Default.RuleTerms);
        });
    }

    private static async Task<IResult> MakeAsync(string room, RoomDirectory rooms, RoomRules rules, RuleWalks walks, HttpContext context)
    {
        if (!HooksApi.TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        var (terms, wrong) = await ReadAsync(context);
        if (terms is null)
        {
            return wrong!;
        }

        if (WhyNotNow(walks, context) is { } tooOften)
        {
            return tooOften;
        }

        var (change, rule) = await rules.MakeAsync(found, context.SignedIn().Account, terms);
        return change != BotChange.Done ? ProblemOf(change)
            : TypedResults.Json(new MadeRule(rule!.Id), RulesJson.Default.MadeRule, statusCode: StatusCodes.Status201Created);
    }

    private static async Task<IResult> ChangeAsync(string room, string id, RoomDirectory rooms, RoomRules rules, RuleWalks walks, HttpContext context)
    {
        if (!HooksApi.TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        var (terms, wrong) = await ReadAsync(context);
        return terms is null ? wrong!
            : WhyNotNow(walks, context) ?? ProblemOf(await rules.ChangeAsync(found, context.SignedIn().Account, id, terms));
    }

    private static async Task<IResult> RemoveAsync(string room, string id, RoomDirectory rooms, RoomRules rules, HttpContext context) =>
        HooksApi.TryFind(room, rooms, context, out var found, out var problem)
            ? ProblemOf(await rules.RemoveAsync(found, context.SignedIn().Account, id)) : problem;

    private static async Task<IResult> TestAsync(string room, string id, RoomDirectory rooms, RoomRules rules, RuleWalks walks, HttpContext context)
    {
        if (!HooksApi.TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        if (!(/* guard: who tests a rule may read what it hears */ RoomPolicy.MayReadData(found, context.SignedIn().Account)))
        {
            return RoomProblems.Forbidden("not_allowed", "In this room you may not read what devices say.");
        }

        if (rules.Find(found.Key, id) is not { } rule)
        {
            return NoSuchRule();
        }

        if (WhyNotNow(walks, context) is { } tooOften)
        {
            return tooOften;
        }

        try
        {
            return await rules.TestAsync(found, rule) is not { } test ? Problems.Crowded(context, RuleWalks.Patience) : new JsonAnswer(writer =>
            {
                writer.WriteString("text"u8, test.Text);
                writer.WriteString("topic"u8, test.Topic);
                writer.WriteString("value"u8, test.Value);
                if (test.IsPartial)
                {
                    writer.WriteBoolean("partial"u8, true);
                }
            });
        }
        catch (IOException)
        {
            return Problems.Crowded(context, Devices.RetainedMemory.KeptFor);
        }
    }

    // Each looks at what is retained.
    private static ProblemHttpResult? WhyNotNow(RuleWalks walks, HttpContext context) =>
        walks.TryTake(context.SignedIn().Account.Id, out var wait) ? null : Problems.TooManyRequests(context, wait);

    private static async Task<(RuleTerms? Terms, ProblemHttpResult? Problem)> ReadAsync(HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, RulesJson.Default.RuleTerms)).TryGet(out var terms, out var problem))
        {
            return (null, problem);
        }

        List<FieldError> errors = [];
        var name = HooksApi.CheckName(terms.Name, errors);
        if (terms.WrongField() is { } field)
        {
            errors.Add(new FieldError(field, FieldCodes.Invalid, field switch
            {
                "filter" => "A filter is a topic below the room's data, in which + and # stand for any.",
                "when" => "\"when\" is equals, changes, above, below or silent.",
                "path" => "A path has names and indexes, as a.b[0].",
                "text" => "A text has at most 1000 characters, and {value}, {topic} or paths in its braces.",
                "seconds" => "\"seconds\" is 5 to 2592000.",
                "value" => "\"value\" has at most 256 characters.",
                _ => $"\"{field}\" is a number.",
            }));
        }

        return errors.Count > 0 ? (null, Problems.Fields(errors)) : (terms with { Name = name }, null);
    }

    private static IResult ProblemOf(BotChange change) => change == BotChange.NotFound ? NoSuchRule() : HooksApi.ProblemOf(change);

    private static ProblemHttpResult NoSuchRule() => RoomProblems.NotFound("no_such_rule", "There is no such rule, or not any more.");
}

internal sealed record MadeRule(string Id);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RuleTerms))]
[JsonSerializable(typeof(MadeRule))]
internal sealed partial class RulesJson : JsonSerializerContext;
