using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace WebMessenger.Cluster.Nodes;

/// <summary>
/// The other nodes as their rows show them: who is there, who is dead, and from when on a dead one is certain to be silent.
/// </summary>
/// <remarks>
/// A node whose lease is over is declared dead by whoever sees it. The row decides, and is changed only while the last renewal is the one
/// that was seen. Before that this node has to have looked at it for as long as a lease holds: when a database comes back, all leases are
/// old, and none is dead.
/// <see cref="See"/> is called by one thread; all else is thread-safe.
/// </remarks>
internal sealed partial class NodeWatch(NpgsqlDataSource database, string self, ILogger logger)
{
    // Longer without a look, and the others may have been unable to renew, as this node was.
    private static readonly TimeSpan _gap = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentDictionary<string, OtherNode> _others = new(StringComparer.Ordinal);

    // Rows of the dead stay for a day.
    private readonly ConcurrentDictionary<string, bool> _gone = new(StringComparer.Ordinal);
    private TimeSpan _lastLook;

    /// <summary>Another node was seen for the first time.</summary>
    public event Action<OtherNode>? Came;

    /// <summary>A node is certain to write nothing any more, to clients or to the database. Once for each, on the pool.</summary>
    public event Action<OtherNode>? Went;

    /// <summary>Those that are there, starting and leaving ones too.</summary>
    public IEnumerable<OtherNode> Others => _others.Values;

    public OtherNode? Find(string name) => _others.GetValueOrDefault(name);

    /// <param name="began">When they were asked for, by <see cref="LeaseClock"/>.</param>
    public void See(IReadOnlyList<NodeRow> rows, TimeSpan began)
    {
        var now = LeaseClock.Now;
        var isAfterGap = now - _lastLook > _gap;
        _lastLook = now;
        foreach (var row in rows)
        {
            if (row.Name == self)
            {
                continue;
            }

            if (!_others.TryGetValue(row.Name, out var node))
            {
                if (_gone.ContainsKey(row.Name)
                    || (row.IsDead && /* guard: one that has just been declared dead may not be silent yet */ row.Age > NodeRows.Over))
                {
                    // It was over before this node has known of it, or has left already.
                    continue;
                }

                node = new(row, now);
                _others[row.Name] = node;
                Came?.Invoke(node);
            }

            node.See(row, began, now, isAfterGap);
            Judge(node, now);
        }

        foreach (var node in _others.Values.Where(node => rows.All(row => row.Name != node.Name)))
        {
            // It has stopped in order: its row is the last that it takes away.
            node.SetSilent();
            Bid(node);
        }

        foreach (var name in _gone.Keys.Where(name => rows.All(row => row.Name != name)))
        {
            _gone.TryRemove(name, out _);
        }
    }

    /// <summary>Declares a node dead that renews its lease and cannot be reached; it is silent when its lease has run out.</summary>
    public async Task CondemnAsync(string name, string reason)
    {
        LogCondemned(logger, name, reason);
        try
        {
            await NodeRows.CondemnAsync(database, name, self);
        }
        catch (Exception error) when (NodeConnection.IsAway(error))
        {
            // Whoever wants it tries again.
        }
    }

    private void Judge(OtherNode node, TimeSpan now)
    {
        if (node.Row.IsDead)
        {
            if (node.TryFence())
            {
                LogDead(logger, node.Name);
                _ = Task.Run(() => FenceAsync(node));
            }
        }
        else if (node.Row.Age > NodeRows.Over && /* guard: nobody is dead by an old row alone */ now - node.SeenSince > NodeLease.Holds && node.TryBury())
        {
            _ = Task.Run(() => BuryAsync(node, node.Row.Renewed));
        }
    }

    private async Task BuryAsync(OtherNode node, DateTime renewed)
    {
        try
        {
            await NodeRows.BuryAsync(database, node.Name, renewed);
        }
        catch (Exception error) when (NodeConnection.IsAway(error))
        {
            // The next look tries again.
        }
        finally
        {
            node.EndBurying();
        }
    }

    private async Task FenceAsync(OtherNode node)
    {
        // What it had begun in the database is ended before anybody takes over what it had.
        while (true)
        {
            try
            {
                await NodeRows.FenceAsync(database, node.Name);
                break;
            }
            catch (Exception error) when (NodeConnection.IsAway(error))
            {
                LogFence(logger, node.Name, error.Message);
                await Task.Delay(_retry);
            }
        }

        await node.Silent;
        Bid(node);
    }

    private void Bid(OtherNode node)
    {
        // First that it has gone: a look that comes between must not take it for a new one.
        _gone[node.Name] = true;
        if (_others.TryRemove(new(node.Name, node)))
        {
            _ = Task.Run(() => Went?.Invoke(node));
        }
    }

    [LoggerMessage(5302, LogLevel.Warning, "Node {Node} is dead: its lease is over, or others could not reach it")]
    private static partial void LogDead(ILogger logger, string node);

    [LoggerMessage(5303, LogLevel.Warning, "Node {Node} is declared dead by this one: {Reason}")]
    private static partial void LogCondemned(ILogger logger, string node, string reason);

    [LoggerMessage(5304, LogLevel.Warning, "The database connections of the dead node {Node} could not be ended yet: {Message}")]
    private static partial void LogFence(ILogger logger, string node, string message);
}
