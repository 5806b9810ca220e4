using System.Buffers.Binary;
using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>
/// The blocks of all logs: what <see cref="UnreadFollower"/> has stored of them, and for the rest the log itself.
/// So what it answers is right however far that one has come.
/// </summary>
/// <remarks>Thread-safe; keeps nothing in memory.</remarks>
internal sealed class MessageBlocks(IEventLog log, IRecords records)
{
    /// <summary>
    /// How many events are looked back on at most: a room in which so much else happened since is not searched for older messages.
    /// </summary>
    public const int LookBack = 100_000;

    /// <summary>So many blocks of a log are stored, its newest: more than anybody looks back on.</summary>
    public const int Kept = (LookBack / MessageBlock.Length) + 2;

    /// <summary>Before the keys of all blocks.</summary>
    public static ReadOnlySpan<byte> Prefix => "unread/"u8;

    /// <summary>Before the keys of a log's blocks. A log's name has no NUL, so no log's blocks are taken for another's.</summary>
    public static byte[] PrefixOf(LogName log) => [.. Prefix, .. Encoding.ASCII.GetBytes(log.Value), 0];

    public static byte[] Key(LogName log, long number)
    {
        var prefix = PrefixOf(log);
        var key = new byte[prefix.Length + sizeof(long)];
        prefix.CopyTo(key, 0);
        BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(prefix.Length), number);
        return key;
    }

    public static long NumberIn(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadInt64BigEndian(key[^sizeof(long)..]);

    /// <summary>A block as far as the log has come. Null: the log has another epoch by now.</summary>
    /// <param name="anew">From the log alone: what is stored was made before a body was replaced.</param>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public MessageBlock? Read(LogName name, in LogHead head, long number, bool anew = false)
    {
        var to = Math.Min(MessageBlock.FloorOf(number + 1), head.Head);
        var stored = anew || records.Find(Key(name, number)) is not { } bytes ? null : MessageBlock.TryParse(number, bytes);
        if (stored is not null && (/* guard: a block of another life of its log */ stored.Epoch != head.Epoch || stored.Through > to))
        {
            stored = null;
        }

        if (stored?.Through == to)
        {
            return stored;
        }

        var after = stored?.Through ?? MessageBlock.FloorOf(number);
        var page = log.ReadAfter(name, after, (int)(to - after));
        return page.Head.Epoch == head.Epoch
            ? new MessageBlock(head.Epoch, number, to, [.. stored?.Messages ?? [], .. MessagesOf(page).Where(message => message.Seq <= to)])
            : null;
    }

    /// <summary>What came after a place, from the log: its newest events, which no block has yet.</summary>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public LogPage ReadAfter(LogName name, long after, int limit) => log.ReadAfter(name, after, limit);

    public LogHead Head(LogName name) => log.Head(name);

    public static IEnumerable<CountedMessage> MessagesOf(LogPage page) => page.Entries
        .Where(entry => EventBody.TypeOf(entry.Body.Span) is EventType.Message or EventType.Whisper or EventType.Pointer)
        .Select(entry => new CountedMessage(entry.Seq, entry.Author, EventBody.IsByBot(entry.Body.Span)));
}
