using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Accounts;

/// <summary>Who an account belongs to: somebody with a password, or a guest with a nickname only.</summary>
public enum AccountKind
{
    Person,
    Guest,
}

/// <summary>What of an account can change. Replaced as a whole, so that a reader never sees half a change.</summary>
/// <param name="UserName">`[a-z0-9][a-z0-9._-]{0,31}`; a guest's begins with `guest-`.</param>
/// <param name="DisplayName">1 to 64 Unicode scalar values, without control or bidi characters.</param>
/// <param name="Email">Null for guests.</param>
public sealed record Profile(string UserName, string DisplayName, string? Email, bool IsAdministrator)
{
    /// <summary>False: another account signed in by this e-mail address when this one took it. The store decides.</summary>
    public bool SignsInByEmail { get; init; } = true;
}

/// <summary>One person's, bot owner's or guest's identity: an id that never changes and a profile that may.</summary>
/// <remarks>There is one instance per account in the process; everyone who holds it sees a rename at once.</remarks>
public sealed class Account(string id, AccountKind kind, DateTimeOffset createdAt, Profile profile)
{
    private volatile Profile _profile = profile;
    private volatile PasswordHash? _credential;
    private volatile Standing _standing = Standing.Good;
    private volatile bool _erased;
    private long _lastPresentTicks = createdAt.UtcTicks;

    /// <summary>Immutable, never reused, and the only key under which anything of the account is stored.</summary>
    public string Id { get; } = id;

    public AccountKind Kind { get; } = kind;

    public DateTimeOffset CreatedAt { get; } = createdAt;

    public Profile Profile
    {
        get => _profile;
        internal set => _profile = value;
    }

    public string UserName => _profile.UserName;

    public string DisplayName => _profile.DisplayName;

    public bool IsGuest => Kind == AccountKind.Guest;

    /// <summary>Nothing may be done in its name any more; its clients are gone or going.</summary>
    public bool IsErased
    {
        get => _erased;
        internal set => _erased = value;
    }

    /// <summary>Null: it is not banned. While it is, it has no login session and gets none.</summary>
    public Ban? Ban => _standing.Ban;

    internal Standing Standing
    {
        get => _standing;
        set => _standing = value;
    }

    /// <summary>
    /// What its password is checked against; null for guests. Replaced, never changed,
    /// so that "still the one that was checked" is a comparison of references.
    /// </summary>
    internal PasswordHash? Credential
    {
        get => _credential;
        set => _credential = value;
    }

    /// <summary>When one of its clients was last connected; kept up for guests, who end by it.</summary>
    internal DateTimeOffset LastPresent
    {
        get => new(Interlocked.Read(ref _lastPresentTicks), TimeSpan.Zero);
        set => Interlocked.Exchange(ref _lastPresentTicks, value.UtcTicks);
    }

    /// <summary>One of its clients was connected at that time, or later.</summary>
    internal void WasPresent(DateTimeOffset at) => LastPresent = at > LastPresent ? at : LastPresent;
}
