using System.Collections.Frozen;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.Tokens;

/// <summary>A new access token, and its secret, which is shown this once.</summary>
public sealed record CreatedToken(LoginSession Token, string Secret);

/// <summary>That a new token's clients shall see a room's data topics and nothing else.</summary>
/// <param name="Room">The room's id. Null: none, so that there may be no topics either.</param>
/// <param name="Topics">Below the mount; null: all of them.</param>
/// <param name="IsMember">
/// Whether the account may have a mount on the room of this id. Asked when an end of the room will find the token, under the gate of the
/// login sessions: it waits for nothing, and takes leaf locks alone.
/// </param>
public sealed record AskedMount(string? Room, TopicScope? Topics, Func<string, bool> IsMember);

/// <summary>
/// The secrets that bots and MQTT clients give instead of a password. A token is its login session: the name is its device, its scope and
/// expiry are the session's, and the session's id is the token's. It exists from creation on, in use or not.
/// </summary>
public sealed class AccessTokens
{
    public const int MaxRooms = 100;

    private readonly LoginSessions _sessions;
    private readonly AuthOptions _options;
    private readonly TimeProvider _time;

    internal AccessTokens(LoginSessions sessions, AuthOptions options, TimeProvider time) => (_sessions, _options, _time) = (sessions, options, time);

    /// <param name="rooms">Null: all rooms of the account, today and later.</param>
    /// <param name="verbs">
    /// Null: <see cref="Verbs.All"/>, which is not to moderate; with a mount <see cref="Verbs.Data"/>, and nothing else may be asked for.
    /// </param>
    /// <param name="expiresAt">Null: never.</param>
    /// <param name="by">The login session that asks: with its end it makes none any more. Null: nobody's.</param>
    /// <param name="mount">Null: its clients see the topics of the server.</param>
    public async Task<Outcome<CreatedToken>> CreateAsync(
        Account account,
        string? name,
        IReadOnlyCollection<string>? rooms,
        Verbs? verbs,
        DateTimeOffset? expiresAt,
        LoginSession? by = null,
        AskedMount? mount = null)
    {
        if (account.IsGuest)
        {
            return new Refusal.NotForGuests();
        }

        var now = _time.GetUtcNow();
        if (AccountFields.Refused([
            AccountFields.CheckLabel("name", name, out var tidyName), CheckRooms(rooms, mount?.Room), CheckVerbs(verbs, mount?.Room),
            CheckExpiry(expiresAt, now), CheckMount(mount), mount?.Topics?.Check()]) is { } refused)
        {
            return refused;
        }

        var scope = mount?.Room is { } room
            ? Scope.OfMount(room, mount.Topics)
            : new Scope(rooms?.ToFrozenSet(), verbs ?? /* guard: moderate is asked for */ Verbs.All);

        var secret = Secret.Create(Secret.TokenPrefix);
        LoginSession token = new(
            Secret.CreateId(), LoginSessionKind.Token, account, scope, now, tidyName, address: null)
        {
            SecretHash = SecretHash.Of(secret),
            ExpiresAt = expiresAt,
        };
        Refusal? refusal = null;
        return await _sessions.TryAddAsync(token, () => (refusal = Refused(account, by, mount, token)) is null)
            ? new CreatedToken(token, secret)
            : Outcome<CreatedToken>.FromRefusal(refusal ?? new Refusal.BadCredentials());
    }

    /// <summary>The newest first.</summary>
    public IReadOnlyList<LoginSession> List(Account account) =>
        [.. _sessions.SeenNow(account).Where(session => session.Kind == LoginSessionKind.Token && !session.IsRevoked).OrderByDescending(token => token.CreatedAt)];

    /// <summary>False: there is none of that id, or it is somebody else's. Completes when the last client that uses it is closed.</summary>
    public async Task<bool> RevokeAsync(Account account, string id)
    {
        if (_sessions.Find(account, id) is not { Kind: LoginSessionKind.Token } token)
        {
            return false;
        }

        await _sessions.EndAsync(token, RevocationReason.TokenRevoked);
        return true;
    }

