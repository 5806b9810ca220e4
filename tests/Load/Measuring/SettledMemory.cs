using System.Diagnostics;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Measuring;

/// <summary>Resident memory at rest.</summary>
internal static class SettledMemory
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>In bytes, once it has not moved by more than half a percent for two seconds, or patience is over.</summary>
    public static async Task<long> OfAsync(ServerUnderTest server, TimeSpan patience, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var (last, steady) = (server.Process.ResidentBytes, 0);
        while (steady < 4 && clock.Elapsed < patience)
        {
            await Task.Delay(Pause, cancellation);
            var now = server.Process.ResidentBytes;
            steady = Math.Abs(now - last) < last / 200 ? steady + 1 : 0;
            last = now;
        }

        return last;
    }
}
