using System.Diagnostics;
using System.Numerics;

namespace WebMessenger.Load.Measuring;

/// <summary>Counts of durations, each known to within 1.6 %: 64 buckets to every doubling. Recording is one addition.</summary>
internal sealed class Histogram
{
    private const int SubBits = 6;
    private const int Sub = 1 << SubBits;

    private static readonly double MicrosecondsPerTick = 1_000_000.0 / Stopwatch.Frequency;

    private readonly long[] _counts = new long[(65 - SubBits) * Sub];

    public long Count { get; private set; }

    /// <param name="ticks">Of <see cref="Stopwatch"/>.</param>
    public void Record(long ticks)
    {
        var value = (ulong)Math.Max(0, ticks);
        var shift = Math.Max(0, 63 - SubBits - BitOperations.LeadingZeroCount(value | 1));
        _counts[(shift * Sub) + (int)(value >> shift)]++;
        Count++;
    }

    public void Add(Histogram other)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }

        Count += other.Count;
    }

    public void Clear()
    {
        Array.Clear(_counts);
        Count = 0;
    }

    /// <summary>The duration that this part of all were at or under, in microseconds; NaN when nothing was recorded.</summary>
    public double Microseconds(double part)
    {
        var left = Math.Max(1, (long)Math.Ceiling(Count * part));
        for (var i = 0; i < _counts.Length; i++)
        {
            left -= _counts[i];
            if (left <= 0)
            {
                var shift = Math.Max(0, (i / Sub) - 1);
                var low = (double)((long)(i - (shift * Sub)) << shift);
                return (low + ((1L << shift) / 2.0)) * MicrosecondsPerTick;
            }
        }

        return double.NaN;
    }
}
