using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using WebMessenger.Broker.Api;

namespace WebMessenger.Broker.Operator;

/// <summary>`/api/operator/v1/…` of the operator's door: one endpoint for each command that asks a running server.</summary>
internal static class OperatorApi
{
    public const string
        Ban = Root + "ban", Unban = Root + "unban", Bans = Root + "bans", PasswordLink = Root + "password-link", Backup = Root + "backup";
    public const string SearchRebuild = Root + "search-rebuild", SearchIndex = Root + "search-index";
    public const string Purge = Root + "purge";
    public const string Export = Root + "export", Import = Root + "import";

    /// <summary>Of a request, in bytes; a ban with its reason is a third of it.</summary>
    public const int LongestRequest = 4096;

    private const string Root = "/api/operator/v1/";

    public static void Map(IEndpointRouteBuilder routes, BanService bans, PasswordLinkService links, SnapshotService snapshots, SearchService search, PurgeService purge,
        ArchiveService archives)
    {
        routes.MapPost(Ban, context =>
            AnswerAsync(context, OperatorJson.Default.BanRequest, bans.BanAsync, OperatorJson.Default.BanAnswer));
        routes.MapPost(Unban, context =>
            AnswerAsync(context, OperatorJson.Default.UnbanRequest, bans.UnbanAsync, OperatorJson.Default.UnbanAnswer));
        routes.MapGet(Bans, () => TypedResults.Json(bans.List(), OperatorJson.Default.BansAnswer));
        routes.MapPost(PasswordLink, context =>
            AnswerAsync(context, OperatorJson.Default.PasswordLinkRequest, links.MakeAsync, OperatorJson.Default.PasswordLinkAnswer));
        routes.MapPost(Backup, snapshots.ServeAsync);
        routes.MapPost(SearchRebuild, context =>
            AnswerAsync(context, OperatorJson.Default.SearchRebuildRequest, search.RebuildAsync, OperatorJson.Default.SearchAnswer));
        routes.MapGet(SearchIndex, () => TypedResults.Json(search.Look(), OperatorJson.Default.SearchAnswer));
        routes.MapPost(Purge, context =>
            AnswerAsync(context, OperatorJson.Default.PurgeRequest, purge.BeginAsync, OperatorJson.Default.PurgeAnswer));
        routes.MapGet(Purge, () => TypedResults.Json(purge.Look(), OperatorJson.Default.PurgeAnswer));
        routes.MapPost(Export, archives.ExportAsync);
        routes.MapPost(Import, (HttpContext context) =>
            archives.ImportAsync(context, context.Request.Query["as"] is [{ } owner] ? owner : null, context.Request.Query["accounts"] == "match"));
        routes.MapDelete(Backup + "/{id}", IResult (string id) =>
            snapshots.TryEnd(id)
                ? TypedResults.NoContent()
                : Refused("This backup is over: the server has removed what was to be copied."));
    }

    /// <summary>Problem details whose `detail` is the line for the operator.</summary>
    public static IResult Refused(string why) => TypedResults.Problem(why, statusCode: StatusCodes.Status409Conflict);

    // Once asked for it is not taken back when the command goes: nothing here listens to the end of the connection.
    private static async Task AnswerAsync<TRequest, TAnswer>(
        HttpContext context, JsonTypeInfo<TRequest> request, Func<TRequest, Task<CommandOutcome<TAnswer>>> serve,
        JsonTypeInfo<TAnswer> answer)
        where TRequest : class
        where TAnswer : class
    {
        var body = await JsonBody.ReadAsync(context.Request, request, /* guard: an operator's request has an end */ LongestRequest);
        if (!body.TryGet(out var asked, out var problem))
        {
            await problem.ExecuteAsync(context);
            return;
        }

        IResult result = (await serve(asked)).TryGet(out var done, out var refused) ? TypedResults.Json(done, answer) : Refused(refused);
        await result.ExecuteAsync(context);
    }
}

/// <summary>What the client reads of problem details.</summary>
/// <param name="Detail">The line for the operator; null: the server does not know what was asked for.</param>
internal sealed record OperatorProblem(string? Detail = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(BanRequest))]
[JsonSerializable(typeof(BanAnswer))]
[JsonSerializable(typeof(UnbanRequest))]
[JsonSerializable(typeof(UnbanAnswer))]
[JsonSerializable(typeof(BansAnswer))]
[JsonSerializable(typeof(PasswordLinkRequest))]
[JsonSerializable(typeof(PasswordLinkAnswer))]
[JsonSerializable(typeof(SnapshotAnswer))]
[JsonSerializable(typeof(SearchRebuildRequest))]
[JsonSerializable(typeof(SearchAnswer))]
[JsonSerializable(typeof(PurgeRequest))]
[JsonSerializable(typeof(PurgeAnswer))]
[JsonSerializable(typeof(ExportRequest))]
[JsonSerializable(typeof(ImportAnswer))]
[JsonSerializable(typeof(OperatorProblem))]
internal sealed partial class OperatorJson : JsonSerializerContext;
