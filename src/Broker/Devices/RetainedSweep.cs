namespace WebMessenger.Broker.Devices;

/// <summary>Twice a second has written what was set by QoS 0, and at the end of the program all.</summary>
internal sealed class RetainedSweep(RetainedRooms rooms, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(500);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await rooms.SaveAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(s_period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            rooms.Sweep();
        }
    }
}
