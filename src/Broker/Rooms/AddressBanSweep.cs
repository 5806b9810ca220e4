using WebMessenger.Broker.Nodes;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rooms;

/// <summary>Takes address bans off the disk once they are over, every hour; the start does it, too. They keep nobody out by then.</summary>
internal sealed partial class AddressBanSweep(AddressBans bans, IDuties duties, TimeProvider time, ILogger<AddressBanSweep> logger) : ScheduledWork(duties)
{
    private static readonly TimeSpan _period = TimeSpan.FromHours(1);

    protected override async Task WorkAsync(CancellationToken over)
    {
        using PeriodicTimer timer = new(_period, time);
        while (await timer.WaitForNextTickAsync(over))
        {
            try
            {
                // It reads the disk, and waits for it.
                await Task.Run(() => bans.SweepAsync(over), over);
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                LogNotSwept(logger, error.Message);
            }
        }
    }

    [LoggerMessage(3746, LogLevel.Warning, "Address bans that are over could not be removed; it is tried again in an hour: {Reason}")]
    private static partial void LogNotSwept(ILogger logger, string reason);
}
