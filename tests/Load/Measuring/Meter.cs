using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Measuring;

/// <summary>Traffic that can be measured.</summary>
internal interface ITraffic
{
    /// <summary>Guards all else.</summary>
    object Gate { get; }

    /// <summary>Messages that reached a member, each counted once.</summary>
    long Deliveries { get; }

    long Acknowledged { get; }

    /// <summary>From writing the PUBLISH to reading it at a member.</summary>
    Histogram EndToEnd { get; }

    /// <summary>From writing the PUBLISH to reading its PUBACK.</summary>
    Histogram Acknowledgement { get; }
}

/// <summary>Measures a stretch of traffic: what was delivered and what it cost the server, the generator and the machine.</summary>
internal sealed class Meter(ServerUnderTest server, ITraffic traffic)
{
    private (Reading At, long Deliveries, long Acknowledged) _begin;

    /// <summary>From here on.</summary>
    public void Begin()
    {
        lock (traffic.Gate)
        {
            traffic.EndToEnd.Clear();
            traffic.Acknowledgement.Clear();
            _begin = (Reading.Now(server), traffic.Deliveries, traffic.Acknowledged);
        }
    }

    public IReadOnlyList<Figure> End()
    {
        List<Figure> figures = [];
        Reading passed;
        lock (traffic.Gate)
        {
            passed = Reading.Now(server) - _begin.At;
            double deliveries = traffic.Deliveries - _begin.Deliveries, publishes = traffic.Acknowledged - _begin.Acknowledged;
            if (deliveries > 0)
            {
                figures.Add(new("server CPU per delivery", "µs", passed.Server.TotalMicroseconds / deliveries));
                figures.Add(new("deliveries", "/s", deliveries / passed.Time.TotalSeconds));
                figures.Add(new("end to end, p50", "ms", traffic.EndToEnd.Microseconds(0.5) / 1000));
                figures.Add(new("end to end, p99", "ms", traffic.EndToEnd.Microseconds(0.99) / 1000));
            }

            figures.Add(new("server CPU per publish", "µs", passed.Server.TotalMicroseconds / publishes));
            figures.Add(new("publishes acknowledged", "/s", publishes / passed.Time.TotalSeconds));
            figures.Add(new("acknowledgement, p50", "ms", traffic.Acknowledgement.Microseconds(0.5) / 1000));
            figures.Add(new("acknowledgement, p99", "ms", traffic.Acknowledgement.Microseconds(0.99) / 1000));
        }

        figures.Add(new("server CPU", "% of a core", 100 * (passed.Server / passed.Time)));
        figures.Add(new("… of it in the kernel", "%", 100 * (passed.Kernel / passed.Server)));
        figures.Add(new("server memory", "MB", server.Process.ResidentBytes / 1e6));
        figures.Add(new("generator CPU", "% of a core", 100 * (passed.Generator / passed.Time)));
        if (passed.Others is { } others)
        {
            figures.Add(new("everything else's CPU", "% of a core", 100 * (others / passed.Time)));
        }

        return figures;
    }
}
