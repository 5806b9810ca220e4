using System.Buffers.Text;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Streams;

/// <summary>
/// Where a SUBSCRIBE wants to begin: after a seq that the client has (of an epoch, if it says so), or with the newest events.
/// </summary>
/// <param name="After">`after`; null with <paramref name="Last"/>.</param>
/// <param name="Epoch">`epoch`; null: the client does not know.</param>
internal sealed record CatchUpFrom(long? After, string? Epoch, int? Last)
{
    private const int MaximumLast = 1000;

    /// <summary>What is kept for clients that have to begin anew.</summary>
    private const int MaximumAfterReset = 10_000;

    /// <summary>Reads the user properties of a SUBSCRIBE. Null and no error: it asks for nothing but what comes.</summary>
    public static CatchUpFrom? Parse(IEnumerable<(string Name, ReadOnlyMemory<byte> Value)> properties, out string error)
    {
        error = "";
        long? after = null;
        int? last = null;
        string? epoch = null;
        foreach (var (name, value) in properties)
        {
            switch (name)
            {
                case "after":
                    if (after is not null || !TryNumber(value.Span, long.MaxValue, out var seq))
                    {
                        error = "\"after\" must be one seq: a whole number from 0.";
                        return null;
                    }

                    after = seq;
                    break;
                case "last":
                    if (last is not null || !TryNumber(value.Span, MaximumLast, out var count))
                    {
                        error = $"\"last\" must be one whole number from 0 to {MaximumLast}.";
                        return null;
                    }

                    last = (int)count;
                    break;
                case "epoch":
                    epoch = Encoding.UTF8.GetString(value.Span);
                    break;
            }
        }

        if (after is not null && last is not null)
        {
            error = "Give \"after\" or \"last\", not both.";
            return null;
        }

        return after is null && last is null ? null : new CatchUpFrom(after, epoch, last);
    }

    /// <summary>The seq after which to begin, and whether the client must be told that what it knew does not count any more.</summary>
    public (long Cursor, bool IsReset) Resolve(in LogHead head)
    {
        if (Last is { } count)
        {
            return (Math.Max(head.Head - count, Math.Max(0, head.First - 1)), false);
        }

        var after = After!.Value;
        if ((/* guard: events of another epoch begin anew */ (Epoch is null || Epoch == head.Epoch)) && (/* guard: `after` beyond the head begins anew */ after <= head.Head) && (after >= head.First - 1 || head.Head == 0))
        {
            return (after, false);
        }

        return (Math.Max(head.Head - MaximumAfterReset, Math.Max(0, head.First - 1)), true);
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, long maximum, out long number) =>
        Utf8Parser.TryParse(text, out number, out var used) && used == text.Length && text[0] is >= (byte)'0' and <= (byte)'9' && number <= maximum;
}
