using WebMessenger.Broker.Nodes;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Host;

/// <summary>
/// Has every follower follow the journal while the program runs.
/// One that fails never ends the program, and never the others: it is started again.
/// </summary>
/// <remarks>
/// Of several nodes one follows, and another takes over from the place that is stored.
/// Started in the order in which they are registered, before anything is served,
/// and ended in the opposite one, after the last connection is closed.
/// </remarks>
internal sealed partial class Followers(
    IEnumerable<IFollower> followers, IJournal journal, IRecords records, TimeProvider time, ILogger<Followers> logger,
    IDuties? duties = null, IReplication? replication = null)
    : IHostedService, IDisposable
{
    /// <summary>How long one waits that has come upon something nobody thought of: it comes upon it again, and each time says so.</summary>
    public static TimeSpan RestartPeriod { get; } = TimeSpan.FromMinutes(1);

    /// <summary>How long one waits that was overtaken by the node that had the duty before.</summary>
    private static readonly TimeSpan TakeOverPeriod = TimeSpan.FromSeconds(1);

    private readonly Stack<(CancellationTokenSource Over, Task Running)> _running = new();

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var follower in followers)
        {
            CancellationTokenSource over = new();
            // Off the starting thread: a follower reads the store before it first waits.
            _running.Push((over, Task.Run(() => KeepRunningAsync(follower, over.Token), CancellationToken.None)));
        }

        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        while (_running.TryPop(out var one))
        {
            await one.Over.CancelAsync();
            await one.Running;
            one.Over.Dispose();
        }
    }

    public void Dispose()
    {
        // Of a program whose start has failed: nobody stops it.
        while (_running.TryPop(out var one))
        {
            one.Over.Cancel();
        }
    }

    private async Task KeepRunningAsync(IFollower follower, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                // Each time from what is stored: another node may have followed meanwhile.
                await (duties ?? AloneDuties.Instance).RunAsync(
                    ScheduledWork.Duty, over => new Following(journal, records, follower, time, logger).RunAsync(over), cancellation);
                cancellation.ThrowIfCancellationRequested();
            }
            catch (Exception error) when ((cancellation.IsCancellationRequested && error is OperationCanceledException) || IsOver(error))
            {
                return;
            }
            catch (InvalidOperationException) when (replication is { IsAlone: false })
            {
                // The node that had the duty before has written last; its place is read anew.
                await Task.Delay(TakeOverPeriod, time, cancellation).ContinueWith(
                    static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
            catch (Exception error)
            {
                LogBroken(logger, follower.Name, error);
                await Task.Delay(RestartPeriod, time, cancellation).ContinueWith(
                    static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
    }

    // A store is closed: also of a program whose start has failed, which nobody stops in order.
    // What else a follower finds closed is its own fault.
    private bool IsOver(Exception error) =>
        error is ObjectDisposedException closed && (closed.ObjectName == journal.GetType().FullName || closed.ObjectName == typeof(ISearchIndex).FullName);

    [LoggerMessage(4280, LogLevel.Error, "The follower {Follower} has failed, and is started again in a minute. What it derives is as it was until then")]
    private static partial void LogBroken(ILogger logger, string follower, Exception error);
}
