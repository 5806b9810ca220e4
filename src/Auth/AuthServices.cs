using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Passwords;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Auth.Tokens;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth;

/// <summary>Everything about accounts, login sessions and tokens, loaded and connected. Dispose it before the stores.</summary>
public sealed class AuthServices : IAsyncDisposable
{
    private readonly WriteGate _gate;
    private readonly PasswordHasher _hasher;

    private AuthServices(
        AuthOptions options, WriteGate gate, PasswordHasher hasher, AttemptLimits limits, AccountDirectory accounts,
        LoginSessions sessions, PasswordLinks links, AccountEvents events, TimeProvider time,
        NodePorts nodes, FirstAccountCode firstCode, ILoggerFactory loggers)
    {
        PasswordCheck check = new(accounts, sessions, hasher, limits);
        (Options, _gate, _hasher, Accounts, Sessions, Events) = (options, gate, hasher, accounts, sessions, events);
        Tokens = new AccessTokens(sessions, options, time);
        Registration = new Registration(accounts, hasher, limits, options, firstCode);
        Changes = new AccountChanges(accounts, sessions, check, limits, hasher, events, gate, time);
        Bans = new AccountBans(accounts, sessions, gate, time, loggers.CreateLogger<AccountBans>());
        PasswordLinks = links;
        InviteTries = new InviteTries(options, time);
        SignIn = new SignIn(accounts, sessions, check);
        MqttSignIn = new MqttSignIn(accounts, sessions, Tokens, check, time);
        Refusals = new RefusalLog(time, loggers.CreateLogger<RefusalLog>());
        Care = new AccountCare(accounts, sessions, check, Changes, gate);
        Sweeper = new Sweeper(sessions, accounts, Changes, links, Bans, time, nodes, loggers.CreateLogger<Sweeper>());
        _ = new HeardAccounts(accounts, sessions, events, nodes);
        SharedUses = [.. limits.Shared, sessions.Guests];
    }

    public AuthOptions Options { get; }

    public AccountDirectory Accounts { get; }

    public Registration Registration { get; }

    public AccountChanges Changes { get; }

    public AccountBans Bans { get; }

    public AccountCare Care { get; }

    public PasswordLinks PasswordLinks { get; }

    public InviteTries InviteTries { get; }

    public AccountEvents Events { get; }

    public LoginSessions Sessions { get; }

    public SignIn SignIn { get; }

    public MqttSignIn MqttSignIn { get; }

    public AccessTokens Tokens { get; }

    public RefusalLog Refusals { get; }

    /// <summary>What of the limits by account is told to other nodes.</summary>
    public IReadOnlyList<ISharedUse> SharedUses { get; }

    internal Sweeper Sweeper { get; }

    /// <summary>Reads all that is stored, and begins to watch for login sessions whose time has come.</summary>
    /// <param name="store">With what version 0.1 has left in it.</param>
    /// <param name="log">In the same store as <paramref name="records"/>.</param>
    /// <param name="records">Where login sessions and access tokens are kept.</param>
    public static Task<AuthServices> OpenAsync(
        DocumentStore store, IEventLog log, IRecords records, AuthOptions options, TimeProvider time, ILoggerFactory loggers) =>
        OpenAsync(store, log, records, options, PasswordCost.Current, time, loggers);

    /// <summary>The same where version 0.1 never was.</summary>
    /// <param name="nodes">Others that serve the same house; null: there are none.</param>
    public static Task<AuthServices> OpenAsync(
        IDocuments documents, IEventLog log, IRecords records, AuthOptions options, TimeProvider time, ILoggerFactory loggers, NodePorts? nodes = null) =>
        OpenAsync(documents, null, log, records, options, PasswordCost.Current, time, loggers, nodes ?? NodePorts.Alone);

    internal static Task<AuthServices> OpenAsync(
        DocumentStore store, IEventLog log, IRecords records, AuthOptions options, PasswordCost cost, TimeProvider time, ILoggerFactory loggers) =>
        OpenAsync(store.Documents, new FormerSessions(store), log, records, options, cost, time, loggers, NodePorts.Alone);

    internal static async Task<AuthServices> OpenAsync(
        IDocuments documents, FormerSessions? former, IEventLog log, IRecords records, AuthOptions options, PasswordCost cost, TimeProvider time,
        ILoggerFactory loggers, NodePorts nodes)
    {
        WriteGate gate = new(nodes.Turns);
        AccountEvents events = new(loggers.CreateLogger<AccountEvents>());
        var accounts = await AccountDirectory.LoadAsync(new AccountStore(documents, options.UserNamesPerAccount), gate, time);
        var logger = loggers.CreateLogger<LoginSessions>();
        var kept = await SessionStore.OpenAsync(former, log, records, time, logger);
        var sessions = await LoginSessions.LoadAsync(kept, accounts, events, options, time, nodes, logger);
        AttemptLimits limits = new(options, time, isShared: !nodes.IsAlone);
        PasswordHasher hasher = new(cost);
        var firstCode = nodes.IsAlone || !accounts.AwaitsFirstPerson ? new FirstAccountCode() : await FirstAccountCode.OfAllNodesAsync(documents);
        if (!nodes.IsAlone && !accounts.AwaitsFirstPerson)
        {
            await FirstAccountCode.ForgetAsync(documents);
        }

        var links = await Passwords.PasswordLinks.LoadAsync(
            new PasswordLinkStore(documents), accounts, sessions, hasher, limits, gate, time, nodes, loggers.CreateLogger<PasswordLinks>());
        return new AuthServices(options, gate, hasher, limits, accounts, sessions, links, events, time, nodes, firstCode, loggers);
    }

    public async ValueTask DisposeAsync()
    {
        await Sweeper.DisposeAsync();
        Refusals.Dispose();
        _hasher.Dispose();
        _gate.Dispose();
    }
}

/// <summary>Makes the parts of <see cref="AuthServices"/> known to a program.</summary>
public static class AuthServiceCollectionExtensions
{
    public static IServiceCollection AddWebMessengerAuth(this IServiceCollection services, AuthServices auth) => services
        .AddSingleton(auth.Options)
        .AddSingleton(auth.Accounts)
        .AddSingleton(auth.Registration)
        .AddSingleton(auth.Changes)
        .AddSingleton(auth.Bans)
        .AddSingleton(auth.Care)
        .AddSingleton(auth.PasswordLinks)
        .AddSingleton(auth.InviteTries)
        .AddSingleton(auth.Events)
        .AddSingleton(auth.Sessions)
        .AddSingleton(auth.SignIn)
        .AddSingleton(auth.MqttSignIn)
        .AddSingleton(auth.Tokens)
        .AddSingleton(auth.Refusals);
}
