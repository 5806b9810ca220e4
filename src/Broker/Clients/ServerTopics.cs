using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Clients;

/// <param name="Seconds">0: never.</param>
internal sealed record SysInterval(int Seconds);

/// <summary>Says what the server says of itself (`$SYS/broker/…`) to who listens: at once, and again at each interval.</summary>
/// <remarks>Thread-safe. Its gate is a leaf lock.</remarks>
internal sealed partial class ServerTopics(ServerFigures figures, SysInterval interval, TimeProvider time, ILogger<ServerTopics> logger) : BackgroundService
{
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly HashSet<ServerPlace> _places = [];

    /// <summary>From now on the place is among those who listen; one that is already stays.</summary>
    public void Enter(ServerPlace place)
    {
        lock (_gate)
        {
            _places.Add(place);
        }
    }

    public void Leave(ServerPlace place)
    {
        lock (_gate)
        {
            _places.Remove(place);
        }
    }

    /// <summary>What there is now, for one filter that was just subscribed to.</summary>
    public void Replay(ServerPlace place, HeldFilter filter)
    {
        if (interval.Seconds > 0)
        {
            place.Replay(place.IsMounted ? figures.OfMounts() : figures.All(), filter);
        }
    }

    /// <summary>False: nobody listens, and nothing was made.</summary>
    internal bool SayNow()
    {
        ServerPlace[] places;
        lock (_gate)
        {
            places = [.. _places];
        }

        var administrators = Array.Exists(places, place => !place.IsMounted);
        if (administrators)
        {
            figures.Sample();
        }
        else
        {
            figures.Forget();
        }

        if (places.Length == 0)
        {
            return false;
        }

        var all = administrators ? figures.All() : [];
        var ofMounts = figures.OfMounts();
        foreach (var place in places)
        {
            place.Hear(place.IsMounted ? ofMounts : all);
        }

        return true;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (interval.Seconds == 0)
        {
            return;
        }

        using PeriodicTimer timer = new(TimeSpan.FromSeconds(interval.Seconds), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                SayNow();
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                // Figures are no reason to end the server.
                LogFailed(logger, error);
            }
        }
    }

    [LoggerMessage(4360, LogLevel.Error, "What the server says of itself could not be said; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
