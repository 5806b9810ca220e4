using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.SigningIn;

namespace WebMessenger.Broker.Operator;

/// <summary>What the operator wants of bans.</summary>
internal enum BanWish
{
    Ban,
    Unban,
    List,
}

/// <param name="User">Of a ban and its end.</param>
/// <param name="Reason">Of a ban; may be missing.</param>
internal sealed record BanRequest(BanWish Wish, string? User = null, string? Reason = null);

/// <summary>One banned account, as it is listed.</summary>
internal sealed record BannedAccount(string User, DateTimeOffset At, string? Reason = null);

/// <param name="User">Whose ban it is, as the account is written.</param>
/// <param name="Sessions">Login sessions that the ban has ended, and <paramref name="Tokens"/> access tokens.</param>
/// <param name="Banned">The list.</param>
internal sealed record BanAnswer(string? Error = null, string? User = null, int Sessions = 0, int Tokens = 0, IReadOnlyList<BannedAccount>? Banned = null) : IControlAnswer;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(BanRequest))]
[JsonSerializable(typeof(BanAnswer))]
internal sealed partial class BanJson : JsonSerializerContext;

/// <summary>Bans accounts, lifts bans and lists them: in the running server, or in a command on the data of one that is stopped.</summary>
internal sealed class BanService(AccountBans bans) : IControlService
{
    public const string Ask = "ban 1";

    public string Request => Ask;

    public async Task ServeAsync(string argument, StreamReader reader, StreamWriter writer, CancellationToken stopping)
    {
        BanAnswer answer;
        try
        {
            answer = JsonSerializer.Deserialize(argument, BanJson.Default.BanRequest) is { } request ? await AnswerAsync(request) : new(Error: "Nothing was asked for.");
        }
        catch (JsonException)
        {
            answer = new(Error: "The server does not understand this program.");
        }

        await writer.AnswerAsync(answer, BanJson.Default.BanAnswer);
    }

    /// <summary>When it completes, a ban is on disk and nothing of the account's login sessions is left.</summary>
    public async Task<BanAnswer> AnswerAsync(BanRequest request)
    {
        try
        {
            switch (request)
            {
                case { Wish: BanWish.List }:
                    return new(Banned: [.. bans.All.Select(banned => new BannedAccount(banned.Account.UserName, banned.Ban.At, banned.Ban.Reason))]);
                case { Wish: BanWish.Ban, User: { } user }:
                    return Ban.TryReason(request.Reason, out var reason)
                        ? Answer(user, await bans.BanAsync(user, reason))
                        : new(Error: $"A reason is one line of at most {Ban.MaxReasonScalars} visible characters.");
                case { Wish: BanWish.Unban, User: { } user }:
                    return Answer(user, await bans.LiftAsync(user));
                case { Wish: BanWish.Ban or BanWish.Unban }:
                    return new(Error: "It was not said whom.");
                default:
                    // guard: a wish that is none
                    return new(Error: "The server does not understand this program.");
            }
        }
        catch (IOException error)
        {
            return new(Error: $"It could not be stored: {error.Message} Look at the list of bans, and try again.");
        }
    }

    public static string When(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    private static BanAnswer Answer(string asked, BanOutcome outcome) => outcome switch
    {
        { IsDone: true } => new(User: outcome.Account.UserName, Sessions: outcome.Sessions, Tokens: outcome.Tokens),
        { Result: BanResult.AlreadyBanned, Account: { Ban: { } ban } account } =>
            new(Error: $"{account.UserName} is banned already, since {When(ban.At)}{(ban.Reason is null ? "" : $": {ban.Reason}")}."),
        { Account: { } account } => new(Error: $"{account.UserName} is not banned."),
        _ => new(Error: $"There is no account with the user name {asked}."),
    };
}
