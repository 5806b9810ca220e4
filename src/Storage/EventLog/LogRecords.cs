using System.Buffers.Binary;
using System.Text;

namespace WebMessenger.Storage.EventLog;

/// <summary>
/// How the logs lie in the store. Numbers are big-endian, so that keys sort as numbers do. Format 2:
/// <code>
/// key                                   value
/// NUL "format"                          format number (1 byte)
/// log NUL 'e' seq(8)                    at(8, ms) author-length(1) author [0xFF changed-by(8) changed-at(8)]
///                                       id-length+1(1, 0: none) id body …                                       an event
/// log NUL 'h'                           head(8) first(8) last-at(8) swept-to(8) epoch …                         the log's head
/// log NUL 'i' author-length(1) author id…   seq(8) at(8) content-hash(16, all ones: equal to anything)          an id, for idempotency
/// NUL 'r' key …                         value …                                                                 a record beside the logs
/// NUL 't' log                           seq(8)             a log of which truncated events, from this seq on, are still on the disk
/// NUL 'j' number(8)                     at(8) bytes-so-far(8), then each: kind(1) name-length(1) name from(8) to(8)   what a batch did
/// NUL 'J'                               trimmed-to(8) epoch …                                                   where the journal begins
/// </code>
/// An event below the log's first is there without its body, as long as its id is remembered.
/// Format 1, of version 0.1, has neither journal nor truncation, and no event that was changed: all else is the same.
/// A log's name is ASCII without NUL, so no log's keys lie among another's, and all of a log is the range [log NUL, log 0x01).
/// </summary>
internal static class LogRecords
{
    public const byte Format = 2;

    /// <summary>Of version 0.1.</summary>
    public const byte FormatBeforeJournal = 1;

    /// <summary>Bytes of a journal record before its entries.</summary>
    public const int JournalHeader = 16;

    public const int JournalKeySize = 10;

    public const int MaxName = 127;

    public const int MaxAuthor = 255;

    public const int MaxId = 128;

    /// <summary>No key is longer.</summary>
    public const int MaxKey = MaxName + 2 + 1 + MaxAuthor + MaxId;

    public const int IdRecordSize = 32;

    /// <summary>Bytes of the key of a record beside the logs, as its owner knows it.</summary>
    public const int MaxRecordKey = 1_024;

    public const int MaxStoredRecordKey = 2 + MaxRecordKey;

    public const int MaxHeadRecord = 64;

    /// <summary>Bytes of an event's value beside its body, at most.</summary>
    public const int MaxEventHeader = 8 + 1 + MaxAuthor + ChangeSize + 1 + MaxId;

    // No id is so long that its length looks like this.
    private const byte Changed = 0xFF;

    private const int ChangeSize = 1 + 8 + 8;

    private const byte EventKind = (byte)'e';
    private const byte HeadKind = (byte)'h';
    private const byte IdKind = (byte)'i';

    public static ReadOnlySpan<byte> FormatKey => "\0format"u8;

    /// <summary>Before the keys of all logs, so that who walks the logs does not meet them.</summary>
    private static ReadOnlySpan<byte> RecordPrefix => "\0r"u8;

    public static ReadOnlySpan<byte> JournalStartKey => "\0J"u8;

    private static ReadOnlySpan<byte> JournalPrefix => "\0j"u8;

    /// <summary>Before the name of a log of which truncated events are still on the disk.</summary>
    public static ReadOnlySpan<byte> TruncatedPrefix => "\0t"u8;

    /// <summary>Equal to the hash of any content: of an event that was changed, what its author once sent is not told any more.</summary>
    public static UInt128 AnyContent => UInt128.MaxValue;

    /// <summary>The first key that any log can have.</summary>
    public static ReadOnlySpan<byte> FirstLogKey => [1];

    public static byte[] Prefix(ReadOnlySpan<byte> name) => [.. name, 0];

    /// <summary>The first key behind all keys of the log.</summary>
    public static byte[] End(ReadOnlySpan<byte> name) => [.. name, 1];

    /// <summary>The first key behind all keys that begin with these bytes, of which one at least is not 0xFF.</summary>
    public static byte[] EndOfPrefix(ReadOnlySpan<byte> prefix)
    {
        byte[] end = [.. prefix[..(prefix.LastIndexOfAnyExcept((byte)0xFF) + 1)]];
        end[^1]++;
        return end;
    }

