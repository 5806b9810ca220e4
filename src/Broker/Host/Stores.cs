using System.Data.Common;
using WebMessenger.Auth;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Transports;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Host;

/// <summary>Everything that is stored, and who may sign in, opened together and closed in order.</summary>
internal sealed class Stores : IAsyncDisposable
{
    private readonly DataFolder _folder;
    private readonly ILoggerFactory _loggers;

    // One node at a time makes what is there once, such as the rooms that every house has.
    private readonly IDisposable _starting;

    private Stores(DataFolder folder, ServerClock clock, ILoggerFactory loggers, House house, AuthServices auth, IDisposable starting) =>
        (_folder, Clock, _loggers, House, Auth, _starting) = (folder, clock, loggers, house, auth, starting);

    public string Folder => _folder.FullPath;

    /// <summary>The time of the program, which is never before what is stored.</summary>
    public ServerClock Clock { get; }

    public House House { get; }

    public AuthServices Auth { get; }

    public IDocuments Documents => House.Documents;

    public IEventLog Log => House.Log;

    public IRecords Records => House.Records;

    public IJournal Journal => House.Journal;

    public ILogSpace Space => House.Space;

    public LogHealth Health => House.Health;

    public ISearchIndex Search => House.Search;

    public IReplication Replication => House.Replication;

    public INodeLinks Links => House.Links;

    public ILease Lease => House.Lease;

    public ITurns Turns => House.Turns;

    public IDuties Duties => House.Duties;

    public bool IsAlone => House is FileHouse;

    /// <summary>Nobody else serves the house now: what was left unfinished was left by who is gone.</summary>
    public bool IsFirst => Links.Others.Count == 0;

    /// <summary>Until <see cref="BeginAsync"/> other nodes do not start.</summary>
    /// <param name="system">The machine's clock, which may be wrong.</param>
    public static async Task<Stores> OpenAsync(BrokerSettings settings, HandleRoom room, TimeProvider system, ILoggerFactory loggers)
    {
        var isAlone = settings.Cluster is null;
        var folder = isAlone ? DataFolder.Open(settings.DataFolder) : DataFolder.OpenForNode(settings.DataFolder);
        House? house = null;
        AuthServices? auth = null;
        IDisposable? starting = null;
        try
        {
            // Of a cluster's nodes this one may have been away while others ran: what it has noted says nothing of the house.
            var noted = isAlone ? ClockFile.Read(settings.DataFolder) : null;
            ServerClock time = new(system, noted?.Now, noted?.Doubted ?? TimeSpan.Zero);
            house = await House.OpenAsync(settings, folder, room, time, loggers);
            starting = await house.Turns.TakeAsync("start");
            auth = await house.OpenAuthAsync(OptionsOf(settings), time, loggers);
            if (/* guard: a stop counts for half a day */ time.StartsLater > TimeSpan.Zero)
            {
                // Before the first sweep looks for who has expired.
                await auth.Sessions.MoveAsync(time.StartsLater);
            }

            return new Stores(folder, time, loggers, house, auth, starting);
        }
        catch (Exception error)
        {
            if (auth is not null)
            {
                await auth.DisposeAsync();
            }

            starting?.Dispose();
            if (house is not null)
            {
                await house.DisposeAsync();
            }

            folder.Dispose();
            throw error is IOException or UnauthorizedAccessException
                ? new StartupException(
                    isAlone ? $"The data in {settings.DataFolder} cannot be opened: {error.Message}"
                        : $"What is stored at WebMessenger:Cluster:Postgres cannot be opened: {error.Message}", error)
                : error;
        }
    }

    /// <summary>
    /// All is loaded, and everybody listens.
    /// Completes when this node has heard what others wrote meanwhile, is told and asked by them, and may serve.
    /// </summary>
    /// <exception cref="StartupException">It cannot join them.</exception>
    public async Task BeginAsync()
    {
        try
        {
            await Replication.BeginAsync();
            _starting.Dispose();
            await Links.StartAsync();
            await Lease.WhenFreshAsync();
        }
        catch (Exception error) when (!IsAlone && error is DbException or IOException or ObjectDisposedException)
        {
            throw new StartupException($"This node could not join the others: {error.Message}", error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _starting.Dispose();
        await Auth.DisposeAsync();
        await House.DisposeAsync();
        _folder.Dispose();
        _loggers.Dispose();
    }

    private static AuthOptions OptionsOf(BrokerSettings settings) => new()
    {
        GuestsEnabled = settings.GuestsEnabled,
        RegistrationEnabled = settings.RegistrationEnabled,
        SignInsPerMinutePerAddress = settings.Limits.SignInsPerMinutePerAddress,
        RegistrationsPerHourPerAddress = settings.Limits.RegistrationsPerHourPerAddress,
        GuestsPerMinutePerAddress = settings.Limits.GuestsPerMinutePerAddress,
        WrongPasswordsPerHourPerAccount = settings.Limits.WrongPasswordsPerHourPerAccount,
        AccountTriesPerDay = settings.Limits.AccountTriesPerDay,
        UserNameChangesPerMonth = settings.Limits.UserNameChangesPerMonth,
        UserNamesPerAccount = settings.Limits.UserNamesPerAccount,
        DisplayNameChangesPerHour = settings.Limits.DisplayNameChangesPerHour,
        LoginSessionsPerAccount = settings.Limits.LoginSessionsPerAccount,
        TokensPerAccount = settings.Limits.TokensPerAccount,
    };
}
