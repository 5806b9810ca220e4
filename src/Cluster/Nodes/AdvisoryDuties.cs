using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Nodes;

/// <summary>Duties by advisory locks of PostgreSQL, all on one connection: whoever has the lock has the duty.</summary>
/// <remarks>
/// Each half second this node asks for those that it wants and has not. The locks of a process that dies are free at once; those of a
/// frozen one when it is declared dead, and its connections are ended. A node whose lease is stale has none.
/// </remarks>
internal sealed partial class AdvisoryDuties : IDuties, IAsyncDisposable
{
    private static readonly TimeSpan _every = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<string, Duty> _wanted = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _text;
    private readonly string _node;
    private readonly NodeLease _lease;
    private readonly NodeWatch _watch;
    private readonly NodeHooks _hooks;
    private readonly ILogger _logger;
    private readonly Task _running;
    private volatile IReadOnlyDictionary<string, string> _holders = new Dictionary<string, string>();
    private NpgsqlConnection? _connection;

    public AdvisoryDuties(string postgres, string node, NodeLease lease, NodeWatch watch, NodeHooks hooks, ILogger logger)
    {
        (_text, _node, _lease, _watch, _hooks, _logger) = (NodeConnection.Text(postgres, node), node, lease, watch, hooks, logger);
        _running = Task.Run(RunAsync);
    }

    public bool Has(string duty)
    {
        var own = Want(duty);
        own.IsAskedFor = true;
        return own.IsHeld && _lease.IsFresh;
    }

    public string? HolderOf(string duty) => Want(duty).IsHeld && _lease.IsFresh
        ? _node
        : _holders.GetValueOrDefault(duty) is { } holder && _watch.Find(holder) is { Row.IsDead: false } ? holder : null;

    public async Task RunAsync(string duty, Func<CancellationToken, Task> work, CancellationToken stop)
    {
        var own = Want(duty);
        Interlocked.Increment(ref own.Runners);
        Wake();
        try
        {
            while (!stop.IsCancellationRequested)
            {
                var lost = await own.WhenHeldAsync(stop);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(lost, stop);
                try
                {
                    await work(either.Token);
                }
                catch (OperationCanceledException) when (either.IsCancellationRequested)
                {
                    // Lost, to begin again when it is this node's again; or told to stop.
                }

                if (!lost.IsCancellationRequested)
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Told to stop while another node had it.
        }
        finally
        {
            Interlocked.Decrement(ref own.Runners);
            Wake();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _wake.Dispose();
    }

    private Duty Want(string duty)
    {
        if (_wanted.TryGetValue(duty, out var known))
        {
            return known;
        }

        ArgumentException.ThrowIfNullOrEmpty(duty);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(duty.Length, 64);
        return _wanted.GetOrAdd(duty, name => new Duty(name));
    }

    private void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (Exception error) when (error is SemaphoreFullException or ObjectDisposedException)
        {
            // Woken already, or over.
        }
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await LookAsync();
            }
            catch (Exception error)
            {
                LogAway(_logger, error.Message);
                await LoseAllAsync();
            }

            try
            {
                await _wake.WaitAsync(_every, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                // The end.
            }
        }

        await LoseAllAsync();
    }

    private async Task LookAsync()
    {
        if (!_lease.IsFresh)
        {
            await LoseAllAsync();
            return;
        }

        if (_connection is null)
        {
            NpgsqlConnection connection = new(_text);
            _connection = connection;
            await connection.OpenAsync(_stop.Token);
        }

        var wanted = _wanted.Values.Where(duty => duty.IsWanted && !duty.IsHeld).ToList();
        foreach (var duty in _wanted.Values.Where(duty => !duty.IsWanted && duty.IsHeld))
        {
            duty.Lose();
            await DoAsync(new(LockKey.Of("duty", duty.Name).Release));
        }

        var (taken, head) = await AskAsync(wanted);
        foreach (var duty in taken)
        {
            // Who takes over has heard what the one before has written.
            await _hooks.WhenAppliedAsync(head);
            await DoAsync(NodeConnection.Command(
                "INSERT INTO duties (name, node) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET node = excluded.node, since = clock_timestamp()",
                duty.Name, _node));
            LogTaken(_logger, duty.Name);
            duty.Hold();
        }
    }