    public static ReadOnlySpan<byte> NameIn(ReadOnlySpan<byte> key) => key[..Math.Max(0, key.IndexOf((byte)0))];

    public static int EventKey(Span<byte> to, ReadOnlySpan<byte> prefix, long seq)
    {
        prefix.CopyTo(to);
        to[prefix.Length] = EventKind;
        BinaryPrimitives.WriteInt64BigEndian(to[(prefix.Length + 1)..], seq);
        return prefix.Length + 9;
    }

    public static byte[] EventKey(ReadOnlySpan<byte> prefix, long seq)
    {
        var key = new byte[prefix.Length + 9];
        EventKey(key, prefix, seq);
        return key;
    }

    /// <summary>The seq in an event's key.</summary>
    public static long SeqIn(ReadOnlySpan<byte> eventKey) => BinaryPrimitives.ReadInt64BigEndian(eventKey[^8..]);

    public static int HeadKey(Span<byte> to, ReadOnlySpan<byte> prefix)
    {
        prefix.CopyTo(to);
        to[prefix.Length] = HeadKind;
        return prefix.Length + 1;
    }

    public static int IdKey(Span<byte> to, ReadOnlySpan<byte> prefix, string author, string id)
    {
        prefix.CopyTo(to);
        var at = prefix.Length;
        to[at++] = IdKind;
        var length = Encoding.UTF8.GetBytes(author, to[(at + 1)..]);
        to[at] = (byte)length;
        at += 1 + length;
        return at + Encoding.UTF8.GetBytes(id, to[at..]);
    }

    public static int IdKey(Span<byte> to, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> author, ReadOnlySpan<byte> id)
    {
        prefix.CopyTo(to);
        var at = prefix.Length;
        to[at++] = IdKind;
        to[at++] = (byte)author.Length;
        author.CopyTo(to[at..]);
        id.CopyTo(to[(at + author.Length)..]);
        return at + author.Length + id.Length;
    }

    public static int RecordKey(Span<byte> to, ReadOnlySpan<byte> key)
    {
        RecordPrefix.CopyTo(to);
        key.CopyTo(to[RecordPrefix.Length..]);
        return RecordPrefix.Length + key.Length;
    }

    /// <summary>The key of a record as its owner knows it.</summary>
    public static ReadOnlySpan<byte> RecordKeyIn(ReadOnlySpan<byte> stored) => stored[RecordPrefix.Length..];

    /// <summary>Writes an event's value; the room must suffice for <see cref="MaxEventHeader"/> and the body.</summary>
    public static int Event(Span<byte> to, long at, string author, string? id, ReadOnlySpan<byte> body)
    {
        BinaryPrimitives.WriteInt64BigEndian(to, at);
        var length = Encoding.UTF8.GetBytes(author, to[9..]);
        to[8] = (byte)length;
        var next = 9 + length;
        if (id is null)
        {
            to[next++] = 0;
        }
        else
        {
            length = Encoding.UTF8.GetBytes(id, to[(next + 1)..]);
            to[next] = (byte)(length + 1);
            next += 1 + length;
        }

        body.CopyTo(to[next..]);
        return next + body.Length;
    }

    /// <summary>
    /// Writes the value of an event whose body is another now; the room must suffice for <see cref="MaxEventHeader"/> and the body.
    /// </summary>
    public static int ChangedEvent(Span<byte> to, in EventView old, long changedBy, long changedAt, ReadOnlySpan<byte> body)
    {
        var next = Header(to, old.At, old.Author);
        to[next] = Changed;
        BinaryPrimitives.WriteInt64BigEndian(to[(next + 1)..], changedBy);
        BinaryPrimitives.WriteInt64BigEndian(to[(next + 9)..], changedAt);
        return Rest(to, next + ChangeSize, old, body);
    }

    /// <summary>The value of an event of which nothing is left but whose id it has.</summary>
    public static int Stub(Span<byte> to, in EventView old) => Rest(to, Header(to, old.At, old.Author), old, []);

