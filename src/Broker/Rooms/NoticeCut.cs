using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>Bounds the logs of notices: how many each has, and how old they become.</summary>
internal sealed class NoticeCut(IEventLog logs, BrokerLimits limits, TimeProvider time)
{
    private const int ReadAtOnce = 250;

    /// <summary>A log grows by so many before its beginning is cut off.</summary>
    private const int Slack = 100;

    /// <summary>Those that are too many or too old go.</summary>
    public async Task CutAsync(LogName name)
    {
        var head = logs.Head(name);
        var first = limits.NoticesPerAccount is > 0 and var most && head.Head - head.First + 1 > most + Slack
            ? head.Head - most + 1 : head.First;
        if (limits.NoticeDays is > 0 and var days)
        {
            var over = time.GetUtcNow().AddDays(-days);
            while (logs.ReadAfter(name, first - 1, ReadAtOnce).Entries is { Count: > 0 } page && page[0].At < over)
            {
                first = (page.FirstOrDefault(entry => entry.At >= over) is { Seq: > 0 } kept ? kept.Seq : page[^1].Seq + 1);
            }
        }

        if (first > head.First)
        {
            await logs.TruncateAsync(name, first);
        }
    }
}