    /// <summary>The tokens that have their mount on the room of this id, of whatever accounts.</summary>
    public IReadOnlyList<LoginSession> MountedOn(string room)
    {
        var mounted = _sessions.MountedOn(room).Where(token => !token.IsRevoked).ToList();
        _sessions.NoteUses(mounted);
        return mounted;
    }

    /// <summary>One of them, of whatever account. Null: it has ended, or there is none of that id there.</summary>
    /// <param name="isEnding">Also one that is ending: it may be about to have another secret, and is revoked all the same.</param>
    public LoginSession? FindMounted(string room, string id, bool isEnding = false) =>
        _sessions.Find(id) is { Kind: LoginSessionKind.Token } token && (isEnding || !token.IsRevoked)
            && (/* guard: a device of this room */ token.Scope.Mount == room) ? token : null;

    /// <summary>
    /// Another secret for a token, which is the same otherwise. The one before opens nothing, and all that it had opened is closed, before
    /// the answer; what was kept for its clients is gone. Refused when the token has ended, or its account may have none.
    /// </summary>
    /// <param name="by">The login session that asks.</param>
    /// <param name="isMember">As in <see cref="AskedMount"/>.</param>
    public async Task<Outcome<CreatedToken>> RenewAsync(LoginSession token, LoginSession by, Func<string, bool> isMember)
    {
        var secret = Secret.Create(Secret.TokenPrefix);
        LoginSession renewed = new(token.Id, LoginSessionKind.Token, token.Account, token.Scope, token.CreatedAt, token.Device, token.Address)
        {
            SecretHash = SecretHash.Of(secret),
            ExpiresAt = token.ExpiresAt,
            LastSeen = token.LastSeen,
        };
        bool May() => !token.Account.IsErased && !by.IsRevoked && token.Account.Ban is null
            && (token.Scope.Mount is not { } room || /* guard: a renewed mount is for members */ isMember(room));
        return await _sessions.TryReplaceAsync(token, renewed, RevocationReason.TokenRenewed, May)
            ? new CreatedToken(renewed, secret) : new Refusal.BadCredentials();
    }

    /// <summary>
    /// Pins a client certificate to a token, in place of the one that it has: its key opens MQTT over TLS as the secret does. Refused as
    /// <see cref="Refusal.Fields"/>: as <see cref="ClientCertificate.Read"/> says, or `past`, `taken`, `mount`; as
    /// <see cref="Refusal.BadCredentials"/> when the token has ended.
    /// </summary>
    /// <param name="by">The login session that asks, of the token's account.</param>
    /// <param name="isMember">As in <see cref="AskedMount"/>.</param>
    public async Task<Outcome<ClientCertificate>> PinAsync(LoginSession token, string? pem, LoginSession by, Func<string, bool> isMember)
    {
        if (!ClientCertificate.Read(pem).TryGet(out var certificate, out var unreadable))
        {
            return Outcome<ClientCertificate>.FromRefusal(unreadable);
        }

        if (/* guard: no certificate that is over */ certificate.IsOverAt(_time.GetUtcNow()))
        {
            return new Refusal.Fields("certificate", FieldCodes.Past, "This certificate has ended. Make another one.");
        }

        Refusal? Why() => token.IsRevoked || by.IsRevoked || token.Account.IsErased || token.Account.Ban is not null ? new Refusal.BadCredentials()
            : token.Scope.Mount is { } room && (/* guard: a certificate of a mount is for members */ !isMember(room))
                ? new Refusal.Fields("mount", FieldCodes.Invalid, $"You are in no room '{room}'.") : null;
        return await _sessions.Certificates.PutAsync(token, certificate, Why) is { } refusal ? Outcome<ClientCertificate>.FromRefusal(refusal) : certificate;
    }

    /// <summary>
    /// Takes a token's certificate away; who came by it is closed. Completes when that is so and on disk; may be called again when the disk
    /// refused. False: the token has ended.
    /// </summary>
    public async Task<bool> UnpinAsync(LoginSession token) =>
        await _sessions.Certificates.PutAsync(token, null, () => token.IsRevoked ? new Refusal.BadCredentials() : null) is null;

