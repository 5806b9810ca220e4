using System.Globalization;
using WebMessenger.Postgres.Testing;

namespace WebMessenger.Load.Cluster;

/// <summary>
/// What PostgreSQL has used of the processor: its postmaster, those that it has started, and those of them that have ended.
/// </summary>
internal static class DatabaseCpu
{
    private const double TicksPerSecond = 100;

    public static TimeSpan Of(PostgresServer server)
    {
        var ticks = 0L;
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            if (Read(folder) is not { } fields)
            {
                continue;
            }

            var isPostmaster = Path.GetFileName(folder) == server.ProcessId.ToString(CultureInfo.InvariantCulture);
            if (isPostmaster || fields[1] == server.ProcessId.ToString(CultureInfo.InvariantCulture))
            {
                // Behind the name: state, parent, … utime, stime, and of children that have ended cutime, cstime.
                ticks += fields[11..(isPostmaster ? 15 : 13)].Sum(field => long.Parse(field, CultureInfo.InvariantCulture));
            }
        }

        return TimeSpan.FromSeconds(ticks / TicksPerSecond);
    }

    private static string[]? Read(string folder)
    {
        try
        {
            var stat = File.ReadAllText(Path.Combine(folder, "stat"));
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return null;
        }
    }
}
