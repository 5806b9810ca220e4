using WebMessenger.Auth;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Transports;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Host;

/// <summary>Everything on disk, opened together and closed in order.</summary>
internal sealed class Stores : IAsyncDisposable
{
    private const int MostTables = 10_000;

    private readonly DataFolder _folder;
    private readonly ILoggerFactory _loggers;
    private readonly RocksEventLog _log;

    private Stores(
        DataFolder folder, ServerClock clock, ILoggerFactory loggers, DocumentStore documents, AuthServices auth, RocksEventLog log) =>
        (_folder, Clock, _loggers, Documents, Auth, _log) = (folder, clock, loggers, documents, auth, log);

    public string Folder => _folder.FullPath;

    /// <summary>The time of the program, which is never before what is stored.</summary>
    public ServerClock Clock { get; }

    public DocumentStore Documents { get; }

    public AuthServices Auth { get; }

    public IEventLog Log => _log;

    /// <summary>In the same store as <see cref="Log"/>, and closed with it.</summary>
    public IRecords Records => _log;

    /// <summary>Of <see cref="Log"/>.</summary>
    public IJournal Journal => _log;

    /// <summary>Of <see cref="Log"/>.</summary>
    public ILogSpace Space => _log;

    public LogHealth Health => _log.Health;

    /// <summary>Derived from <see cref="Log"/>, and in no copy.</summary>
    public required ISearchIndex Search { get; init; }

    /// <summary>What other nodes write; alone, nobody does. As the ones below.</summary>
    public IReplication Replication { get; init; } = NoReplication.Instance;

    public INodeLinks Links { get; init; } = AloneLinks.Instance;

    public ILease Lease { get; init; } = AloneLease.Instance;

    public ITurns Turns { get; init; } = AloneTurns.Instance;

    public IDuties Duties { get; init; } = AloneDuties.Instance;

    /// <param name="system">The machine's clock, which may be wrong.</param>
    public static async Task<Stores> OpenAsync(BrokerSettings settings, HandleRoom room, TimeProvider system, ILoggerFactory loggers)
    {
        var folder = DataFolder.Open(settings.DataFolder);
        var noted = ClockFile.Read(settings.DataFolder);
        ServerClock time = new(system, noted?.Now, noted?.Doubted ?? TimeSpan.Zero);
        DocumentStore? documents = null;
        RocksEventLog? log = null;
        AuthServices? auth = null;
        FtsSearchIndex? search = null;
        try
        {
            (documents, log) = await DataStores.OpenAsync(folder, new RocksEventLogOptions { OpenFiles = room.StoreFiles }, time, loggers);
            var options = new AuthOptions
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
            auth = await AuthServices.OpenAsync(documents, log, log, options, time, loggers);
            if (/* guard: a stop counts for half a day */ time.StartsLater > TimeSpan.Zero)
            {
                // Before the first sweep looks for who has expired.
                await auth.Sessions.MoveAsync(time.StartsLater);
            }

            search = FtsSearchIndex.Open(DataFolder.SearchFolderIn(folder.FullPath), loggers.CreateLogger<FtsSearchIndex>());
            return new Stores(folder, time, loggers, documents, auth, log) { Search = search };
        }
        catch (Exception error)
        {
            search?.Dispose();
            if (auth is not null)
            {
                await auth.DisposeAsync();
            }

            if (log is not null)
            {
                await log.DisposeAsync();
            }

            if (documents is not null)
            {
                await documents.DisposeAsync();
            }

            folder.Dispose();
            throw error is IOException or UnauthorizedAccessException
                ? new StartupException($"The data in {settings.DataFolder} cannot be opened: {error.Message}", error)
                : error;
        }
    }

    /// <summary>
    /// Makes a copy of both stores in a new folder: all that was acknowledged before the call is in it.
    /// Events first: so no event names an account or a room that the copy does not have,
    /// and nobody has back in it a right that had ended when something was said.
    /// </summary>
    /// <exception cref="IOException">It could not be made.</exception>
    public async Task CopyAsync(string folder)
    {
        DataStores.CreateFolder(folder);
        await Task.Run(() => _log.SaveCopy(DataFolder.RoomsFolderIn(folder)));
        await Documents.CopyAsync(DataFolder.AccountsFileIn(folder));
    }

    /// <summary>See <see cref="RocksEventLog.Purge"/>; and the search index gives back what is free in it.</summary>
    /// <exception cref="IOException">It was not done to its end.</exception>
    public Task PurgeAsync() => Task.Run(() =>
    {
        _log.Purge();
        try
        {
            // A table each, of which there are fewer: should searches keep its file busy, it is done when they do not.
            _ = Enumerable.Range(0, MostTables).TakeWhile(table => Search.Clean(ofTables: true, out _)).Count();
            Search.Shrink();
        }
        catch (SearchIndexLostException)
        {
            // It is made anew from what there is.
        }
    });

    /// <summary>The same of values of data topics alone, which change all day where nothing is deleted.</summary>
    /// <exception cref="IOException">It was not done to its end.</exception>
    public Task PurgeValuesAsync() => Task.Run(() => _log.Purge(RetainedRecord.Prefix));

    public async ValueTask DisposeAsync()
    {
        Search.Dispose();
        await Auth.DisposeAsync();
        await Log.DisposeAsync();
        await Documents.DisposeAsync();
        _folder.Dispose();
        _loggers.Dispose();
    }
}
