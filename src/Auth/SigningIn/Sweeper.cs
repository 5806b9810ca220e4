using Microsoft.Extensions.Logging;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Passwords;
using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.SigningIn;

/// <summary>
/// Does what time asks for: ends login sessions when they expire, stores when they were last seen, removes guests of yesterday and old
/// links, and lifts bans that were for a time.
/// </summary>
/// <remarks>
/// Expiry has a timer of its own and sweeps may overlap, so that neither a slow disk nor a client that is slow to close delays the next one
/// (attack 28). What waits for the disk runs once at a time.
/// </remarks>
internal sealed partial class Sweeper : IAsyncDisposable
{
    // A login session ends at most a second late; half of it is for closing its connections.
    private static readonly TimeSpan ExpiryEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan TidyEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(5);

    private readonly LoginSessions _sessions;
    private readonly AccountDirectory _accounts;
    private readonly AccountChanges _changes;
    private readonly PasswordLinks _links;
    private readonly AccountBans _bans;
    private readonly NodePorts _nodes;
    private readonly ILogger<Sweeper> _logger;
    private readonly ITimer _expiry;
    private readonly ITimer _tidy;
    private readonly ITimer _retry;
    private readonly Lock _gate = new();
    private Task _underWay = Task.CompletedTask;
    private Task _tidying = Task.CompletedTask;

    public Sweeper(
        LoginSessions sessions, AccountDirectory accounts, AccountChanges changes, PasswordLinks links, AccountBans bans, TimeProvider time,
        NodePorts nodes, ILogger<Sweeper> logger)
    {
        (_sessions, _accounts, _changes, _links, _bans, _nodes, _logger) = (sessions, accounts, changes, links, bans, nodes, logger);
        _expiry = time.CreateTimer(_ => Start(sessions.SweepAsync), null, ExpiryEvery, ExpiryEvery);
        // A timer of its own: while the disk refuses, a sweep ends by an exception.
        _retry = time.CreateTimer(_ => Start(() => sessions.RetryEndsAsync()), null, RetryEvery, RetryEvery);
        _tidy = time.CreateTimer(_ => _ = TidyAsync(), null, TidyEvery, TidyEvery);
    }

    /// <summary>Joins the one that is under way, if there is one.</summary>
    public Task TidyAsync()
    {
        lock (_gate)
        {
            return _tidying.IsCompleted ? _tidying = Start(StoreAndRemoveAsync) : _tidying;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _expiry.DisposeAsync();
        await _tidy.DisposeAsync();
        await _retry.DisposeAsync();
        Task underWay;
        lock (_gate)
        {
            underWay = _underWay;
        }

        // They use the store, which is closed next.
        await underWay;
        await _sessions.RetryEndsAsync(isLast: true);
    }

    private async Task StoreAndRemoveAsync()
    {
        await _accounts.ReconcileAsync();
        await _sessions.StoreLastSeenAsync();
        await _sessions.Overdue.EndAsync();
        if (!_nodes.Sweeps)
        {
            // Another node does the rest for all.
            return;
        }

        await _changes.RemoveOldGuestsAsync();
        await _links.RemoveOldAsync();
        await _bans.LiftOverAsync();
    }

    private Task Start(Func<Task> work)
    {
        var task = RunAsync(work);
        if (!task.IsCompleted)
        {
            lock (_gate)
            {
                _underWay = Task.WhenAll(_underWay, task);
            }
        }

        return task;
    }

    private async Task RunAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception error) when (error is StoreUnavailableException or RecordsNotWrittenException || (error is IOException && !_nodes.IsAlone))
        {
            // The store has told why, once. Nothing is allowed by this: an expired login session is refused wherever it is looked at.
        }
        catch (Exception error)
        {
            // Nor is anything allowed by this.
            SweepFailed(_logger, error);
        }
    }

    [LoggerMessage(2002, LogLevel.Error, "Expired login sessions or old guests could not all be removed; the next sweep tries again")]
    private static partial void SweepFailed(ILogger logger, Exception error);
}
