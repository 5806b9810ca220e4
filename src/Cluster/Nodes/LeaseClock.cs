using System.Diagnostics;
using System.Runtime.InteropServices;

namespace WebMessenger.Cluster.Nodes;

/// <summary>Time that only goes on, and does so while the machine sleeps.</summary>
internal static class LeaseClock
{
    private const int BootTime = 7;

    // On Linux the clock of Stopwatch stands still while the machine sleeps: a node that wakes would believe in its old lease.
    private static readonly bool _hasBootTime = OperatingSystem.IsLinux() && Read(BootTime, out _) == 0;

    /// <summary>Since some moment in the past.</summary>
    public static TimeSpan Now => _hasBootTime && Read(BootTime, out var time) == 0
        ? new TimeSpan((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TimeSpan.NanosecondsPerTick))
        : Stopwatch.GetElapsedTime(0);

    [DllImport("libc", EntryPoint = "clock_gettime")]
    [SuppressGCTransition]
    private static extern int Read(int clock, out Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