    private async Task<(List<Duty> Taken, long Head)> AskAsync(List<Duty> wanted)
    {
        await using NpgsqlBatch batch = new(_connection);
        wanted.ForEach(duty => batch.BatchCommands.Add(new(LockKey.Of("duty", duty.Name).TryTake)));
        batch.BatchCommands.Add(new("SELECT n FROM journal_head"));
        batch.BatchCommands.Add(new("SELECT name, node FROM duties"));
        await using var reader = await batch.ExecuteReaderAsync(_stop.Token);
        List<Duty> taken = [];
        foreach (var duty in wanted)
        {
            await reader.ReadAsync(_stop.Token);
            if (reader.GetBoolean(0))
            {
                taken.Add(duty);
            }

            await reader.NextResultAsync(_stop.Token);
        }

        await reader.ReadAsync(_stop.Token);
        var head = reader.GetInt64(0);
        await reader.NextResultAsync(_stop.Token);
        Dictionary<string, string> holders = new(StringComparer.Ordinal);
        while (await reader.ReadAsync(_stop.Token))
        {
            holders[reader.GetString(0)] = reader.GetString(1);
        }

        _holders = holders;
        return (taken, head);
    }

    private async Task DoAsync(NpgsqlBatchCommand command)
    {
        await using NpgsqlBatch batch = new(_connection);
        batch.BatchCommands.Add(command);
        await batch.ExecuteNonQueryAsync(_stop.Token);
    }

    // With the connection all locks go that it has.
    private async Task LoseAllAsync()
    {
        foreach (var duty in _wanted.Values.Where(duty => duty.IsHeld))
        {
            LogLost(_logger, duty.Name);
            duty.Lose();
        }

        if (_connection is { } connection)
        {
            _connection = null;
            try
            {
                await connection.DisposeAsync();
            }
            catch (Exception error) when (NodeConnection.IsAway(error))
            {
                // It is broken, which is why it is closed.
            }
        }
    }

    [LoggerMessage(5322, LogLevel.Debug, "Duties cannot be asked for just now: {Message}")]
    private static partial void LogAway(ILogger logger, string message);

    [LoggerMessage(5320, LogLevel.Information, "This node has the duty {Duty}")]
    private static partial void LogTaken(ILogger logger, string duty);

    [LoggerMessage(5321, LogLevel.Warning, "This node has the duty {Duty} no more")]
    private static partial void LogLost(ILogger logger, string duty);

    /// <summary>One duty as this node has it or not; held and lost by one task.</summary>
    private sealed class Duty(string name)
    {
        private readonly Lock _gate = new();
        private TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private CancellationTokenSource? _lost;

        /// <summary>How many run work of it.</summary>
        public int Runners;

        public string Name => name;

        /// <summary>Somebody asks whether it is this node's, and does its work when it is.</summary>
        public volatile bool IsAskedFor;

        public bool IsWanted => IsAskedFor || Volatile.Read(ref Runners) > 0;

        public bool IsHeld => Volatile.Read(ref _lost) is not null;

        /// <summary>Completes when it is held, with what is cancelled when it is lost.</summary>
        public async Task<CancellationToken> WhenHeldAsync(CancellationToken stop)
        {
            while (true)
            {
                Task held;
                lock (_gate)
                {
                    if (_lost is not null)
                    {
                        return _lost.Token;
                    }

                    held = _held.Task;
                }

                await held.WaitAsync(stop);
            }
        }

        public void Hold()
        {
            lock (_gate)
            {
                Volatile.Write(ref _lost, new());
                _held.TrySetResult();
            }
        }

        public void Lose()
        {
            CancellationTokenSource? lost;
            lock (_gate)
            {
                lost = _lost;
                Volatile.Write(ref _lost, null);
                _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            // Its work may do much as it is cancelled; it must not keep the others.
            _ = lost is null ? Task.CompletedTask : Task.Run(lost.Cancel);
        }
    }
}
