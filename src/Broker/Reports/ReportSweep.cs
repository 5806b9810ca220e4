using WebMessenger.Broker.Nodes;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Reports;

/// <summary>Takes reports whose time is over off the disk, at start and once an hour. They are shown to nobody before that.</summary>
internal sealed partial class ReportSweep(RoomReports reports, IDuties duties, TimeProvider time, ILogger<ReportSweep> logger) : ScheduledWork(duties)
{
    private static readonly TimeSpan _period = TimeSpan.FromHours(1);

    protected override async Task WorkAsync(CancellationToken over)
    {
        // Not on the thread that starts the program: it reads the disk.
        await Task.Yield();
        using PeriodicTimer timer = new(_period, time);
        do
        {
            try
            {
                await reports.SweepAsync(over);
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                LogNotSwept(logger, error.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(over));
    }

    [LoggerMessage(4377, LogLevel.Warning, "Reports whose time is over could not be removed; it is tried again in an hour: {Reason}")]
    private static partial void LogNotSwept(ILogger logger, string reason);
}
