using System.Diagnostics;
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
    private Reading _begin;

    /// <summary>From here on.</summary>
    public void Begin()
    {
        lock (traffic.Gate)
        {
            traffic.EndToEnd.Clear();
            traffic.Acknowledgement.Clear();
        }

        _begin = Read();
    }

    public IReadOnlyList<Figure> End()
    {
        var end = Read();
        var (seconds, cpu) = (Stopwatch.GetElapsedTime(_begin.At, end.At).TotalSeconds, end.Server - _begin.Server);
        double deliveries = end.Deliveries - _begin.Deliveries, publishes = end.Acknowledged - _begin.Acknowledged;
        var own = end.Own - _begin.Own;
        List<Figure> figures = [];
        lock (traffic.Gate)
        {
            if (deliveries > 0)
            {
                figures.Add(new("server CPU per delivery", "µs", cpu.TotalMicroseconds / deliveries));
                figures.Add(new("deliveries", "/s", deliveries / seconds));
                figures.Add(new("end to end, p50", "ms", traffic.EndToEnd.Microseconds(0.5) / 1000));
                figures.Add(new("end to end, p99", "ms", traffic.EndToEnd.Microseconds(0.99) / 1000));
            }

            figures.Add(new("server CPU per publish", "µs", cpu.TotalMicroseconds / publishes));
            figures.Add(new("publishes acknowledged", "/s", publishes / seconds));
            figures.Add(new("acknowledgement, p50", "ms", traffic.Acknowledgement.Microseconds(0.5) / 1000));
            figures.Add(new("acknowledgement, p99", "ms", traffic.Acknowledgement.Microseconds(0.99) / 1000));
        }

        figures.Add(new("server CPU", "% of a core", 100 * cpu.TotalSeconds / seconds));
        figures.Add(new("… of it in the kernel", "%", 100 * (end.ServerKernel - _begin.ServerKernel) / cpu));
        figures.Add(new("server memory", "MB", server.Process.ResidentBytes / 1e6));
        figures.Add(new("generator CPU", "% of a core", 100 * own.TotalSeconds / seconds));
        if (end.Machine is { } after && _begin.Machine is { } before)
        {
            figures.Add(new("everything else's CPU", "% of a core", Math.Max(0, 100 * (after - before - cpu - own).TotalSeconds / seconds)));
        }

        return figures;
    }

    private Reading Read()
    {
        lock (traffic.Gate)
        {
            return new Reading(
                Stopwatch.GetTimestamp(), server.Process.Cpu, server.Process.KernelCpu, Environment.CpuUsage.TotalTime, Machine.Busy(), traffic.Deliveries, traffic.Acknowledged);
        }
    }

    private readonly record struct Reading(
        long At, TimeSpan Server, TimeSpan ServerKernel, TimeSpan Own, TimeSpan? Machine, long Deliveries, long Acknowledged);
}
