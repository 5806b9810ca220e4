using WebMessenger.Auth.Passwords;
using WebMessenger.Broker.Admin;

namespace WebMessenger.Broker.Operator;

/// <param name="Login">User name or e-mail address.</param>
internal sealed record PasswordLinkRequest(string? Login);

/// <param name="User">Whose password it sets, as the account is written, and <paramref name="Name"/> as it is called.</param>
/// <param name="Pages">Where this server's pages are, without a slash at the end.</param>
internal sealed record PasswordLinkAnswer(string User, string Name, string Secret, DateTimeOffset ExpiresAt, string Pages)
{
    // A record would print the secret.
    public override string ToString() => User;
}

/// <summary>Makes password links: in the running server, or in a command on the data of one that is stopped.</summary>
/// <param name="pages">Where the pages are, asked for when a link is made.</param>
/// <param name="audit">Where it is noted; null: no server runs.</param>
internal sealed class PasswordLinkService(PasswordLinks links, Func<string> pages, ServerAudit? audit = null)
{
    /// <summary>Where the pages are, without a slash at the end.</summary>
    public Func<string> Pages => pages;

    /// <summary>When it completes, the link is on disk.</summary>
    public async Task<CommandOutcome<PasswordLinkAnswer>> MakeAsync(PasswordLinkRequest request)
    {
        if (request.Login is not { Length: > 0 } login)
        {
            return CommandOutcome<PasswordLinkAnswer>.Not("It was not said for whom.");
        }

        try
        {
            var outcome = await links.MakeAsync(login);
            await (outcome.IsDone && audit is not null ? audit.NoteAsync(AdminActor.Operator, "password-link", outcome.Account!.UserName) : Task.CompletedTask);
            return outcome is { IsDone: true, Link: var link }
                ? new(new PasswordLinkAnswer(link.Account.UserName, link.Account.DisplayName, outcome.Secret, link.ExpiresAt, pages()))
                : CommandOutcome<PasswordLinkAnswer>.Not(Why(outcome, login));
        }
        catch (IOException error)
        {
            return CommandOutcome<PasswordLinkAnswer>.Not($"It could not be stored: {error.Message}");
        }
    }

    private static string Why(PasswordLinkOutcome outcome, string login) => outcome switch
    {
        { Result: PasswordLinkResult.Guest, Account: { } guest } => $"{guest.UserName} is a guest, and guests have no password.",
        { Result: PasswordLinkResult.Banned, Account: { } banned } =>
            $"{banned.UserName} is banned, and a link would open nothing. Lift the ban first: unban {banned.UserName}",
        _ => $"There is no account with the user name or e-mail address {login}.",
    };
}
