using System.Net;
using Microsoft.Extensions.Logging;

namespace WebMessenger.Auth.Limits;

/// <summary>
/// Keeps strangers from filling the operator's log: of each kind of refusal one line a minute is written, and one that says how many more
/// there were.
/// </summary>
/// <remarks>
/// Thread-safe. What it holds is bounded by the kinds, which are constants of the program, and by <see cref="AddressesCounted"/>
/// addresses a kind.
/// Nothing is written while nothing is refused.
/// </remarks>
public sealed partial class RefusalLog : IDisposable
{
    /// <summary>From how many addresses a kind came is counted up to here; beyond it "1000 or more" tells the operator enough.</summary>
    internal const int AddressesCounted = 1000;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Tally> _tallies = [];
    private readonly ILogger<RefusalLog> _log;
    private readonly ITimer _windowEnd;

    public RefusalLog(TimeProvider time, ILogger<RefusalLog> log)
    {
        _log = log;
        _windowEnd = time.CreateTimer(
            static refusals => ((RefusalLog)refusals!).SumUp(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// Counts one refusal. True: it is the first of its kind in this minute, and the caller writes its own line. False: the sum tells of
    /// it.
    /// </summary>
    /// <param name="kind">What is counted together, as a plural: `refused sign-ins`. A constant, never made of what a stranger
    /// sent.</param>
    /// <param name="address">Whose fault it was; null: not known.</param>
    public bool Try(string kind, IPAddress? address)
    {
        var origin = Origin.Of(address);
        lock (_gate)
        {
            if (_tallies.TryGetValue(kind, out var tally))
            {
                tally.Add(origin);
                // guard: refusals are summed up
                return false;
            }

            if (_tallies.Count == 0)
            {
                _windowEnd.Change(Window, Timeout.InfiniteTimeSpan);
            }

            _tallies.Add(kind, new Tally());
            return true;
        }
    }

    /// <summary>Writes what was counted and not said yet.</summary>
    public void Dispose()
    {
        _windowEnd.Dispose();
        SumUp();
    }

    private void SumUp()
    {
        List<(string Kind, Tally Tally)> over;
        lock (_gate)
        {
            over = [.. _tallies.Select(tally => (tally.Key, tally.Value))];
            _tallies.Clear();
        }

        foreach (var (kind, tally) in over)
        {
            if (tally.Count > 0)
            {
                LogMore(_log, tally.Count, kind, tally.Addresses);
            }
        }
    }

    [LoggerMessage(1010, LogLevel.Information, "… {Kind}: {Count} more within a minute, from {Addresses}")]
    private static partial void LogMore(ILogger log, long count, string kind, string addresses);

    private sealed class Tally
    {
        private readonly HashSet<Origin> _origins = [];

        public long Count { get; private set; }

        public string Addresses => _origins.Count switch
        {
            1 => "1 address",
            AddressesCounted => $"{AddressesCounted} or more addresses",
            var count => $"{count} addresses",
        };

        public void Add(Origin origin)
        {
            Count++;
            if (/* guard: few addresses of refusals are remembered */ _origins.Count < AddressesCounted)
            {
                _origins.Add(origin);
            }
        }
    }
}
