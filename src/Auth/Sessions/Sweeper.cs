using Microsoft.Extensions.Logging;
using WebMessenger.Auth.Accounts;

namespace WebMessenger.Auth.Sessions;

/// <summary>Does what time asks for: ends login sessions when they expire, stores when they were last seen, removes guests of yesterday.</summary>
internal sealed partial class Sweeper : IAsyncDisposable
{
    // A login session ends at most a second late (attack 28); half of it is for closing its connections.
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan StoreEvery = TimeSpan.FromMinutes(1);

    private readonly LoginSessions _sessions;
    private readonly AccountChanges _changes;
    private readonly TimeProvider _time;
    private readonly ILogger<Sweeper> _logger;
    private readonly ITimer _timer;
    private readonly SemaphoreSlim _one = new(1, 1);
    private long _storedAt;
    private bool _disposed;

    public Sweeper(LoginSessions sessions, AccountChanges changes, TimeProvider time, ILogger<Sweeper> logger)
    {
        (_sessions, _changes, _time, _logger, _storedAt) = (sessions, changes, time, logger, time.GetTimestamp());
        _timer = time.CreateTimer(_ => _ = SweepAsync(), null, Period, Period);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        await _timer.DisposeAsync();
        // A sweep under way uses the store, which is closed next. The semaphore is kept by it for ever.
        await _one.WaitAsync();
    }

    private async Task SweepAsync()
    {
        if (!_one.Wait(0))
        {
            return;
        }

        try
        {
            await _sessions.SweepAsync();
            if (_time.GetElapsedTime(_storedAt) >= StoreEvery)
            {
                _storedAt = _time.GetTimestamp();
                await _sessions.StoreLastSeenAsync();
                await _changes.RemoveOldGuestsAsync();
            }
        }
        catch (Exception error)
        {
            // The store may be full or gone for a while. Nothing is allowed by this: an expired login session is refused wherever it is looked at.
            SweepFailed(_logger, error);
        }
        finally
        {
            _one.Release();
        }
    }

    [LoggerMessage(2002, LogLevel.Error, "Expired login sessions and old guests could not all be removed; the next sweep tries again")]
    private static partial void SweepFailed(ILogger logger, Exception error);
}
