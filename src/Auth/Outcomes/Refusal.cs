using System.Diagnostics.CodeAnalysis;

namespace WebMessenger.Auth.Outcomes;

/// <summary>One field of a request that cannot be taken, in words for people and a code for programs.</summary>
/// <param name="Field">The field as the HTTP API names it, such as `userName`.</param>
/// <param name="Code">Stable, such as `taken`; see <see cref="FieldCodes"/>.</param>
public sealed record FieldError(string Field, string Code, string Message);

/// <summary>Every code a <see cref="FieldError"/> of accounts and tokens can have.</summary>
public static class FieldCodes
{
    public const string Required = "required";
    public const string Invalid = "invalid";
    public const string Taken = "taken";
    public const string LooksTaken = "looks_taken";
    public const string Reserved = "reserved";
    public const string TooShort = "too_short";
    public const string TooLong = "too_long";
    public const string TooCommon = "too_common";
    public const string ContainsName = "contains_name";
    public const string Wrong = "wrong";
    public const string TooMany = "too_many";
    public const string Past = "past";
    public const string PrivateKey = "private_key";
}

/// <summary>
/// Every expected way in which a request about accounts, login sessions or tokens ends without success. Closed: switch over all of it.
/// </summary>
public abstract record Refusal
{
    private Refusal()
    {
    }

    /// <summary>At least one field cannot be taken.</summary>
    public sealed record Fields(IReadOnlyList<FieldError> Errors) : Refusal
    {
        public Fields(string field, string code, string message)
            : this([new FieldError(field, code, message)])
        {
        }
    }

    /// <summary>No such account, or not its password or token: deliberately one answer.</summary>
    public sealed record BadCredentials : Refusal;

    /// <summary>The password is right and the account is banned; said to nobody who does not have it.</summary>
    /// <param name="Text">For the account's owner.</param>
    /// <param name="Reason">The operator's own words within it, which have no translation; null: none was given.</param>
    public sealed record Banned(string Text, string? Reason) : Refusal;

    /// <summary>Too many attempts from there; others and other places are not affected.</summary>
    public sealed record TooManyAttempts(TimeSpan RetryAfter) : Refusal;

    /// <summary>The server checks as many passwords as it can; it may be tried again at once.</summary>
    public sealed record Busy : Refusal;

    /// <summary>The operator has switched this off (guests, registration).</summary>
    public sealed record SwitchedOff : Refusal;

    /// <summary>Not for guests.</summary>
    public sealed record NotForGuests : Refusal;

    /// <summary>A link that is used, over, replaced by a newer one, or was never made: deliberately one answer.</summary>
    public sealed record NoSuchLink : Refusal;

    /// <summary>The client has shown a certificate that a token has, before or after the time in which that is valid.</summary>
    public sealed record CertificateNotValid : Refusal;

    /// <summary>An account's password must not travel over this connection; an access token may.</summary>
    public sealed record PlainPassword : Refusal;
}

/// <summary>A value, or why there is none.</summary>
public readonly struct Outcome<T>
    where T : class
{
    private Outcome(T? value, Refusal? refusal) => (Value, Refusal) = (value, refusal);

    public T? Value { get; }

    public Refusal? Refusal { get; }

    public static implicit operator Outcome<T>(T value) => FromValue(value);

    public static implicit operator Outcome<T>(Refusal refusal) => FromRefusal(refusal);

    internal static Outcome<T> FromValue(T value) => new(value, null);

    internal static Outcome<T> FromRefusal(Refusal refusal) => new(null, refusal);

    /// <summary>True: there is a value. The default of the struct holds neither and counts as refused.</summary>
    public bool TryGet([NotNullWhen(true)] out T? value, [NotNullWhen(false)] out Refusal? refusal)
    {
        value = Value;
        refusal = value is null ? Refusal ?? new Refusal.BadCredentials() : null;
        return value is not null;
    }
}
