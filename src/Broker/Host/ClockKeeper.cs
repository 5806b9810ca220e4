using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Host;

/// <summary>
/// Watches the system's clock. When it was set, moves what lives for a time along with it, and notes now and then what time it is.
/// </summary>
internal sealed partial class ClockKeeper(
    ServerClock clock, string dataFolder, LoginSessions sessions, DurableClients durable, ILogger<ClockKeeper> logger, bool isAlone = true) : BackgroundService
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenNotes = TimeSpan.FromMinutes(1);

    /// <summary>What is kept is counted by days.</summary>
    private static readonly TimeSpan WorthTelling = TimeSpan.FromDays(1);

    private bool _isTold;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        Note();
    }

    /// <summary>One look, and what follows from it.</summary>
    internal async Task LookAsync()
    {
        if (clock.Look() is not { } step)
        {
            return;
        }

        if (step.Lifetimes == TimeSpan.Zero)
        {
            clock.Follow(step);
            return;
        }

        if (/* guard: the clock of one node moves no lifetimes of a cluster */ !isAlone)
        {
            // The others have the right time, and this program goes on with the one that it had.
            if (!_isTold)
            {
                _isTold = true;
                LogLeft(logger, step.By.TotalSeconds);
            }

            return;
        }

        var before = clock.GetUtcNow();
        var isBack = /* guard: a clock that is set back is followed first */ step.Lifetimes < TimeSpan.Zero;
        if (isBack)
        {
            // First: a sweep that came in between would end what ends earlier from here on.
            clock.Follow(step);
        }

        try
        {
            await Task.WhenAll(
                durable.MoveAsync(step.Lifetimes), sessions.MoveAsync(step.Lifetimes, isBack ? null : () => clock.Follow(step)));
        }
        catch (IOException)
        {
            // In memory it is done; what was not stored is with the next use, and the log says that the store cannot write.
        }

        Note();
        LogSet(logger, before, clock.GetUtcNow());
        TellDoubt();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // What began later at this start is stored by now.
        Note();
        TellDoubt();
        var noted = clock.GetTimestamp();
        using PeriodicTimer timer = new(BetweenLooks, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await LookAsync();
                if (clock.GetElapsedTime(noted) >= BetweenNotes)
                {
                    noted = clock.GetTimestamp();
                    Note();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private void Note() => ClockFile.Write(dataFolder, clock.GetUtcNow(), clock.Doubted);

    private void TellDoubt()
    {
        if (clock.Doubted is var doubted && doubted >= WorthTelling)
        {
            LogDoubted(logger, doubted.TotalDays, clock.Trusted);
        }
    }

    [LoggerMessage(2110, LogLevel.Warning,
        "The machine's clock was set from {Before:u} to {Now:u}; login sessions and kept clients live on for as long as before")]
    private static partial void LogSet(ILogger logger, DateTimeOffset before, DateTimeOffset now);

    [LoggerMessage(5401, LogLevel.Error,
        "The machine's clock was set by {Seconds:F0} s, and those of the other nodes were not: this node goes on with the time that it had. Set the clock right, or start the node anew")]
    private static partial void LogLeft(ILogger logger, double seconds);

    [LoggerMessage(2111, LogLevel.Error,
        "The machine's clock is {Days:F0} days ahead of the time that the server has seen pass: set it if it is wrong. "
        + "What is kept for some days goes as if it were {Trusted:u}; with each day that the server runs, a day of that is made up for")]
    private static partial void LogDoubted(ILogger logger, double days, DateTimeOffset trusted);
}
