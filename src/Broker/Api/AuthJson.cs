using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Limits;

namespace WebMessenger.Broker.Api;

// Requests: every field may be missing or null; what is needed is said by the rules behind, all fields at once.
internal sealed record RegisterRequest(string? Email, string? UserName, string? DisplayName, string? Password, string? FirstCode);

internal sealed record ChangeAccountRequest(string? Email, string? UserName, string? DisplayName, string? Password, string? CurrentPassword, bool? EndTokens);

internal sealed record EraseAccountRequest(string? CurrentPassword);

internal sealed record SignInRequest(string? Login, string? Password);

internal sealed record GuestRequest(string? Nickname);

internal sealed record LookAtPasswordLinkRequest(string? Secret);

internal sealed record UsePasswordLinkRequest(string? Secret, string? Password, bool? EndTokens);

internal sealed record CreateTokenRequest(
    string? Name, string[]? Rooms, string[]? Verbs, DateTimeOffset? ExpiresAt, string? Mount, TopicsFields? Topics);

internal sealed record PinCertificateRequest(string? Certificate);

/// <summary>A token's client certificate.</summary>
/// <param name="Fingerprint">SHA-256 of its DER, 64 hexadecimal digits.</param>
internal sealed record CertificateView(string Fingerprint, DateTimeOffset NotBefore, DateTimeOffset NotAfter)
{
    public static CertificateView? Of(ClientCertificate? certificate) =>
        certificate is null ? null : new(certificate.Fingerprint.ToString(), certificate.NotBefore, certificate.NotAfter);
}

/// <summary>Which topics below its mount a token may read and write. In a request a list that is left out is empty.</summary>
internal sealed record TopicsFields(string[]? Read, string[]? Write)
{
    public TopicScope ToScope() => new(Read ?? [], Write ?? []);

    public static TopicsFields? Of(TopicScope? topics) => topics is null ? null : new([.. topics.Read], [.. topics.Write]);
}

/// <summary>Who is signed in here.</summary>
/// <param name="Account">The account's id, which outlives a change of the user name: pages keep what they store under it.</param>
internal sealed record SessionView(string Account, string User, string Name, string Kind, string? Email, bool Administrator, string SessionId)
{
    public static SessionView Of(LoginSession session) => Of(session.Account, session.Account.Profile, session.Id);

    private static SessionView Of(Account account, Profile profile, string sessionId) =>
        new(account.Id, profile.UserName, profile.DisplayName, account.IsGuest ? "guest" : "person", profile.Email, profile.IsAdministrator, sessionId);
}

/// <summary>One entry of the list of login sessions.</summary>
/// <param name="Kind">browser, password or token.</param>
/// <param name="Clients">The MQTT client ids that are connected by it now.</param>
internal sealed record LoginSessionView(
    string Id, string Kind, string Device, string? Address, DateTimeOffset CreatedAt, DateTimeOffset LastSeen, DateTimeOffset? ExpiresAt, bool Current, string[] Clients)
{
    public static LoginSessionView Of(LoginSession session, LoginSession current) => new(
        session.Id,
        session.Kind switch { LoginSessionKind.Browser => "browser", LoginSessionKind.Password => "password", _ => "token" },
        session.Device,
        session.Address,
        session.CreatedAt,
        session.LastSeen,
        session.ExpiresAt,
        session == current,
        [.. session.ClientIds]);
}

internal sealed record LoginSessionsView(LoginSessionView[] Sessions);

/// <param name="Rooms">Null: all rooms of the account.</param>
/// <param name="Mount">The room whose data topics are all that its clients see. Null: they see the topics of the server.</param>
/// <param name="Topics">Below the mount. Null: all of them.</param>
/// <param name="LastUsed">Null: never.</param>
/// <param name="Address">Where it was used last. Null: never used, or unknown.</param>
/// <param name="LastRefusal">The last publish of a client of it that was refused. Null: none since the server started.</param>
/// <param name="Certificate">Its key opens MQTT over TLS as the secret does. Null: it has none.</param>
internal sealed record TokenView(
    string Id, string Name, string[]? Rooms, string[] Verbs, string? Mount, TopicsFields? Topics,
    DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsed, string? Address, RefusalView? LastRefusal,
    CertificateView? Certificate)
{
    public static TokenView Of(LoginSession token, LastRefusal? refusal) => new(
        token.Id,
        token.Device,
        token.Scope.Rooms is { } rooms ? [.. rooms.Order(StringComparer.Ordinal)] : null,
        VerbNames.Of(token.Scope.Verbs),
        token.Scope.Mount,
        TopicsFields.Of(token.Scope.Topics),
        token.CreatedAt,
        token.ExpiresAt,
        token.LastSeen > token.CreatedAt ? token.LastSeen : null,
        token.Address,
        refusal is null ? null : new RefusalView(refusal.At, refusal.ClientId, refusal.Code, refusal.Reason, refusal.Topic),
        CertificateView.Of(token.Certificate));
}

/// <param name="Client">The MQTT client id.</param>
/// <param name="Code">As in the notice, such as `not_allowed`.</param>
/// <param name="Topic">As the client sent it, 128 characters at most.</param>
internal sealed record RefusalView(DateTimeOffset At, string Client, string Code, string Reason, string Topic);

internal sealed record TokensView(TokenView[] Tokens);

/// <summary>Whose password a link sets.</summary>
internal sealed record PasswordLinkView(string User, string Name, DateTimeOffset ExpiresAt);

/// <param name="Token">The secret, shown this once.</param>
internal sealed record CreatedTokenView(string Id, string Token);

// A field given twice is refused: two readers of one request (a proxy, and this) must not see two different ones.
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(RegisterRequest))]
[JsonSerializable(typeof(ChangeAccountRequest))]
[JsonSerializable(typeof(EraseAccountRequest))]
[JsonSerializable(typeof(SignInRequest))]
[JsonSerializable(typeof(GuestRequest))]
[JsonSerializable(typeof(CreateTokenRequest))]
[JsonSerializable(typeof(PinCertificateRequest))]
[JsonSerializable(typeof(CertificateView))]
[JsonSerializable(typeof(LookAtPasswordLinkRequest))]
[JsonSerializable(typeof(UsePasswordLinkRequest))]
[JsonSerializable(typeof(PasswordLinkView))]
[JsonSerializable(typeof(SessionView))]
[JsonSerializable(typeof(LoginSessionsView))]
[JsonSerializable(typeof(TokensView))]
[JsonSerializable(typeof(CreatedTokenView))]
[JsonSerializable(typeof(Dictionary<string, FieldProblem[]>))]
internal sealed partial class AuthJson : JsonSerializerContext;
