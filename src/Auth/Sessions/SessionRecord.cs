using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Sessions;

/// <summary>
/// A browser's login session or an access token as it lies among the records of the event log; of its secret the hash only (attack 32).
/// </summary>
/// <remarks>
/// Those of passwords are made anew by their client, or from the note kept with its MQTT session.
/// Numbers are big-endian, times milliseconds since 1970, texts UTF-8 behind a length of 2 bytes. Keys are ASCII. Format 1:
/// <code>
/// key                   value
/// s/ account / id       1 · kind (1; 0 browser, 2 token) · hash of the secret (32) · created (8) · last seen (8) · expires (8, 0: never)
///                       · verbs (4) · flags (1; 1 has an address, 2 is limited to rooms, 4 has a mount, 8 is limited to topics below it,
///                       16 has a certificate)
///                       · device · address if any · number of rooms (2) and each room if limited · room of the mount if any
///                       · number of filters (2) and each filter, of what it reads and then of what it writes, if limited to topics
///                       · SHA-256 of its certificate (32) · valid from (8) · valid until (8) if it has one
/// s                     1 · no login session by password lives that began at this time or before (8, 0: all may)
///                       · epoch of the log that <see cref="SessionStore"/> watches (ASCII; none: not all was taken over from version 0.1)
/// </code>
/// </remarks>
internal sealed record SessionRecord(
    string Id, string Account, LoginSessionKind Kind, SecretHash Secret, Scope Scope,
    DateTimeOffset CreatedAt, DateTimeOffset LastSeen, DateTimeOffset? ExpiresAt, string Device, string? Address, ClientCertificate? Certificate = null)
{
    public const byte Format = 1;

    private const int FixedSize = 1 + 1 + 32 + 8 + 8 + 8 + 4 + 1;
    private const byte HasAddress = 1;
    private const byte HasRooms = 2;
    private const byte HasMount = 4;
    private const byte HasTopics = 8;
    private const byte HasCertificate = 16;
    private const int CertificateSize = Fingerprint.Bytes + 8 + 8;

    public const string PrefixText = "s/";

    public static ReadOnlySpan<byte> Prefix => "s/"u8;

    public byte[] Key => KeyOf(Account, Id);

    public static byte[] KeyOf(string account, string id) => Encoding.ASCII.GetBytes($"s/{account}/{id}");

    /// <summary>Before the keys of all that one account has.</summary>
    public static byte[] PrefixOf(string account) => Encoding.ASCII.GetBytes($"s/{account}/");

    public static SessionRecord Of(LoginSession session) => new(
        session.Id, session.Account.Id, session.Kind, session.SecretHash!.Value, session.Scope,
        session.CreatedAt, session.LastSeen, session.ExpiresAt, session.Device, session.Address, session.Certificate);

    public LoginSession ToSession(Account account) => new(Id, Kind, account, Scope, CreatedAt, Device, Address)
    {
        SecretHash = Secret, LastSeen = LastSeen, StoredLastSeen = LastSeen, ExpiresAt = ExpiresAt, StoredScope = Scope, Certificate = Certificate,
    };

    /// <summary>With the later of both uses, and without the rooms that one of them does not name any more.</summary>
    public SessionRecord UsedAs(LoginSession session)
    {
        var (isLater, expires) = (session.LastSeen > LastSeen, session.ExpiresAt);
        return this with
        {
            LastSeen = isLater ? session.LastSeen : LastSeen,
            Address = isLater ? session.Address : Address,
            ExpiresAt = expires > ExpiresAt ? expires : ExpiresAt,
            Scope = Scope.Rooms is { } rooms && session.Scope.Rooms is { } own && !rooms.IsSubsetOf(own)
                ? Scope with { Rooms = rooms.Where(own.Contains).ToFrozenSet() } : Scope,
        };
    }

    public byte[] Write()
    {
        ArrayBufferWriter<byte> to = new(FixedSize + 64);
        var value = to.GetSpan(FixedSize);
        value[0] = Format;
        value[1] = (byte)Kind;
        Secret.ToBytes().CopyTo(value[2..]);
        BinaryPrimitives.WriteInt64BigEndian(value[34..], CreatedAt.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64BigEndian(value[42..], LastSeen.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64BigEndian(value[50..], ExpiresAt?.ToUnixTimeMilliseconds() ?? 0);
        BinaryPrimitives.WriteInt32BigEndian(value[58..], (int)Scope.Verbs);
        value[62] = (byte)((Address is null ? 0 : HasAddress) | (Scope.Rooms is null ? 0 : HasRooms)
            | (Scope.Mount is null ? 0 : HasMount) | (Scope.Topics is null ? 0 : HasTopics)
            | (Certificate is null ? 0 : HasCertificate));
        to.Advance(FixedSize);
        Put(to, Device);
        if (Address is not null)
        {
            Put(to, Address);
        }

        if (Scope.Rooms is { } rooms)
        {
            Put(to, [.. rooms.Order(StringComparer.Ordinal)]);
        }

        if (Scope.Mount is { } mount)
        {
            Put(to, mount);
        }

        if (Scope.Topics is { } topics)
        {
            Put(to, topics.Read);
            Put(to, topics.Write);
        }

        if (Certificate is not null)
        {
            Put(to, Certificate);
        }

        return to.WrittenSpan.ToArray();
    }

    /// <summary>Whose, and which, the record of this key is.</summary>
    public static bool TryReadKey(ReadOnlySpan<byte> key, [NotNullWhen(true)] out string? account, [NotNullWhen(true)] out string? id)
    {
        var names = key[Math.Min(Prefix.Length, key.Length)..];
        var slash = names.IndexOf((byte)'/');
        (account, id) = slash < 1 ? (null, null) : (Encoding.ASCII.GetString(names[..slash]), Encoding.ASCII.GetString(names[(slash + 1)..]));
        return id is not null && account is not null;
    }

    /// <summary>False: this program did not write it. Then it opens nothing.</summary>
    public static bool TryRead(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, [NotNullWhen(true)] out SessionRecord? record)
    {
        record = null;
        if (!TryReadKey(key, out var account, out var id) || value.Length < FixedSize || value[0] != Format
            || (LoginSessionKind)value[1] is not (LoginSessionKind.Browser or LoginSessionKind.Token))
        {
            return false;
        }

        var rest = value[FixedSize..];
        string? address = null;
        ClientCertificate? certificate = null;
        if (!TryTake(ref rest, out var device)
            || ((value[62] & HasAddress) != 0 && !TryTake(ref rest, out address))
            || !TryTakeScope(ref rest, value[62], (Verbs)BinaryPrimitives.ReadInt32BigEndian(value[58..]), out var scope)
            || ((value[62] & HasCertificate) != 0 && !TryTakeCertificate(ref rest, out certificate)))
        {
            return false;
        }

        record = new(
            id,
            account,
            (LoginSessionKind)value[1],
            SecretHash.FromBytes(value[2..34]),
            (LoginSessionKind)value[1] == LoginSessionKind.Browser && scope.Rooms is null ? Scope.Everything : scope,
            At(value[34..]),
            At(value[42..]),
            BinaryPrimitives.ReadInt64BigEndian(value[50..]) == 0 ? null : At(value[50..]),
            device,
            address,
            certificate);
        return true;
    }

    private static DateTimeOffset At(ReadOnlySpan<byte> value) => DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(value));

    private static void Put(ArrayBufferWriter<byte> to, string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        var span = to.GetSpan(2 + length);
        BinaryPrimitives.WriteUInt16BigEndian(span, checked((ushort)length));
        Encoding.UTF8.GetBytes(text, span[2..]);
        to.Advance(2 + length);
    }

    private static bool TryTake(ref ReadOnlySpan<byte> from, [NotNullWhen(true)] out string? text)
    {
        text = null;
        if (from.Length < 2 || BinaryPrimitives.ReadUInt16BigEndian(from) is var length && from.Length < 2 + length)
        {
            return false;
        }

        text = Encoding.UTF8.GetString(from.Slice(2, length));
        from = from[(2 + length)..];
        return true;
    }

    // In whole milliseconds: what is read again is the same.
    private static void Put(ArrayBufferWriter<byte> to, ClientCertificate certificate)
    {
        var span = to.GetSpan(CertificateSize);
        certificate.Fingerprint.WriteTo(span);
        BinaryPrimitives.WriteInt64BigEndian(span[Fingerprint.Bytes..], certificate.NotBefore.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64BigEndian(span[(Fingerprint.Bytes + 8)..], certificate.NotAfter.ToUnixTimeMilliseconds());
        to.Advance(CertificateSize);
    }

    private static bool TryTakeCertificate(ref ReadOnlySpan<byte> from, [NotNullWhen(true)] out ClientCertificate? certificate)
    {
        certificate = null;
        if (from.Length < CertificateSize)
        {
            return false;
        }

        certificate = new ClientCertificate(Fingerprint.FromBytes(from), At(from[Fingerprint.Bytes..]), At(from[(Fingerprint.Bytes + 8)..]));
        from = from[CertificateSize..];
        return true;
    }

    private static void Put(ArrayBufferWriter<byte> to, IReadOnlyList<string> texts)
    {
        BinaryPrimitives.WriteUInt16BigEndian(to.GetSpan(2), checked((ushort)texts.Count));
        to.Advance(2);
        foreach (var text in texts)
        {
            Put(to, text);
        }
    }

    private static bool TryTakeScope(ref ReadOnlySpan<byte> from, byte flags, Verbs verbs, [NotNullWhen(true)] out Scope? scope)
    {
        scope = null;
        string[]? rooms = null, read = null, write = null;
        string? mount = null;
        if (((flags & HasRooms) != 0 && !TryTakeAll(ref from, out rooms))
            || ((flags & HasMount) != 0 && !TryTake(ref from, out mount))
            || ((flags & HasTopics) != 0 && (!TryTakeAll(ref from, out read) || !TryTakeAll(ref from, out write))))
        {
            return false;
        }

        scope = new Scope(rooms?.ToFrozenSet(), verbs)
        {
            Mount = mount, Topics = read is null ? null : new TopicScope(read, write!),
        };
        return true;
    }

    private static bool TryTakeAll(ref ReadOnlySpan<byte> from, [NotNullWhen(true)] out string[]? texts)
    {
        texts = null;
        if (from.Length < 2)
        {
            return false;
        }

        var taken = new string[BinaryPrimitives.ReadUInt16BigEndian(from)];
        from = from[2..];
        for (var i = 0; i < taken.Length; i++)
        {
            if (!TryTake(ref from, out var text))
            {
                return false;
            }

            taken[i] = text;
        }

        texts = taken;
        return true;
    }
}
