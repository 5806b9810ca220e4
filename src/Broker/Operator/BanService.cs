using System.Globalization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Admin;

namespace WebMessenger.Broker.Operator;

/// <param name="Reason">May be missing.</param>
internal sealed record BanRequest(string? User, string? Reason = null);

/// <param name="User">Whose ban it is, as the account is written.</param>
/// <param name="Sessions">Login sessions that the ban has ended, and <paramref name="Tokens"/> access tokens.</param>
internal sealed record BanAnswer(string User, int Sessions, int Tokens);

internal sealed record UnbanRequest(string? User);

internal sealed record UnbanAnswer(string User);

/// <summary>One banned account, as it is listed.</summary>
internal sealed record BannedAccount(string User, DateTimeOffset At, string? Reason = null);

internal sealed record BansAnswer(IReadOnlyList<BannedAccount> Banned);

/// <summary>Bans accounts, lifts bans and lists them: in the running server, or in a command on the data of one that is stopped.</summary>
/// <param name="audit">Where it is noted; null: no server runs.</param>
internal sealed class BanService(AccountBans bans, ServerAudit? audit = null)
{
    public BansAnswer List() =>
        new([.. bans.All.Select(banned => new BannedAccount(banned.Account.UserName, banned.Ban.At, banned.Ban.Reason))]);

    /// <summary>When it completes, the ban is on disk and nothing of the account's login sessions is left.</summary>
    public Task<CommandOutcome<BanAnswer>> BanAsync(BanRequest request) =>
        Ban.TryReason(request.Reason, out var reason)
            ? ChangeAsync(
                request.User, "ban", reason, user => bans.BanAsync(user, reason),
                done => new BanAnswer(done.Account!.UserName, done.Sessions, done.Tokens))
            : Task.FromResult(CommandOutcome<BanAnswer>.Not($"A reason is one line of at most {Ban.MaxReasonScalars} visible characters."));

    public Task<CommandOutcome<UnbanAnswer>> UnbanAsync(UnbanRequest request) =>
        ChangeAsync(request.User, "unban", null, user => bans.LiftAsync(user), done => new UnbanAnswer(done.Account!.UserName));

    public static string When(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    private async Task<CommandOutcome<T>> ChangeAsync<T>(
        string? user, string act, string? detail, Func<string, Task<BanOutcome>> change, Func<BanOutcome, T> done)
        where T : class
    {
        if (user is null)
        {
            return CommandOutcome<T>.Not("It was not said whom.");
        }

        try
        {
            var outcome = await change(user);
            await (outcome.IsDone && audit is not null ? audit.NoteAsync(AdminActor.Operator, act, outcome.Account.UserName, detail) : Task.CompletedTask);
            return outcome.IsDone ? new(done(outcome)) : CommandOutcome<T>.Not(Why(user, outcome));
        }
        catch (IOException error)
        {
            return CommandOutcome<T>.Not($"It could not be stored: {error.Message} Look at the list of bans, and try again.");
        }
    }

    private static string Why(string asked, BanOutcome outcome) => outcome switch
    {
        { Result: BanResult.AlreadyBanned, Account: { Ban: { } ban } account } =>
            $"{account.UserName} is banned already, since {When(ban.At)}{(ban.Reason is null ? "" : $": {ban.Reason}")}.",
        { Account: { } account } => $"{account.UserName} is not banned.",
        _ => $"There is no account with the user name {asked}.",
    };
}
