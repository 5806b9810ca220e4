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

namespace WebMessenger.Auth;

/// <summary>Everything about accounts, login sessions and tokens, loaded and connected. Dispose it before the store.</summary>
public sealed class AuthServices : IAsyncDisposable
{
    private readonly WriteGate _gate;
    private readonly PasswordHasher _hasher;

    private AuthServices(
        AuthOptions options, WriteGate gate, PasswordHasher hasher, AttemptLimits limits, AccountDirectory accounts,
        LoginSessions sessions, AccessTokenStore tokens, PasswordLinks links, AccountEvents events, TimeProvider time,
        ILoggerFactory loggers)
    {
        PasswordCheck check = new(accounts, sessions, hasher, limits);
        (Options, _gate, _hasher, Accounts, Sessions, Events) = (options, gate, hasher, accounts, sessions, events);
        Tokens = new AccessTokens(sessions, tokens, gate, options, time);
        Registration = new Registration(accounts, hasher, limits, options);
        Changes = new AccountChanges(accounts, sessions, check, limits, hasher, events, gate, time);
        Bans = new AccountBans(accounts, sessions, gate, time, loggers.CreateLogger<AccountBans>());
        PasswordLinks = links;
        SignIn = new SignIn(accounts, sessions, check);
        MqttSignIn = new MqttSignIn(accounts, sessions, Tokens, check, time);
        Refusals = new RefusalLog(time, loggers.CreateLogger<RefusalLog>());
        Sweeper = new Sweeper(sessions, accounts, Changes, links, time, loggers.CreateLogger<Sweeper>());
    }

    public AuthOptions Options { get; }

    public AccountDirectory Accounts { get; }

    public Registration Registration { get; }

    public AccountChanges Changes { get; }

    public AccountBans Bans { get; }

    public PasswordLinks PasswordLinks { get; }

    public AccountEvents Events { get; }

    public LoginSessions Sessions { get; }

    public SignIn SignIn { get; }

    public MqttSignIn MqttSignIn { get; }

    public AccessTokens Tokens { get; }

    public RefusalLog Refusals { get; }

    internal Sweeper Sweeper { get; }

    /// <summary>Reads all that is stored, and begins to watch for login sessions whose time has come.</summary>
    public static Task<AuthServices> OpenAsync(DocumentStore store, AuthOptions options, TimeProvider time, ILoggerFactory loggers) =>
        OpenAsync(store, options, PasswordCost.Current, time, loggers);

    internal static async Task<AuthServices> OpenAsync(DocumentStore store, AuthOptions options, PasswordCost cost, TimeProvider time, ILoggerFactory loggers)
    {
        WriteGate gate = new();
        AccessTokenStore tokens = new(store);
        AccountEvents events = new(loggers.CreateLogger<AccountEvents>());
        var accounts = await AccountDirectory.LoadAsync(new LiteAccountStore(store, options.UserNamesPerAccount), gate, time);
        var sessions = await LoginSessions.LoadAsync(
            new LoginSessionStore(store), tokens, accounts, events, gate, options, time, loggers.CreateLogger<LoginSessions>());
        AttemptLimits limits = new(options, time);
        PasswordHasher hasher = new(cost);
        var links = await Passwords.PasswordLinks.LoadAsync(
            new PasswordLinkStore(store), accounts, sessions, hasher, limits, gate, time, loggers.CreateLogger<PasswordLinks>());
        return new AuthServices(options, gate, hasher, limits, accounts, sessions, tokens, links, events, time, loggers);
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
        .AddSingleton(auth.PasswordLinks)
        .AddSingleton(auth.Events)
        .AddSingleton(auth.Sessions)
        .AddSingleton(auth.SignIn)
        .AddSingleton(auth.MqttSignIn)
        .AddSingleton(auth.Tokens)
        .AddSingleton(auth.Refusals);
}
