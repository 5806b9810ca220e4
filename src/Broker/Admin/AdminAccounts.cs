using System.Runtime.CompilerServices;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Passwords;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Admin;

/// <summary>
/// Accounts, as those who look after the server see and change them. What is done is in effect on every client when it completes.
/// </summary>
/// <remarks>Thread-safe. A page looks at all accounts in memory, and at the login sessions of those it shows alone.</remarks>
internal sealed class AdminAccounts(
    AccountDirectory accounts,
    AccountCare care,
    AccountBans bans,
    PasswordLinks links,
    ConnectionDirectory connections,
    AdminProofs proofs,
    ServerAudit audit,
    TimeProvider time)
{
    // Made anew with each change of a profile, which is replaced as a whole.
    private readonly ConditionalWeakTable<Profile, string> _texts = [];

    /// <summary>By user name.</summary>
    /// <param name="query">Words that the user name or the name has, without regard to case and accents; null: any.</param>
    /// <param name="after">A user name; null: from the first.</param>
    public AccountsPage Page(string? query, AccountFilter filter, string? after, int most)
    {
        var words = SearchText.WordsOf(query);

        // One more than is shown tells whether there are more.
        var found = accounts.All
            .Where(account => IsWanted(account, filter) && (words.Length == 0 || SearchText.HasAll(TextOf(account), words)))
            .Select(account => (Name: account.UserName, Account: account))
            .Where(one => after is null || string.CompareOrdinal(one.Name, after) > 0)
            .OrderBy(one => one.Name, StringComparer.Ordinal)
            .Take(most + 1)
            .ToList();
        var shown = found.Take(most).ToList();
        return new AccountsPage([.. shown.Select(one => ViewOf(one.Account))], found.Count > most ? shown[^1].Name : null);
    }

    public AdminOutcome<AccountView> Find(string user) => accounts.FindByUserName(user) is { } account ? ViewOf(account) : AdminRefusal.NoSuchAccount;

    /// <param name="until">In the future; null: it has no end.</param>
    public async Task<AdminOutcome<AccountView>> BanAsync(AdminActor by, string user, DateTimeOffset? until, string? reason)
    {
        if (!Ban.TryReason(reason, out var why))
        {
            return AdminRefusal.Field("reason", FieldCodes.Invalid, $"A reason is one line of at most {Ban.MaxReasonScalars} visible characters.");
        }

        if (until <= time.GetUtcNow())
        {
            return AdminRefusal.Field("until", FieldCodes.Past, "A ban ends in the future.");
        }

        var outcome = await bans.BanAsync(user, why, until, by.MayTouch);
        if (WhyNot(by, outcome) is { } refused)
        {
            return refused;
        }

        await audit.NoteAsync(by, "ban", outcome.Account!.UserName, why, until);
        return ViewOf(outcome.Account);
    }

    public async Task<AdminOutcome<AccountView>> UnbanAsync(AdminActor by, string user)
    {
        var outcome = await bans.LiftAsync(user, _ => by.IsInOffice);
        if (WhyNot(by, outcome) is { } refused)
        {
            return refused;
        }

        await audit.NoteAsync(by, "unban", outcome.Account!.UserName);
        return ViewOf(outcome.Account);
    }

    /// <summary>Ends all that the account is signed in by, its access tokens only if <paramref name="alsoTokens"/>.</summary>
    public async Task<AdminOutcome<AccountView>> EndSessionsAsync(AdminActor by, string user, bool alsoTokens)
    {
        if (Touched(by, user, out var account) is { } refused)
        {
            return refused;
        }

        if (!await care.EndSessionsAsync(account, alsoTokens, () => by.MayTouch(account)))
        {
            return WhyNot(by, account);
        }

        await audit.NoteAsync(by, "sessions", account.UserName, alsoTokens ? "tokens" : null);
        return ViewOf(account);
    }

    /// <summary>A link by which the account sets a new password. All that it is signed in by ends, tokens too.</summary>
    /// <param name="pages">Where this server's pages are, without a slash at the end.</param>
    public async Task<AdminOutcome<LinkView>> LinkAsync(AdminActor by, string user, string? password, Func<string> pages)
    {
        if ((Touched(by, user, out var account) ?? await proofs.AskAsync(by, password)) is { } refused)
        {
            return refused;
        }

        var outcome = await links.MakeAsync(account.UserName, by.MayTouch);
        if (!outcome.IsDone)
        {
            return outcome.Result switch
            {
                PasswordLinkResult.Guest => AdminRefusal.IsGuest,
                PasswordLinkResult.Banned => AdminRefusal.IsBanned,
                PasswordLinkResult.NoSuchAccount => AdminRefusal.NoSuchAccount,
                _ => WhyNot(by, account),
            };
        }

        // guard: a link of an administrator ends what is open
        await care.EndSessionsAsync(account, alsoTokens: true, () => true);
        await audit.NoteAsync(by, "password-link", account.UserName);
        return new LinkView($"{pages()}/p#{outcome.Secret}", Timestamps.Format(outcome.Link.ExpiresAt));
    }

    public async Task<AdminOutcome<Nothing>> EraseAsync(AdminActor by, string user, string? password)
    {
        if ((Touched(by, user, out var account) ?? await proofs.AskAsync(by, password)) is { } refused)
        {
            return refused;
        }

        if (!await care.EraseAsync(account, () => by.MayTouch(account)))
        {
            return WhyNot(by, account);
        }

        await audit.NoteAsync(by, "erase", account.UserName);
        return Nothing.More;
    }

    /// <summary>
    /// Makes somebody an administrator, or takes that away: his own alone, while another one remains; the operator takes it from anybody.
    /// </summary>
    public async Task<AdminOutcome<Nothing>> SetAdministratorAsync(AdminActor by, string user, bool isAdministrator, string? password)
    {
        if (accounts.FindByUserName(user) is not { } account)
        {
            return AdminRefusal.NoSuchAccount;
        }

        // Of another administrator it is refused before a password is looked at.
        bool May() => by.IsInOffice && (isAdministrator || by.Session is null || /* guard: nobody takes another's rank */ by.Session.Account == account);
        if (!isAdministrator && account.Profile.IsAdministrator && !May())
        {
            return WhyNot(by, account);
        }

        if (await proofs.AskAsync(by, password) is { } refused)
        {
            return refused;
        }

        switch (await care.SetAdministratorAsync(account, isAdministrator, May))
        {
            case CareResult.Done:
                await audit.NoteAsync(by, isAdministrator ? "admin" : "unadmin", account.UserName);
                return Nothing.More;
            case CareResult.Unchanged:
                return Nothing.More;
            case CareResult.Guest:
                return AdminRefusal.IsGuest;
            case CareResult.Banned:
                return AdminRefusal.IsBanned;
            case CareResult.Last:
                return AdminRefusal.LastAdministrator;
            default:
                return WhyNot(by, account);
        }
    }

    private static bool IsWanted(Account account, AccountFilter filter) => !account.IsErased && filter switch
    {
        AccountFilter.Administrators => account.Profile.IsAdministrator,
        AccountFilter.Banned => account.Ban is not null,
        AccountFilter.Guests => account.IsGuest,
        _ => true,
    };

    private string TextOf(Account account) =>
        _texts.GetValue(account.Profile, static profile => SearchText.Of($"{profile.UserName} {profile.DisplayName}"));

    private AccountView ViewOf(Account account)
    {
        var (loginSessions, lastSeen) = care.SeenOf(account);
        var ban = account.Ban;
        return new AccountView(
            account.UserName,
            account.DisplayName,
            account.IsGuest ? "guest" : "person",
            account.Profile.IsAdministrator,
            Timestamps.Format(account.CreatedAt),
            lastSeen is { } seen ? Timestamps.Format(seen) : null,
            loginSessions,
            connections.OfAccount(account.Id).Length,
            ban?.Until is { } until ? Timestamps.Format(until) : null,
            ban is not null,
            ban?.Reason);
    }

    // Null: there is such an account, and he may do something to it.
    private AdminRefusal? Touched(AdminActor by, string user, out Account account)
    {
        account = accounts.FindByUserName(user)!;
        return account is null ? AdminRefusal.NoSuchAccount : by.MayTouch(account) ? null : WhyNot(by, account);
    }

    private static AdminRefusal WhyNot(AdminActor by, Account account) =>
        !by.IsInOffice ? AdminRefusal.NotInOffice
        : account.IsErased ? AdminRefusal.NoSuchAccount
        : AdminRefusal.IsAdministrator;

    private static AdminRefusal? WhyNot(AdminActor by, BanOutcome outcome) => outcome.Result switch
    {
        BanResult.Done => null,
        BanResult.AlreadyBanned => AdminRefusal.AlreadyBanned,
        BanResult.NotBanned => AdminRefusal.NotBanned,
        BanResult.NotAllowed => WhyNot(by, outcome.Account!),
        _ => AdminRefusal.NoSuchAccount,
    };
}

/// <summary>Which accounts are wanted.</summary>
internal enum AccountFilter
{
    All,
    Administrators,
    Banned,
    Guests,
}
