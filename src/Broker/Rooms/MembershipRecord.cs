using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>An account's place in a room as it lies among the records of the event log, twice: to be found by the account, and by the
/// room.</summary>
/// <remarks>
/// Both are written in one batch. Keys are ASCII, numbers big-endian, times milliseconds since 1970. Format 1:
/// <code>
/// key                       value
/// m/ account / room key     1 · role (1) · flags (1; 1: on the list) · since (8; 0: since version 0.1, which did not write it down)
///                           · muted until (8; 0: not) · generation (8)
/// w/ room key / account     the same
/// m                         1: what version 0.1 kept in documents is taken over
/// </code>
/// </remarks>
/// <param name="IsListed">False: the owner of a public room, who has left its list.</param>
/// <param name="Since">In whole milliseconds; null: since version 0.1.</param>
/// <param name="MutedUntil">In whole milliseconds; null: may speak.</param>
/// <param name="Generation">Tells this stay from others of the account in this room; 0 of those that version 0.1 has left.</param>
internal sealed record MembershipRecord(MemberRole Role, bool IsListed, DateTimeOffset? Since, DateTimeOffset? MutedUntil, ulong Generation)
{
    public const byte Format = 1;

    private const int Size = 1 + 1 + 1 + 8 + 8 + 8;
    private const byte Listed = 1;

    /// <summary>Of what was taken over from version 0.1.</summary>
    public static byte[] StateKey { get; } = [(byte)'m'];

    /// <summary>Before the keys of all, by account.</summary>
    public static byte[] ByAccount { get; } = "m/"u8.ToArray();

    /// <summary>Its owner keeps a room when he leaves the list.</summary>
    public static MembershipRecord AwayOwner { get; } = new(MemberRole.Owner, IsListed: false, null, null, 0);

    /// <summary>Somebody comes onto the list.</summary>
    public static MembershipRecord Begin(MemberRole role, DateTimeOffset now) =>
        new(role, IsListed: true, DateTimeOffset.FromUnixTimeMilliseconds(now.ToUnixTimeMilliseconds()), null, NewGeneration());

    public static byte[] AccountKey(string account, string room) => Encoding.ASCII.GetBytes($"m/{account}/{room}");

    public static byte[] RoomKey(string room, string account) => Encoding.ASCII.GetBytes($"w/{room}/{account}");

    /// <summary>Before the keys of all that one account has.</summary>
    public static byte[] OfAccount(string account) => Encoding.ASCII.GetBytes($"m/{account}/");

    /// <summary>Before the keys of all that are in one room.</summary>
    public static byte[] OfRoom(string room) => Encoding.ASCII.GetBytes($"w/{room}/");

    /// <summary>The account of a key by account, or the room of one by room.</summary>
    /// <remarks>Neither a room's key nor an account's id has a slash.</remarks>
    /// <param name="last">Given back, if it is that one: they come in order.</param>
    public static string FirstIn(ReadOnlySpan<byte> key, string last)
    {
        var first = key[2..(key.Length - SecondIn(key).Length - 1)];
        return Ascii.Equals(first, last) ? last : Encoding.ASCII.GetString(first);
    }

    /// <summary>The room of a key by account, or the account of one by room.</summary>
    public static ReadOnlySpan<byte> SecondIn(ReadOnlySpan<byte> key) => key[(key.LastIndexOf((byte)'/') + 1)..];

    /// <inheritdoc cref="SecondIn"/>
    public static string SecondOf(ReadOnlySpan<byte> key) => Encoding.ASCII.GetString(SecondIn(key));

    public byte[] Write()
    {
        var value = new byte[Size];
        (value[0], value[1], value[2]) = (Format, (byte)Role, IsListed ? Listed : (byte)0);
        BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(3), Since?.ToUnixTimeMilliseconds() ?? 0);
        BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(11), MutedUntil?.ToUnixTimeMilliseconds() ?? 0);
        BinaryPrimitives.WriteUInt64BigEndian(value.AsSpan(19), Generation);
        return value;
    }

    /// <summary>False: this program did not write it.</summary>
    public static bool TryRead(ReadOnlySpan<byte> value, [NotNullWhen(true)] out MembershipRecord? record)
    {
        record = null;
        if (value.Length != Size || value[0] != Format || !Enum.IsDefined((MemberRole)value[1]))
        {
            return false;
        }

        record = new MembershipRecord(
            (MemberRole)value[1],
            (value[2] & Listed) != 0,
            TimeIn(value[3..]),
            TimeIn(value[11..]),
            BinaryPrimitives.ReadUInt64BigEndian(value[19..]));
        return true;
    }

    private static DateTimeOffset? TimeIn(ReadOnlySpan<byte> value) =>
        BinaryPrimitives.ReadInt64BigEndian(value) is not 0 and var at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null;

    private static ulong NewGeneration()
    {
        Span<byte> random = stackalloc byte[8];
        ulong generation;
        do
        {
            RandomNumberGenerator.Fill(random);
            generation = BinaryPrimitives.ReadUInt64BigEndian(random);
        }
        while (generation == 0);
        return generation;
    }
}