    /// <summary>The value of an event that lies in another log from now on: the body says where.</summary>
    public static int MovedEvent(Span<byte> to, in EventView old, ReadOnlySpan<byte> body) => Rest(to, Header(to, old.At, old.Author), old, body);

    private static int Header(Span<byte> to, long at, ReadOnlySpan<byte> author)
    {
        BinaryPrimitives.WriteInt64BigEndian(to, at);
        to[8] = (byte)author.Length;
        author.CopyTo(to[9..]);
        return 9 + author.Length;
    }

    private static int Rest(Span<byte> to, int next, in EventView old, ReadOnlySpan<byte> body)
    {
        to[next++] = (byte)(old.HasId ? old.Id.Length + 1 : 0);
        old.Id.CopyTo(to[next..]);
        next += old.Id.Length;
        body.CopyTo(to[next..]);
        return next + body.Length;
    }

    /// <summary>
    /// What an append takes on disk: the event, its id for idempotency, its records,
    /// each with its key, and the bodies that it puts in place of others.
    /// </summary>
    public static int SizeOf(int prefix, PendingAppend append)
    {
        var author = Encoding.UTF8.GetByteCount(append.Author);
        var size = prefix + 9 + 8 + 1 + author + 1 + BodiesOf(append);
        if (append.Id is { } text)
        {
            var id = Encoding.UTF8.GetByteCount(text);
            size += id + prefix + 2 + author + id + IdRecordSize;
        }

        for (var i = 0; i < append.Pointers.Count; i++)
        {
            var pointer = append.Pointers[i];
            size += pointer.Log.Value.Length + 1 + 9 + 8 + 1 + author + 1 + pointer.Beginning.Length + EventPointer.SeqBytes;
        }

        return size + SizeOf(append.Changes);
    }

    /// <summary>The event's body, and those that take the place of earlier ones.</summary>
    public static int BodiesOf(PendingAppend append)
    {
        var size = append.Body.Length;
        for (var i = 0; i < append.Replacements.Count; i++)
        {
            size += append.Replacements[i].Body.Length;
        }

        return size;
    }

    /// <summary>What changes of records take, with their keys.</summary>
    public static int SizeOf(IReadOnlyList<RecordChange> changes)
    {
        var size = 0;
        for (var i = 0; i < changes.Count; i++)
        {
            size += RecordPrefix.Length + changes[i].Key.Length + (changes[i].Value?.Length ?? 0);
        }

        return size;
    }

    public static EventView ReadEvent(ReadOnlySpan<byte> value)
    {
        var author = value.Slice(9, value[8]);
        var rest = value[(9 + author.Length)..];
        var (by, changedAt) = (0L, 0L);
        if (rest[0] == Changed)
        {
            (by, changedAt) = (BinaryPrimitives.ReadInt64BigEndian(rest[1..]), BinaryPrimitives.ReadInt64BigEndian(rest[9..]));
            rest = rest[ChangeSize..];
        }

        var hasId = rest[0] != 0;
        var id = rest.Slice(1, hasId ? rest[0] - 1 : 0);
        return new(BinaryPrimitives.ReadInt64BigEndian(value), author, hasId, id, rest[(1 + id.Length)..], by, changedAt);
    }

    public static void JournalKey(Span<byte> to, long number)
    {
        JournalPrefix.CopyTo(to);
        BinaryPrimitives.WriteInt64BigEndian(to[JournalPrefix.Length..], number);
    }

    /// <summary>Null: not a key of the journal.</summary>
    public static long? JournalNumber(ReadOnlySpan<byte> key) =>
        key.Length == JournalKeySize && key.StartsWith(JournalPrefix) ? BinaryPrimitives.ReadInt64BigEndian(key[JournalPrefix.Length..]) : null;

    public static int JournalEntrySize(ReadOnlySpan<byte> name) => 2 + name.Length + 16;

    public static void JournalEntry(Span<byte> to, ReadOnlySpan<byte> name, JournalKind kind, long from, long last)
    {
        to[0] = (byte)kind;
        to[1] = (byte)name.Length;
        name.CopyTo(to[2..]);
        BinaryPrimitives.WriteInt64BigEndian(to[(2 + name.Length)..], from);
        BinaryPrimitives.WriteInt64BigEndian(to[(10 + name.Length)..], last);
    }

