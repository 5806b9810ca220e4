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

/// <summary>What a house is stored in: files of this program alone (<see cref="FileHouse"/>), or what several nodes share.</summary>
internal abstract class House : IAsyncDisposable
{
    public abstract IDocuments Documents { get; }

    public abstract IEventLog Log { get; }

    /// <summary>In the same store as <see cref="Log"/>, and closed with it.</summary>
    public abstract IRecords Records { get; }

    /// <summary>Of <see cref="Log"/>.</summary>
    public abstract IJournal Journal { get; }

    /// <summary>Of <see cref="Log"/>.</summary>
    public abstract ILogSpace Space { get; }

    public abstract LogHealth Health { get; }

    /// <summary>Derived from <see cref="Log"/>, and in no copy.</summary>
    public abstract ISearchIndex Search { get; }

    /// <summary>What other nodes write; alone, nobody does. As the ones below.</summary>
    public virtual IReplication Replication => NoReplication.Instance;

    public virtual INodeLinks Links => AloneLinks.Instance;

    public virtual ILease Lease => AloneLease.Instance;

    public virtual ITurns Turns => AloneTurns.Instance;

    public virtual IDuties Duties => AloneDuties.Instance;

    /// <summary>Completes, with why in one line, when this program can serve no longer and has to be started anew.</summary>
    public virtual Task<string> Lost => Health.Lost;

    /// <param name="folder">Held by the caller.</param>
    /// <exception cref="IOException">It cannot be opened; nothing is open then.</exception>
    /// <exception cref="StartupException">The same, told in one line.</exception>
    public static async Task<House> OpenAsync(BrokerSettings settings, DataFolder folder, HandleRoom room, TimeProvider time, ILoggerFactory loggers) =>
        settings.Cluster is { } cluster
            ? await NodeHouse.OpenAsync(cluster, time, loggers)
            : await FileHouse.OpenAsync(folder, room, time, loggers);

    public abstract Task<AuthServices> OpenAuthAsync(AuthOptions options, TimeProvider time, ILoggerFactory loggers);

    /// <summary>
    /// Makes a copy of both stores in a new folder: all that was acknowledged before the call is in it.
    /// Events first: so no event names an account or a room that the copy does not have,
    /// and nobody has back in it a right that had ended when something was said.
    /// </summary>
    /// <exception cref="IOException">It could not be made.</exception>
    public abstract Task CopyAsync(string folder);

    /// <summary>See <see cref="RocksEventLog.Purge"/>; and the search index gives back what is free in it.</summary>
    /// <exception cref="IOException">It was not done to its end.</exception>
    public abstract Task PurgeAsync();

    /// <summary>The same of values of data topics alone, which change all day where nothing is deleted.</summary>
    /// <exception cref="IOException">It was not done to its end.</exception>
    public abstract Task PurgeValuesAsync();

    public abstract ValueTask DisposeAsync();
}
