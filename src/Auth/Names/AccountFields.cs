using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Auth.Names;

/// <summary>The fields of an account as people send them: parsed, or the error that says what to do.</summary>
public static class AccountFields
{
    public static FieldError? CheckEmail(string? text, out EmailAddress email)
    {
        if (EmailAddress.TryParse(text, out email))
        {
            return null;
        }

        return string.IsNullOrEmpty(text)
            ? new FieldError("email", FieldCodes.Required, "An e-mail address is needed.")
            : new FieldError("email", FieldCodes.Invalid, "This is not an e-mail address.");
    }

    public static FieldError? CheckUserName(string? text, out UserName userName)
    {
        if (!UserName.TryParse(text, out userName))
        {
            return string.IsNullOrEmpty(text)
                ? new FieldError("userName", FieldCodes.Required, "A user name is needed.")
                : new FieldError("userName", FieldCodes.Invalid, "A user name has 1 to 32 of a–z, 0–9, dot, dash and underscore, and begins with a letter or digit.");
        }

        return userName.IsReserved ? new FieldError("userName", FieldCodes.Reserved, "This user name is kept for the server.") : null;
    }

    public static FieldError? CheckDisplayName(string field, string? text, out string name) =>
        CheckLabel(field, text, out name)
            ?? (ReservedNames.IsName(name) ? new FieldError(field, FieldCodes.Reserved, "This name is kept for the server and those who look after it.") : null);

    /// <summary>
    /// A name that nobody but its owner sees, such as a token's. Nobody is deceived by it, so reserved names are allowed.
    /// </summary>
    public static FieldError? CheckLabel(string field, string? text, out string name)
    {
        if (DisplayName.TryParse(text, out var parsed))
        {
            name = parsed;
            return null;
        }

        name = "";
        return string.IsNullOrWhiteSpace(text)
            ? new FieldError(field, FieldCodes.Required, "A name is needed.")
            : new FieldError(field, FieldCodes.Invalid, "A name has 1 to 64 characters, all of them visible.");
    }

    public static Refusal.Fields? Refused(IReadOnlyList<FieldError?> errors)
    {
        List<FieldError> found = [.. errors.OfType<FieldError>()];
        return found.Count > 0 ? new Refusal.Fields(found) : null;
    }
}
