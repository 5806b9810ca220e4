using Microsoft.Extensions.Logging;
using Npgsql;

namespace WebMessenger.Cluster.Nodes;

/// <summary>Renews this node's lease each half second, on a thread and a connection of its own, and sees the rows of the others.</summary>
/// <remarks>The thread does nothing else and waits for nobody but the database: so a pool that is busy does not cost a node its
/// lease.</remarks>
internal sealed partial class LeaseRenewal : IDisposable
{
    public static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly string _text;
    private readonly string _name;
    private readonly NodeLease _lease;
    private readonly NodeWatch _watch;
    private readonly NodeHooks _hooks;
    private readonly ILogger _logger;
    private readonly AutoResetEvent _wake = new(false);
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<TaskCompletionSource> _looks = [];
    private Thread? _thread;
    private volatile bool _isStopping;
    private bool _isAway;

    public LeaseRenewal(string postgres, string name, NodeLease lease, NodeWatch watch, NodeHooks hooks, ILogger logger)
    {
        // Not lost by a crash of the database in a way that matters: a row that is older than it was is only waited for longer.
        // So nobody waits for the disk, nor for a standby.
        NpgsqlConnectionStringBuilder text = new(NodeConnection.Text(postgres, name, patience: 1));
        text.Options += " -c synchronous_commit=off";
        (_text, _name, _lease, _watch, _hooks, _logger) = (text.ConnectionString, name, lease, watch, hooks, logger);
    }

    /// <summary>Completes with the first renewal.</summary>
    public Task StartAsync()
    {
        _thread = new(Run) { IsBackground = true, Name = "node lease", Priority = ThreadPriority.AboveNormal };
        _thread.Start();
        return _first.Task;
    }

    /// <summary>Completes when the rows were read by a look that began after the call; is cancelled when there are no more looks.</summary>
    public Task LookAsync()
    {
        TaskCompletionSource look = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_isStopping)
            {
                look.TrySetCanceled();
                return look.Task;
            }

            if (_looks.Count == 0)
            {
                _looks.Add(look);
                _wake.Set();
            }

            // All that wait are served by the next look.
            return _looks[0].Task;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isStopping = true;
            _wake.Set();
        }

        _thread?.Join();
        _wake.Dispose();
    }

    private void Run()
    {
        NpgsqlConnection? connection = null;
        while (!_isStopping && !_lease.Ended.IsCompleted)
        {
            var began = LeaseClock.Now;
            List<TaskCompletionSource> looks;
            lock (_gate)
            {
                (looks, _looks) = (_looks, []);
            }

            try
            {
                if (connection is null)
                {
                    connection = new(_text);
                    connection.Open();
                }

                Renew(connection, began);
                looks.ForEach(look => look.TrySetResult());
                _wake.WaitOne(Max(Every - (LeaseClock.Now - began)));
            }
            catch (Exception error)
            {
                // Whatever it is: while it lasts the lease is not renewed, and this node is silent.
                Miss(error);
                Close(ref connection);
                lock (_gate)
                {
                    _looks.AddRange(looks);
                }

                if (!_isStopping)
                {
                    Thread.Sleep(_retry);
                }
            }
        }

        Close(ref connection);
        lock (_gate)
        {
            _isStopping = true;
            _looks.ForEach(look => look.TrySetCanceled());
        }
    }

    private void Renew(NpgsqlConnection connection, TimeSpan began)
    {
        if (NodeRows.Renew(connection, _name) is not { } seen)
        {
            // Others go on without this node: whatever it believes may be over.
            _lease.End("others have gone on without it");
            return;
        }

        if (_isAway)
        {
            LogBack(_logger);
            _isAway = false;
            _ = Task.Run(_hooks.Back);
        }

        // Who is dead is known before this node is fresh, and before its replication is told of numbers.
        _watch.See(seen.Rows, began);
        _lease.Confirm(began);
        _hooks.HeadSeen(seen.Head);
        _first.TrySetResult();
    }

    private void Miss(Exception error)
    {
        if (!_isAway && !_isStopping)
        {
            LogAway(_logger, error.Message);
            _isAway = true;
        }
    }

    private static void Close(ref NpgsqlConnection? connection)
    {
        try
        {
            connection?.Dispose();
        }
        catch (Exception error) when (NodeConnection.IsAway(error))
        {
            // It is broken, which is why it is closed.
        }

        connection = null;
    }

    private static TimeSpan Max(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;

    [LoggerMessage(5300, LogLevel.Error, "The database does not renew this node's lease ({Message}): in two seconds it writes to nobody any more")]
    private static partial void LogAway(ILogger logger, string message);

    [LoggerMessage(5301, LogLevel.Information, "The database renews this node's lease again")]
    private static partial void LogBack(ILogger logger);
}
