using System.Globalization;
using System.Runtime.InteropServices;

namespace WebMessenger.Load.Measuring;

/// <summary>What the figures were measured on.</summary>
internal sealed record Machine(string Processor, int Cores, double MemoryGB, string OperatingSystem, string Runtime)
{
    private const double TicksPerSecond = 100;

    public static Machine Describe() => new(
        ProcessorName(),
        Environment.ProcessorCount,
        Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9, 1),
        $"{RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.OSArchitecture}",
        RuntimeInformation.FrameworkDescription);

    /// <summary>The time that all cores together have been busy; null where the system does not say.</summary>
    public static TimeSpan? Busy()
    {
        if (!System.OperatingSystem.IsLinux())
        {
            return null;
        }

        // cpu user nice system idle iowait irq softirq steal …; guest time is part of user.
        using StreamReader stat = new("/proc/stat");
        var fields = stat.ReadLine()!.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var ticks = fields[1..8].Select(field => long.Parse(field, CultureInfo.InvariantCulture)).ToArray();
        return TimeSpan.FromSeconds((ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / TicksPerSecond);
    }

    private static string ProcessorName()
    {
        const string cpuInfo = "/proc/cpuinfo";
        var line = File.Exists(cpuInfo) ? File.ReadLines(cpuInfo).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line is not null ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? "unknown";
    }
}
