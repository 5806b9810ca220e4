namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Goes on with the ends of rooms and accounts that the disk did not take at once: while the program runs, not only with its next
/// start (fault R13).
/// </summary>
internal sealed class EndingWork(RoomEndings endings, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(RetryPeriod, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await endings.FinishEndingsAsync();
        }
    }
}
