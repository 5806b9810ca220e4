using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Invites;

/// <summary>
/// Forgets the invite links, and the requests to be let in, that are over, once a day and at start. They open nothing before that.
/// </summary>
internal sealed partial class InviteSweep(InviteLinks links, JoinRequestStore requests, IDuties duties, TimeProvider time, ILogger<InviteSweep> logger) : ScheduledWork(duties)
{
    private static readonly TimeSpan _period = TimeSpan.FromDays(1);

    protected override async Task WorkAsync(CancellationToken over)
    {
        // Not on the thread that starts the program: it reads the disk.
        await Task.Yield();
        using PeriodicTimer timer = new(_period, time);
        do
        {
            try
            {
                await links.SweepAsync(over);
                await requests.SweepAsync(over);
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                LogNotSwept(logger, error.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(over));
    }

    [LoggerMessage(4363, LogLevel.Warning, "Invite links and requests that are over could not be removed; it is tried again in a day: {Reason}")]
    private static partial void LogNotSwept(ILogger logger, string reason);
}
