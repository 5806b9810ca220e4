using System.Buffers.Binary;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// That an account talks to another: key `c/{account}/{other}`, value at(8, ms) of the newest message and the other's user name by then.
/// One for each of the two, in the batch of the message.
/// </summary>
/// <remarks>The name is for when the other is erased: it stays taken, so it goes on to say with whom it was.</remarks>
internal readonly record struct ConversationRecord(string Other, DateTimeOffset At, string User)
{
    /// <summary>There once the inboxes of version 0.1 were taken over; its value is <see cref="Format"/>.</summary>
    public static byte[] StateKey { get; } = "conversations"u8.ToArray();

    public const byte Format = 1;

    /// <summary>Nobody knows when something was said there, nor what the other was called.</summary>
    public bool IsMalformed { get; private init; }

    /// <summary>Before the keys of all conversations of an account.</summary>
    public static byte[] PrefixOf(string account) => Encoding.ASCII.GetBytes($"c/{account}/");

    public static byte[] Key(string account, string other) => Encoding.ASCII.GetBytes($"c/{account}/{other}");

    public RecordChange ChangeOf(string account)
    {
        var value = new byte[sizeof(long) + User.Length];
        BinaryPrimitives.WriteInt64BigEndian(value, At.ToUnixTimeMilliseconds());
        Encoding.ASCII.GetBytes(User, value.AsSpan(sizeof(long)));
        return new RecordChange(Key(account, Other), value);
    }

    public static ConversationRecord Read(byte[] key, int prefix, byte[] value)
    {
        var other = Encoding.ASCII.GetString(key.AsSpan(prefix));
        var at = value.Length >= sizeof(long) ? BinaryPrimitives.ReadInt64BigEndian(value) : -1;
        return at >= 0 && at <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? new(other, DateTimeOffset.FromUnixTimeMilliseconds(at), Encoding.ASCII.GetString(value.AsSpan(sizeof(long))))
            : new(other, DateTimeOffset.UnixEpoch, "") { IsMalformed = true };
    }

    /// <summary>All of an account's. Reads the disk.</summary>
    public static List<ConversationRecord> AllOf(IRecords records, string account)
    {
        var prefix = PrefixOf(account);
        return [.. records.ReadAll(prefix).Select(record => Read(record.Key, prefix.Length, record.Value))];
    }
}
