using System.Buffers.Binary;
using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// One reaction as a record beside the log: key `x/{log}` NUL seq(8) emoji NUL account, value at(8, ms) and the fields of `from`.
/// </summary>
/// <remarks>
/// The key that ends behind the seq counts how often an emoji was the first of its kind on the message: who brings another new one
/// makes that a condition.
/// </remarks>
internal readonly record struct ReactionKey(long Seq, string Emoji, string AccountId)
{
    private const int SeqBytes = sizeof(long);

    /// <summary>Before the keys of all reactions.</summary>
    public static byte[] Prefix => "x/"u8.ToArray();

    /// <summary>The log that a key belongs to.</summary>
    public static LogName LogOf(ReadOnlySpan<byte> key) => SavedMessages.NameOf(Encoding.ASCII.GetString(key[2..key.IndexOf((byte)0)]));

    /// <summary>Before the keys of all reactions in a log. A log's name has no NUL, so no log's are taken for another's.</summary>
    public static byte[] PrefixOf(LogName log) => [.. "x/"u8, .. Encoding.ASCII.GetBytes(log.Value), 0];

    /// <summary>Before the keys of all reactions to a message, and the key of their count of kinds.</summary>
    public static byte[] PrefixOf(LogName log, long seq)
    {
        var prefix = PrefixOf(log);
        var key = new byte[prefix.Length + SeqBytes];
        prefix.CopyTo(key, 0);
        BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(prefix.Length), seq);
        return key;
    }

    /// <summary>Before the keys of all reactions to a message with one emoji.</summary>
    public static byte[] PrefixOf(LogName log, long seq, string emoji) => [.. PrefixOf(log, seq), .. Encoding.UTF8.GetBytes(emoji), 0];

    public static byte[] Of(LogName log, long seq, string emoji, string accountId) =>
        [.. PrefixOf(log, seq, emoji), .. Encoding.ASCII.GetBytes(accountId)];

    public static byte[] Value(Author from, DateTimeOffset at)
    {
        var fields = EventBody.AuthorFields(from);
        var value = new byte[SeqBytes + fields.Length];
        BinaryPrimitives.WriteInt64BigEndian(value, at.ToUnixTimeMilliseconds());
        fields.CopyTo(value, SeqBytes);
        return value;
    }

    public static long SeqIn(byte[] key, int prefix) => BinaryPrimitives.ReadInt64BigEndian(key.AsSpan(prefix));

    /// <summary>Null: it is no reaction, but the count of their kinds.</summary>
    /// <param name="prefix">Length of what <see cref="PrefixOf(LogName)"/> answers.</param>
    public static ReactionKey? TryParse(byte[] key, int prefix)
    {
        var rest = key.AsSpan(prefix + SeqBytes);
        return rest.IndexOf((byte)0) is > 0 and var end
            ? new ReactionKey(SeqIn(key, prefix), Encoding.UTF8.GetString(rest[..end]), Encoding.ASCII.GetString(rest[(end + 1)..]))
            : null;
    }

    public static (long At, ReadOnlyMemory<byte> From) ReadValue(byte[] value) =>
        (BinaryPrimitives.ReadInt64BigEndian(value), value.AsMemory(SeqBytes));
}
