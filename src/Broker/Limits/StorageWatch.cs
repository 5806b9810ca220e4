using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Limits;

/// <summary>
/// Looks at the disk once a second, and writes down once a minute what is used of quotas.
/// </summary>
internal sealed partial class StorageWatch(
    DiskSpace space, StorageQuotas quotas, DataQuotas ofData, IConnectedAccounts connected, TimeProvider time, ILogger<StorageWatch> logger,
    IDuties? duties = null)
    : BackgroundService
{
    // With several nodes, one writes for all: each knows what was used on the others (SharedLimits).
    private const string Duty = "sweep";

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenNotes = TimeSpan.FromMinutes(1);

    private bool _wasLow;
    private bool _isOver;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);

        // A host that is disposed after its stop stops once more, and the store is closed by then.
        if (!_isOver)
        {
            _isOver = true;
            await NoteAsync();
        }
    }

    /// <summary>One look, and what it has to say.</summary>
    internal void Look()
    {
        space.Look();
        if (space.IsLow != _wasLow)
        {
            _wasLow = space.IsLow;
            if (_wasLow)
            {
                LogLow(logger);
            }
            else
            {
                LogEnough(logger);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(BetweenLooks, time);
        var noted = time.GetTimestamp();
        try
        {
            do
            {
                Look();
                if (time.GetElapsedTime(noted) >= BetweenNotes)
                {
                    noted = time.GetTimestamp();
                    await NoteAsync();
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task NoteAsync()
    {
        try
        {
            var isOurs = duties?.Has(Duty) ?? true;
            await quotas.NoteAsync(connected, isOurs);
            await ofData.NoteAsync(connected, isOurs);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // Told by the log. What is not noted is noted in a minute, or given back by a restart.
        }
    }

    [LoggerMessage(4120, LogLevel.Error, "The disk of the data folder is nearly full: nothing is stored but what takes rights away, until there is room. Free some, or set WebMessenger:Limits:FreeDiskMegabytes lower")]
    private static partial void LogLow(ILogger logger);

    [LoggerMessage(4121, LogLevel.Information, "The disk of the data folder has room again")]
    private static partial void LogEnough(ILogger logger);
}
