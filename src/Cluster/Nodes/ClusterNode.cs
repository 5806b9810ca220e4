using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.Runtime;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Nodes;

/// <summary>This program as a node among others: its name, lease, links, turns and duties.</summary>
internal sealed partial class ClusterNode : IAsyncDisposable
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _cleaning = TimeSpan.FromHours(1);
    private static readonly TimeSpan _stopWithin = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly NpgsqlDataSource _database;
    private readonly IHost _silo;
    private readonly LeaseRenewal _renewal;
    private readonly NodeLease _lease;
    private readonly NodeWatch _watch;
    private readonly OrleansLinks _links;
    private readonly AdvisoryTurns _turns;
    private readonly AdvisoryDuties _duties;
    private readonly ILogger _logger;
    private Task _watching = Task.CompletedTask;
    private Task _clean = Task.CompletedTask;
    private bool _isOver;

    private ClusterNode(NodeOptions options, string name, NpgsqlDataSource database, NodeHooks hooks, ILoggerFactory loggers)
    {
        (Name, _database, _logger) = (name, database, loggers.CreateLogger<ClusterNode>());
        hooks.Back += database.Clear;
        _lease = new(hooks);
        _watch = new(database, name, loggers.CreateLogger<NodeWatch>());
        _renewal = new(options.Postgres, name, _lease, _watch, hooks, loggers.CreateLogger<LeaseRenewal>());
        _silo = SiloHost.Build(options, name, loggers, reason => _lease.End($"Orleans has ended its silo: {reason}"));
        var of = _silo.Services;
        _links = new(
            name, database, _watch, of.GetRequiredService<LinkIntake>(), of.GetRequiredService<NodeServices>(), _renewal, _lease, hooks, options,
            loggers.CreateLogger<OrleansLinks>());
        _turns = new(options.Postgres, name, options.TurnConnections, hooks, _lease.End);
        _duties = new(options.Postgres, name, _lease, _watch, hooks, loggers.CreateLogger<AdvisoryDuties>());
    }

    /// <summary>As in <see cref="INodeLinks.Self"/>; its connections to the database have it as application_name.</summary>
    public string Name { get; }

    public ILease Lease => _lease;

    public INodeLinks Links => _links;

    public ITurns Turns => _turns;

    public IDuties Duties => _duties;

    /// <summary>
    /// Completes with the reason when others have gone on without this node: the program has to end itself, with exit code 3.
    /// </summary>
    public Task<string> Ended => _lease.Ended;

    /// <summary>
    /// Makes this program a node: its row, its lease, its silo. Others can reach it then, and are told that it serves nobody yet, until
    /// <see cref="INodeLinks.StartAsync"/>.
    /// </summary>
    /// <param name="name">By <see cref="NodeName"/>; new at each start.</param>
    /// <param name="hooks">May be filled later, before the links are started.</param>
    /// <exception cref="IOException">It cannot be one, in one line.</exception>
    /// <exception cref="NpgsqlException">The database is not there, or its schema is not.</exception>
    public static async Task<ClusterNode> StartAsync(NodeOptions options, string name, NodeHooks hooks, ILoggerFactory loggers)
    {
        if (options.Mistake() is { } mistake)
        {
            throw new IOException(mistake);
        }

        NpgsqlConnectionStringBuilder text = new(options.Postgres) { ApplicationName = name, MaxPoolSize = ConnectionCounts.Membership, Timeout = 5, CommandTimeout = 5 };
        var database = NpgsqlDataSource.Create(text);
        try
        {
            await BuryThoseWhoAreOverAsync(database, options);
            ClusterNode node = new(options, name, database, hooks, loggers);
            await node.BeginAsync();
            return node;
        }
        catch (Exception)
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>Leaves in order: its row goes last, so that others know that nothing comes after it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isOver, true))
        {
            return;
        }

        await _stop.CancelAsync();
        await TryAsync(() => NodeRows.SetStateAsync(_database, Name, NodeRows.Leaving));
        await _duties.DisposeAsync();
        await _turns.DisposeAsync();
        _links.Stop();
        await TryAsync(StopSiloAsync);
        await _watching;
        await _clean;
        _lease.Close();
        _renewal.Dispose();
        await TryAsync(() => NodeRows.RemoveAsync(_database, Name));
        _silo.Dispose();
        await _database.DisposeAsync();
        _stop.Dispose();
    }

    // Rows of nodes that were killed would hold up the silo for long: it tries to reach them.
    private static async Task BuryThoseWhoAreOverAsync(NpgsqlDataSource database, NodeOptions options)
    {
        if (/* guard: who still listens there is not replaced */ IsFree(options))
        {
            // Where nobody listens any more, the one who did has ended: he is not waited for until his lease is over.
            IPEndPoint own = new(options.Address, options.Port);
            foreach (var row in (await NodeRows.ReadAsync(database)).Where(row => !row.IsDead && SiloAddress.FromParsableString(row.Address).Endpoint.Equals(own)))
            {
                await NodeRows.CondemnAsync(database, row.Name, by: null);
            }
        }

        Dictionary<string, (DateTime Renewed, TimeSpan Since)> seen = [];
        while (true)
        {
            var rows = await NodeRows.ReadAsync(database);
            var old = rows.Where(row => !row.IsDead && row.Age > LeaseRenewal.Every * 2).ToList();
            if (old.Count == 0)
            {
                break;
            }

            foreach (var row in old)
            {
                if (!seen.TryGetValue(row.Name, out var before) || before.Renewed != row.Renewed)
                {
                    seen[row.Name] = (row.Renewed, LeaseClock.Now);
                }
                else if (row.Age > NodeRows.Over && LeaseClock.Now - before.Since > NodeLease.Holds)
                {
                    await NodeRows.BuryAsync(database, row.Name, row.Renewed);
                }
            }

            await Task.Delay(_look);
        }

        await NodeRows.CleanAsync(database, SiloHost.Deployment);
    }

    private static bool IsFree(NodeOptions options)
    {
        try
        {
            using TcpListener listener = new(options.Address, options.Port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task BeginAsync()
    {
        await NodeRows.AddAsync(
            _database, Name, _silo.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress.ToParsableString(),
            typeof(ClusterNode).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "");
        try
        {
            await _renewal.StartAsync();
            await _silo.StartAsync();
        }
        catch (Exception error)
        {
            await DisposeAsync();
            throw new IOException($"This node could not begin: {error.Message}", error);
        }

        _watching = Task.Run(WatchSilosAsync);
        _clean = Task.Run(CleanAsync);
    }

    // By the last look: neither dead nor about to leave.
    private bool IsThere(string name) => _watch.Find(name) is { Row: { IsDead: false, State: not NodeRows.Leaving } };

    // Orleans finds silos that do not answer. Such a node ends itself; until it does, nobody need wait for it longer than its lease lasts.
    private async Task WatchSilosAsync()
    {
        try
        {
            await foreach (var members in _silo.Services.GetRequiredService<IClusterMembershipService>().MembershipUpdates.WithCancellation(_stop.Token))
            {
                foreach (var member in members.Members.Values.Where(member => member.Status == SiloStatus.Dead && IsThere(member.Name)))
                {
                    // Orleans is told by itself of one that leaves in order, and may be before this node.
                    // It would be ended in the midst of that.
                    await _renewal.LookAsync().WaitAsync(_stop.Token);
                    if (IsThere(member.Name))
                    {
                        await _watch.CondemnAsync(member.Name, "Orleans did not reach it");
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task CleanAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(_cleaning, _stop.Token);
                await NodeRows.CleanAsync(_database, SiloHost.Deployment);
            }
            catch (Exception error) when (NodeConnection.IsAway(error))
            {
                // In an hour again; or the end.
            }
        }
    }

    // Orleans calls all others as it stops. Where it does not reach them it would go on for half a minute,
    // and whoever looks after the process would start it that much later.
    private async Task StopSiloAsync()
    {
        using CancellationTokenSource late = new(_stopWithin);
        await _silo.StopAsync(late.Token).WaitAsync(_stopWithin * 1.2);
    }

    private async Task TryAsync(Func<Task> end)
    {
        try
        {
            await end();
        }
        catch (Exception error)
        {
            // Others see by its lease that it has gone.
            LogEnd(_logger, error.Message);
        }
    }

    [LoggerMessage(5330, LogLevel.Warning, "This node could not take its leave in order: {Message}")]
    private static partial void LogEnd(ILogger logger, string message);
}
