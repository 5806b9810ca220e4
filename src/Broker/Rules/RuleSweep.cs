namespace WebMessenger.Broker.Rules;

/// <summary>Has rules listen from the start on, looks for silence once a second, and writes down when topics were heard.</summary>
internal sealed class RuleSweep(RoomRules rules, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(1);

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await rules.RestoreAsync();
        await base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (rules.IsHere)
        {
            rules.Save();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        if (rules.IsHere)
        {
            await rules.CatchUpAsync();
        }

        using PeriodicTimer timer = new(_period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (rules.IsHere)
            {
                rules.LookForSilence();
                rules.HearHeld();
                rules.Save();
            }
        }
    }
}
