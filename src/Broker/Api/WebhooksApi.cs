using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Webhooks;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms/{room}/webhooks`: addresses elsewhere that are told what is said in a room. For its moderators.</summary>
/// <remarks>By cookie alone, as hooks: who makes one sends a room's talk elsewhere for as long as it is there.</remarks>
internal static class WebhooksApi
{
    private const int LongestUrl = 2_000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var webhooks = routes.MapApi("/api/rooms").WithTags("Webhooks").RequireCookie();
        webhooks.MapGet("{room}/webhooks", List).TakesAnswerSlot().WithDescription("The webhooks of a room, without their secrets; and what each did last.");
        webhooks.MapPost("{room}/webhooks", MakeAsync).Accepts<WebhookFields>("application/json")
            .WithDescription("Makes one, which is told what is said from then on; its secret is shown this once.");
        webhooks.MapPost("{room}/webhooks/{id}/on", SwitchOnAsync).WithDescription("Tells it again, from where it was left off.");
        webhooks.MapPost("{room}/webhooks/{id}/test", TestAsync).WithDescription("Posts an event of the type `test`, and says what became of it.");
        webhooks.MapDelete("{room}/webhooks/{id}", RemoveAsync).WithDescription("Removes it.");
    }

    private static IResult List(
        string room, RoomDirectory rooms, RoomWebhooks webhooks, WebhookTeller teller, RunLogs runs, AccountDirectory accounts, BrokerLimits limits, HttpContext context)
    {
        if (!HooksApi.TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        return RoomBotsJson.List("webhooks", limits.WebhooksPerRoom, webhooks.Of(found.Key), runs, (writer, webhook) =>
        {
            writer.WriteString("name"u8, webhook.Name);
            writer.WriteString("url"u8, webhook.Url.AbsoluteUri);
            RoomBotsJson.WriteMaking(writer, webhook, accounts);
            writer.WriteBoolean("works"u8, teller.Works(webhook));
            writer.WriteBoolean("on"u8, !webhook.Place.IsOff);
            writer.WriteNumber("seq"u8, webhook.Place.Seq);
        });
    }

    private static async Task<IResult> MakeAsync(string room, RoomDirectory rooms, RoomWebhooks webhooks, WebhookTeller teller, BrokerSettings settings, HttpContext context)
    {
        if (!HooksApi.TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        if (!(await JsonBody.ReadAsync(context.Request, WebhooksJson.Default.WebhookFields)).TryGet(out var asked, out problem))
        {
            return problem;
        }

        List<FieldError> errors = [];
        var name = HooksApi.CheckName(asked.Name, errors);
        var isUrl = Uri.TryCreate(asked.Url, UriKind.Absolute, out var url);

        // Without encryption to what the operator has named alone, which is decided by the address that is connected to.
        var isTaken = isUrl && asked.Url!.Length <= LongestUrl && url!.UserInfo.Length == 0
            && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && settings.WebhookNetworks.Count > 0));
        if (!isTaken)
        {
            errors.Add(new FieldError("url", FieldCodes.Invalid, "An address is https://…, without a name and password, of 2000 characters at most."));
        }

        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        var (change, webhook) = await webhooks.MakeAsync(found, context.SignedIn().Account, name, url!);
        if (change != BotChange.Done)
        {
            return ProblemOf(change);
        }

        teller.Begin(found, webhook!);
        return TypedResults.Json(new MadeWebhook(webhook!.Id, webhook.SecretText), WebhooksJson.Default.MadeWebhook, statusCode: StatusCodes.Status201Created);
    }

    private static async Task<IResult> SwitchOnAsync(
        string room, string id, RoomDirectory rooms, RoomWebhooks webhooks, WebhookTeller teller, HttpContext context)
    {
        if (!HooksApi.TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        var change = await webhooks.SwitchOnAsync(found, context.SignedIn().Account, id);
        if (webhooks.Find(found.Key, id) is { } webhook)
        {
            teller.Begin(found, webhook);
        }

        return ProblemOf(change);
    }

    private static async Task<IResult> TestAsync(
        string room, string id, RoomDirectory rooms, RoomWebhooks webhooks, WebhookTeller teller, PublishBudgets budgets, HttpContext context)
    {
        if (!HooksApi.TryFind(room, rooms, context, out var found, out var problem))
        {
            return problem;
        }

        if (webhooks.Find(found.Key, id) is not { } webhook)
        {
            return NoSuchWebhook();
        }

        if (budgets.WhyNot(context.SignedIn().Account.Id) is { } tooMany)
        {
            return RoomProblems.Of(tooMany, context);
        }

        if (await teller.TestAsync(webhook, context.SignedIn().Account.Id, context.RequestAborted) is not { } answer)
        {
            return Problems.Crowded(context, TimeSpan.FromSeconds(5));
        }

        return new JsonAnswer(writer =>
        {
            writer.WriteBoolean("taken"u8, answer.IsTaken);
            writer.WriteString("why"u8, answer.Why);
        });
    }

    private static async Task<IResult> RemoveAsync(string room, string id, RoomDirectory rooms, RoomWebhooks webhooks, HttpContext context) =>
        HooksApi.TryFind(room, rooms, context, out var found, out var problem)
            ? ProblemOf(await webhooks.RemoveAsync(found, context.SignedIn().Account, id)) : problem;

    private static IResult ProblemOf(BotChange change) => change == BotChange.NotFound ? NoSuchWebhook() : HooksApi.ProblemOf(change);

    private static ProblemHttpResult NoSuchWebhook() => RoomProblems.NotFound("no_such_webhook", "There is no such webhook, or not any more.");
}

internal sealed record WebhookFields(string? Name, string? Url);

/// <param name="Secret">`whsec_…`, which is shown this once.</param>
internal sealed record MadeWebhook(string Id, string Secret);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(WebhookFields))]
[JsonSerializable(typeof(MadeWebhook))]
internal sealed partial class WebhooksJson : JsonSerializerContext;
