using System.Text;

namespace WebMessenger.Auth.Names;

/// <summary>
/// A user name: `[a-z0-9]` then up to 31 of `[a-z0-9._-]`. It is a topic level, so it can hold nothing that MQTT gives a meaning.
/// </summary>
public readonly record struct UserName
{
    public const int MaxLength = 32;

    /// <summary>Begins every guest's user name, and no one else's.</summary>
    internal const string GuestPrefix = "guest-";

    private UserName(string value) => Value = value;

    public string Value { get; }

    /// <summary>
    /// Takes what a person typed: full-width and other compatibility forms (NFKC) and capitals are folded; what is not ASCII then is no
    /// user name, so that no look-alike from another script can be one.
    /// </summary>
    public static bool TryParse(string? text, out UserName userName)
    {
        userName = default;
        // NFKC can turn one character into 18: a bound first, so that folding costs little.
        if (text is null || text.Length > 4 * MaxLength || !UnicodeText.IsWellFormed(text))
        {
            return false;
        }

        var folded = text.Normalize(NormalizationForm.FormKC).ToLowerInvariant();
        if (folded.Length is 0 or > MaxLength || !char.IsAsciiLetterOrDigit(folded[0]))
        {
            return false;
        }

        foreach (var c in folded)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('.' or '_' or '-'))
            {
                return false;
            }
        }

        userName = new UserName(folded);
        return true;
    }

    /// <summary>Nobody registers it: it reads as the server, as its operators, as everyone, or as a guest.</summary>
    public bool IsReserved => ReservedNames.IsUserName(Value);

    public override string ToString() => Value;
}
