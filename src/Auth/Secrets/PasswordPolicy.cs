using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Tokens;

namespace WebMessenger.Auth.Secrets;

/// <summary>
/// Which new passwords are taken: long enough, and not among the first that a guesser tries (NIST SP 800-63B).
/// No rules about kinds of characters.
/// </summary>
internal static class PasswordPolicy
{
    // What is left beside one's own name must be a password of its own.
    private const int MinBesideName = 8;

    private static readonly string[] KeyboardRows = ["1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "qwertzuiop", "azertyuiop", "qsdfghjklm"];

    /// <summary>Null: it can be taken.</summary>
    public static FieldError? Check(string field, string? text, UserName userName, EmailAddress email, out Password password)
    {
        password = null!;
        if (string.IsNullOrEmpty(text))
        {
            return new FieldError(field, FieldCodes.Required, "A password is needed.");
        }

        if (!UnicodeText.IsWellFormed(text))
        {
            return new FieldError(field, FieldCodes.Invalid, "The password is not valid Unicode text.");
        }

        if (Password.TryParse(text) is not { } parsed)
        {
            return new FieldError(field, FieldCodes.TooLong, "The password is longer than 1,024 bytes.");
        }

        password = parsed;
        if (UnicodeText.CountScalars(parsed.Text) < Password.MinScalars)
        {
            return new FieldError(field, FieldCodes.TooShort, "The password needs 10 characters or more.");
        }

        if (/* guard: common passwords */ CommonPasswords.Contains(parsed.Text) || IsRunOrRepetition(parsed.Text) || Secret.IsTokenShaped(parsed.Text))
        {
            return new FieldError(field, FieldCodes.TooCommon, "This password is one of the first that would be guessed.");
        }

        return IsMostlyName(parsed.Text, userName, email)
            ? new FieldError(field, FieldCodes.ContainsName, "The password is little more than the user name or e-mail address.")
            : null;
    }

    private static bool IsMostlyName(string password, UserName userName, EmailAddress email)
    {
        var address = email.Value ?? "";
        foreach (var name in new[] { address, address.Split('@')[0], userName.Value ?? "" })
        {
            if (name.Length >= 3 && password.Contains(name, StringComparison.OrdinalIgnoreCase)
                && password.Replace(name, "", StringComparison.OrdinalIgnoreCase).Length < MinBesideName)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>"aaaaaaaaaa", "abcabcabcabc", "1234567890", "qwertyasdfgh": few decisions, however long.</summary>
    private static bool IsRunOrRepetition(string password)
    {
        var folded = password.ToLowerInvariant();
        for (var unit = 1; unit <= 4; unit++)
        {
            if (folded[unit..] == folded[..^unit])
            {
                return true;
            }
        }

        var decisions = 1;
        for (var i = 1; i < folded.Length; i++)
        {
            decisions += Follows(folded[i - 1], folded[i]) ? 0 : 1;
        }

        return decisions <= folded.Length / 4;
    }

    private static bool Follows(char before, char after)
    {
        if (char.IsAsciiLetterOrDigit(before) && char.IsAsciiLetterOrDigit(after) && Math.Abs(before - after) <= 1)
        {
            return true;
        }

        return before == after || Array.Exists(KeyboardRows, row =>
            row.IndexOf(before, StringComparison.Ordinal) is var i and >= 0 && row.IndexOf(after, StringComparison.Ordinal) is var j and >= 0 && Math.Abs(i - j) == 1);
    }
}