    public static List<LogChange> ReadJournal(ReadOnlySpan<byte> value)
    {
        List<LogChange> changes = [];
        for (var rest = value[JournalHeader..]; !rest.IsEmpty;)
        {
            var name = rest.Slice(2, rest[1]);
            var numbers = rest[(2 + name.Length)..];
            changes.Add(new(LogName.Stored(name), (JournalKind)rest[0], BinaryPrimitives.ReadInt64BigEndian(numbers), BinaryPrimitives.ReadInt64BigEndian(numbers[8..])));
            rest = numbers[16..];
        }

        return changes;
    }

    public static byte[] JournalStart(JournalStart start)
    {
        var value = new byte[8 + start.Epoch.Length];
        BinaryPrimitives.WriteInt64BigEndian(value, start.TrimmedTo);
        Encoding.ASCII.GetBytes(start.Epoch, value.AsSpan(8));
        return value;
    }

    public static JournalStart ReadJournalStart(ReadOnlySpan<byte> value) =>
        new(Encoding.ASCII.GetString(value[8..]), BinaryPrimitives.ReadInt64BigEndian(value));

    public static byte[] TruncatedKey(ReadOnlySpan<byte> name) => [.. TruncatedPrefix, .. name];

    public static int Head(Span<byte> to, in HeadRecord head)
    {
        BinaryPrimitives.WriteInt64BigEndian(to, head.Head);
        BinaryPrimitives.WriteInt64BigEndian(to[8..], head.First);
        BinaryPrimitives.WriteInt64BigEndian(to[16..], head.LastAt);
        BinaryPrimitives.WriteInt64BigEndian(to[24..], head.SweptTo);
        return 32 + Encoding.ASCII.GetBytes(head.Epoch, to[32..]);
    }

    public static HeadRecord ReadHead(ReadOnlySpan<byte> value) => new(
        Encoding.ASCII.GetString(value[32..]),
        BinaryPrimitives.ReadInt64BigEndian(value),
        BinaryPrimitives.ReadInt64BigEndian(value[8..]),
        BinaryPrimitives.ReadInt64BigEndian(value[16..]),
        BinaryPrimitives.ReadInt64BigEndian(value[24..]));

    public static void Id(Span<byte> to, in IdRecord id)
    {
        BinaryPrimitives.WriteInt64BigEndian(to, id.Seq);
        BinaryPrimitives.WriteInt64BigEndian(to[8..], id.At);
        BinaryPrimitives.WriteUInt128BigEndian(to[16..], id.ContentHash);
    }

    public static IdRecord ReadId(ReadOnlySpan<byte> value) => new(
        BinaryPrimitives.ReadInt64BigEndian(value),
        BinaryPrimitives.ReadInt64BigEndian(value[8..]),
        BinaryPrimitives.ReadUInt128BigEndian(value[16..]));
}

/// <summary>Where the journal begins: what it was up to <c>TrimmedTo</c> is gone.</summary>
internal readonly record struct JournalStart(string Epoch, long TrimmedTo);

/// <summary>
/// A log's head as stored. <c>SweptTo</c>: ids of events up to this seq were looked at and, as far as they were still theirs, forgotten.
/// </summary>
internal readonly record struct HeadRecord(string Epoch, long Head, long First, long LastAt, long SweptTo)
{
    public LogHead ToHead() => new(Epoch, Head, First);
}

/// <summary>What is remembered of an id.</summary>
internal readonly record struct IdRecord(long Seq, long At, UInt128 ContentHash);

/// <summary>An event's value where the store holds it; gone when the iterator moves on.</summary>
internal readonly ref struct EventView(long at, ReadOnlySpan<byte> author, bool hasId, ReadOnlySpan<byte> id, ReadOnlySpan<byte> body, long changedBy, long changedAt)
{
    public long At { get; } = at;

    public ReadOnlySpan<byte> Author { get; } = author;

    public bool HasId { get; } = hasId;

    public ReadOnlySpan<byte> Id { get; } = id;

    public ReadOnlySpan<byte> Body { get; } = body;

    /// <summary>The seq of the event that put this body here, or 0.</summary>
    public long ChangedBy { get; } = changedBy;

    public long ChangedAt { get; } = changedAt;
}
