using System.Diagnostics;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Measuring;

/// <summary>What the clock says, and what processors have done so far; the difference of two is what they did between.</summary>
/// <param name="Kernel">The part of <paramref name="Server"/> that was spent in the kernel.</param>
/// <param name="Machine">All of it; null where the system does not say.</param>
internal readonly record struct Reading(TimeSpan Time, TimeSpan Server, TimeSpan Kernel, TimeSpan Generator, TimeSpan? Machine)
{
    /// <summary>What neither the server nor the generator did.</summary>
    public TimeSpan? Others => Machine is not { } all ? null : all > Server + Generator ? all - Server - Generator : TimeSpan.Zero;

    public static Reading Now(ServerUnderTest server) => new(
        Stopwatch.GetElapsedTime(0), server.Process.Cpu, server.Process.KernelCpu, Environment.CpuUsage.TotalTime, Measuring.Machine.Busy());

    public static Reading operator -(Reading after, Reading before) => new(
        after.Time - before.Time, after.Server - before.Server, after.Kernel - before.Kernel, after.Generator - before.Generator, after.Machine - before.Machine);
}
