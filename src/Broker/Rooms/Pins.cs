using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What is pinned in a room: one record beside its log, changed in the batch of the event that tells of it.</summary>
/// <remarks>
/// Key `p/{log}`; of each pin, in the order of pinning: seq (8), when (8, ms), length (2) and fields of who did it. There are few, so who
/// pins, unpins or deletes makes the whole record a condition: so many at most, each once, and none of what is deleted.
/// </remarks>
internal sealed class Pins(IRecords records, BrokerLimits limits)
{
    private const int Header = 8 + 8 + 2;

    public static byte[] Key(LogName log) => Encoding.ASCII.GetBytes("p/" + log.Value);

    /// <summary>Oldest first. Reads the disk.</summary>
    public IReadOnlyList<Pin> Of(LogName log) => Read(records.Find(Key(log)));

    /// <summary>What pinning changes, and on what condition. Reads the disk.</summary>
    /// <param name="known">The room's.</param>
    public RecordsPlan Plan(LogName log, PinsKnown known, long first, MessageAct.Pin act, Author by, DateTimeOffset at)
    {
        known.MayBeSome();
        var stored = records.Find(Key(log));
        var pins = Read(stored);
        if (pins.Exists(pin => pin.Seq == act.Of) == act.On)
        {
            return new RecordsPlan(ActResult.NothingToChange, [], []);
        }

        if (act.On)
        {
            // Those of what was truncated count for nothing.
            pins.RemoveAll(pin => pin.Seq < first);
            pins.Add(new Pin(act.Of, TimeOfNext(pins, at), EventBody.AuthorFields(by)));
        }
        else
        {
            pins.RemoveAll(pin => pin.Seq == act.Of);
        }

        return act.On && (/* guard: pins of a room */ limits.PinsPerRoom > 0 && pins.Count > limits.PinsPerRoom)
            ? new RecordsPlan(TooMany(limits.PinsPerRoom), [], [])
            : new RecordsPlan(null, [new RecordChange(Key(log), Write(pins))], [new RecordCondition(Key(log), stored)]);
    }

    /// <summary>Takes the pin off a message that is deleted. Reads the disk.</summary>
    /// <param name="known">The room's.</param>
    public RecordsPlan RemovalOf(LogName log, PinsKnown known, long seq)
    {
        var stored = known.AreNone ? null : records.Find(Key(log));
        if (stored is null)
        {
            known.FoundNone();
        }

        var pins = Read(stored);

        // Also where it has none: somebody may be pinning it just then.
        return new RecordsPlan(
            null,
            pins.RemoveAll(pin => pin.Seq == seq) > 0 ? [new RecordChange(Key(log), Write(pins))] : [],
            [new RecordCondition(Key(log), stored)]);
    }

    /// <summary>Takes off the pins of messages that have gone with the beginning of their log. Reads the disk.</summary>
    /// <param name="first">The oldest seq that is there.</param>
    /// <exception cref="RecordsNotWrittenException">It could not be stored.</exception>
    public static async Task ForgetBeforeAsync(IRecords records, LogName log, long first)
    {
        // Whoever pins meanwhile makes it look again.
        for (var outcome = WriteOutcome.Conflict; outcome is WriteOutcome.Conflict;)
        {
            var stored = records.Find(Key(log));
            var pins = Read(stored);
            outcome = pins.RemoveAll(pin => pin.Seq < first) == 0
                ? WriteOutcome.Written
                : await records.WriteAsync([new RecordChange(Key(log), Write(pins))], [new RecordCondition(Key(log), stored)]);
        }
    }

    /// <summary>What puts all of these into a room that has none.</summary>
    public static RecordChange ChangeOf(LogName log, List<Pin> pins) => new(Key(log), Write(pins));

    // Each has a time of its own, whatever the clock does: by that a page goes on from another.
    private static DateTimeOffset TimeOfNext(List<Pin> pins, DateTimeOffset now) =>
        pins is [.., { At: var last }] && now < last.AddMilliseconds(1) ? last.AddMilliseconds(1) : now;

    private static PublishRefusal TooMany(int most) => new(
        ReasonCode.NotAuthorized,
        string.Create(CultureInfo.InvariantCulture, $"There are {most} pinned messages in this room already. Take one off first."),
        "too_many");

    private static List<Pin> Read(byte[]? stored)
    {
        List<Pin> pins = [];
        for (ReadOnlySpan<byte> rest = stored; !rest.IsEmpty;)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(rest[16..]);
            var at = DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(rest[8..]));

            // A record of an earlier version may have two of one time.
            pins.Add(new Pin(BinaryPrimitives.ReadInt64BigEndian(rest), TimeOfNext(pins, at), rest.Slice(Header, length).ToArray()));
            rest = rest[(Header + length)..];
        }

        return pins;
    }

    private static byte[]? Write(List<Pin> pins)
    {
        if (pins.Count == 0)
        {
            return null;
        }

        var record = new byte[pins.Sum(pin => Header + pin.By.Length)];
        var rest = record.AsSpan();
        foreach (var pin in pins)
        {
            BinaryPrimitives.WriteInt64BigEndian(rest, pin.Seq);
            BinaryPrimitives.WriteInt64BigEndian(rest[8..], pin.At.ToUnixTimeMilliseconds());
            BinaryPrimitives.WriteUInt16BigEndian(rest[16..], checked((ushort)pin.By.Length));
            pin.By.CopyTo(rest[Header..]);
            rest = rest[(Header + pin.By.Length)..];
        }

        return record;
    }
}

/// <summary>
/// Whether nothing is pinned in a room, as far as memory knows: so a deletion need not look. It makes that a condition all the same, and
/// who pins has said so before, by when it looks again.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class PinsKnown
{
    private const int Unknown = 0;
    private const int None = 1;
    private const int PerhapsSome = 2;

    private int _state = Unknown;

    public bool AreNone => Volatile.Read(ref _state) == None;

    /// <summary>There were none on the disk.</summary>
    public void FoundNone() => Interlocked.CompareExchange(ref _state, None, Unknown);

    /// <summary>Somebody is about to pin or unpin: it is not known any more, until the next start.</summary>
    public void MayBeSome() => Interlocked.Exchange(ref _state, PerhapsSome);
}

/// <summary>One pinned message.</summary>
/// <param name="By">The fields of who pinned it, as JSON without braces.</param>
internal sealed record Pin(long Seq, DateTimeOffset At, byte[] By);
