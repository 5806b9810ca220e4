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
    /// <param name="verbs">Null: <see cref="Verbs.All"/>, which is not to moderate.</param>
    /// <param name="expiresAt">Null: never.</param>
    public async Task<Outcome<CreatedToken>> CreateAsync(
        Account account, string? name, IReadOnlyCollection<string>? rooms, Verbs? verbs, DateTimeOffset? expiresAt)
    {
        if (account.IsGuest)
        {
            return new Refusal.NotForGuests();
        }

        var now = _time.GetUtcNow();
        if (AccountFields.Refused([
            AccountFields.CheckLabel("name", name, out var tidyName), CheckRooms(rooms), CheckVerbs(verbs), CheckExpiry(expiresAt, now)]) is { } refused)
        {
            return refused;
        }

        var secret = Secret.Create(Secret.TokenPrefix);
        LoginSession token = new(
            Secret.CreateId(), LoginSessionKind.Token, account, new Scope(rooms?.ToFrozenSet(), verbs ?? /* guard: moderate is asked for */ Verbs.All), now, tidyName, address: null)
        {
            SecretHash = SecretHash.Of(secret),
            ExpiresAt = expiresAt,
        };
        Refusal? refusal = null;
        return await _sessions.TryAddAsync(token, () => (refusal = Refused(account)) is null)
            ? new CreatedToken(token, secret)
            : Outcome<CreatedToken>.FromRefusal(refusal!);
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

    /// <summary>
    /// A room has ended: no token names it any more, so that none has rights in another room of that id (fault S17).
    /// One that named no other room is left without any. Completes when it is on disk; may be called again.
    /// </summary>
    public Task ForgetRoomAsync(string room) => _sessions.ForgetRoomAsync(room);

    /// <summary>
    /// The live login session of the token, or null. For `Authorization: Bearer`; the caller holds requests to its scope.
    /// </summary>
    public LoginSession? FindBearer(string? secret) => Secret.IsTokenShaped(secret) ? _sessions.FindByToken(secret) : null;

    private Refusal? Refused(Account account)
    {
        if (account.IsErased || /* guard: no token for who is banned */ account.Ban is not null)
        {
            return new Refusal.BadCredentials();
        }

        return _options.TokensPerAccount is > 0 and var limit && List(account).Count >= limit
            ? new Refusal.Fields("name", FieldCodes.TooMany, $"An account has {limit} access tokens at most: revoke one first.")
            : null;
    }

    private static FieldError? CheckRooms(IReadOnlyCollection<string>? rooms) =>
        rooms is null || (rooms.Count is > 0 and <= MaxRooms && rooms.All(IsRoomId))
            ? null
            : new FieldError("rooms", FieldCodes.Invalid, "Name 1 to 100 rooms by their ids, or leave this out for all of yours.");

    private static bool IsRoomId(string room) =>
        room is { Length: > 0 and <= 64 } && room[0] != '-' && room.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static FieldError? CheckVerbs(Verbs? verbs) =>
        verbs is null || (verbs != Verbs.None && (verbs & ~Verbs.Everything) == 0)
            ? null
            : new FieldError("verbs", FieldCodes.Invalid, "Verbs are read, post, data and moderate.");

    private static FieldError? CheckExpiry(DateTimeOffset? expiresAt, DateTimeOffset now) =>
        expiresAt is null || expiresAt > now ? null : new FieldError("expiresAt", FieldCodes.Past, "A token must expire in the future.");
}
