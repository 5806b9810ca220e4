using Microsoft.Extensions.Time.Testing;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

internal static class RocksSweep
{
    /// <summary>
    /// Lets a sweep come due without time going on, and takes more turns of the log thread than it needs: it does a step of it after each.
    /// </summary>
    public static async Task RunAsync(IEventLog log, FakeTimeProvider time, RocksEventLogOptions options)
    {
        var now = time.GetUtcNow();
        // Back first: the log thread may sweep as soon as the timer has gone off, and must not find a time that has not come.
        time.AdjustTime(now - options.SweepPeriod);
        time.Advance(options.SweepPeriod);
        for (var turn = 0; turn < 20; turn++)
        {
            await log.DropAsync(LogName.OfRoom("unused"));
        }
    }
}