    /// <summary>One of the account's tokens. Null: there is none of that id, it has ended, or it is somebody else's.</summary>
    public LoginSession? Find(Account account, string id) =>
        _sessions.Find(account, id) is { Kind: LoginSessionKind.Token, IsRevoked: false } token ? token : null;

    /// <summary>The live login session of the token that has this certificate, whether that is valid now or not. Null: none.</summary>
    public LoginSession? FindPinned(in Fingerprint fingerprint) =>
        _sessions.Certificates.Find(fingerprint) is { } token && _sessions.IsAlive(token) ? token : null;

    /// <summary>
    /// A room has ended: no token names it any more, so that none has rights in another room of that id (fault S17).
    /// One that named no other room is left without any, and one that it was the mount of ends. Completes when it is on disk; may be
    /// called again.
    /// </summary>
    public Task ForgetRoomAsync(string room) => _sessions.ForgetRoomAsync(room);

    /// <summary>
    /// The live login session of the token, or null. For `Authorization: Bearer`; the caller holds requests to its scope.
    /// </summary>
    public LoginSession? FindBearer(string? secret) => Secret.IsTokenShaped(secret) ? _sessions.FindByToken(secret) : null;

    private Refusal? Refused(Account account, LoginSession? by, AskedMount? mount, LoginSession token)
    {
        if (account.IsErased || by is { IsRevoked: true } || /* guard: no token for who is banned */ account.Ban is not null)
        {
            return new Refusal.BadCredentials();
        }

        // An unknown room, and one that is not open to the account, are one answer.
        if (mount?.Room is { } room && /* guard: a mount is for members */ !mount.IsMember(room))
        {
            return new Refusal.Fields("mount", FieldCodes.Invalid, $"You are in no room '{room}'.");
        }

        return _options.TokensPerAccount is > 0 and var limit && CountOf(account, token) >= limit
            ? new Refusal.Fields("name", FieldCodes.TooMany, $"An account has {limit} access tokens at most: revoke one first.")
            : null;
    }

    // With those that are ending, which may be about to have another secret.
    private int CountOf(Account account, LoginSession but) =>
        _sessions.SeenNow(account).Count(session => session.Kind == LoginSessionKind.Token && session != but);

    private static FieldError? CheckRooms(IReadOnlyCollection<string>? rooms, string? mount) =>
        rooms is null || (rooms.Count is > 0 and <= MaxRooms && rooms.All(IsRoomId) && (mount is null || rooms.All(room => room == mount)))
            ? null
            : new FieldError("rooms", FieldCodes.Invalid, mount is null
                ? "Name 1 to 100 rooms by their ids, or leave this out for all of yours."
                : "A token with a mount is limited to that room: leave this out.");

    private static bool IsRoomId(string room) =>
        room is { Length: > 0 and <= 64 } && room[0] != '-' && room.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static FieldError? CheckVerbs(Verbs? verbs, string? mount) =>
        verbs is null || (mount is null ? verbs != Verbs.None && (verbs & ~Verbs.Everything) == 0 : verbs == Verbs.Data)
            ? null
            : new FieldError("verbs", FieldCodes.Invalid, mount is null
                ? "Verbs are read, post, data and moderate."
                : "A token with a mount has the verb data alone: its clients see nothing of the talk.");

    private static FieldError? CheckMount(AskedMount? mount) => mount switch
    {
        { Room: { } room } when !IsRoomId(room) => new FieldError("mount", FieldCodes.Invalid, "A mount is the id of a room."),
        { Room: null, Topics: not null } => new FieldError("mount", FieldCodes.Required, "Topics are those below a mount: name its room."),
        _ => null,
    };

    private static FieldError? CheckExpiry(DateTimeOffset? expiresAt, DateTimeOffset now) =>
        expiresAt is null || expiresAt > now ? null : new FieldError("expiresAt", FieldCodes.Past, "A token must expire in the future.");
}
