namespace WebMessenger.Broker.Operator;

/// <summary>Of the machine's day, 0 to 23; -1: never.</summary>
internal sealed record PurgeHour(int Hour);

/// <summary>Takes what was deleted off the disk once a day, at night, if anything was.</summary>
internal sealed partial class DailyPurge(PurgeHour hour, PurgeService purge, TimeProvider time, ILogger<DailyPurge> logger) : BackgroundService
{
    // Looked at, not waited for: the clock may be set, and summer comes.
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (hour.Hour < 0)
        {
            return;
        }

        var next = NextAfter(time.GetLocalNow());
        using PeriodicTimer timer = new(s_betweenLooks, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (time.GetLocalNow() is var now && now.DateTime >= next)
                {
                    next = NextAfter(now);
                    await PurgeAsync(stoppingToken);
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private DateTime NextAfter(DateTimeOffset now)
    {
        var today = now.Date.AddHours(hour.Hour);
        return today > now.DateTime ? today : today.AddDays(1);
    }

    private async Task PurgeAsync(CancellationToken cancellation)
    {
        PurgeWork work;
        try
        {
            work = await Task.Run(() => purge.FindWork(cancellation), cancellation);
            if (work == PurgeWork.None)
            {
                return;
            }
        }
        catch (IOException error)
        {
            LogFailed(logger, error.Message);
            return;
        }

        var began = time.GetTimestamp();
        switch (await purge.DoAsync(work))
        {
            case { Failure: null }:
                LogDone(logger, time.GetElapsedTime(began).TotalSeconds);
                break;
            case { Failure: { } failure } when !cancellation.IsCancellationRequested:
                LogFailed(logger, failure);
                break;
            default:
                // It is being done on the operator's word, or the program ends.
                break;
        }
    }

    [LoggerMessage(3730, LogLevel.Information, "What was deleted is in no file of the data folder any more; they were written anew in {Seconds:F1} s")]
    private static partial void LogDone(ILogger logger, double seconds);

    [LoggerMessage(3731, LogLevel.Warning, "What was deleted may still be in files of the data folder, which could not be written anew. It is tried again in a day, or by the command purge: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}
