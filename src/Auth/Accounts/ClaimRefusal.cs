using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Auth.Accounts;

/// <summary>Says which fields of an account are somebody else's.</summary>
internal static class ClaimRefusal
{
    public const string NameIsTaken =
        "There is somebody called that here. Add something that tells you apart, such as a last name or a place.";

    public static Refusal.Fields Of(Conflicts conflicts)
    {
        List<FieldError> errors = [];
        if (conflicts.HasFlag(Conflicts.UserName))
        {
            errors.Add(new FieldError("userName", FieldCodes.Taken, "This user name is taken."));
        }
        else if (conflicts.HasFlag(Conflicts.Look))
        {
            errors.Add(new FieldError("userName", FieldCodes.LooksTaken, "This user name looks like somebody else's name."));
        }
        else if (conflicts.HasFlag(Conflicts.TooManyUserNames))
        {
            errors.Add(new FieldError(
                "userName", FieldCodes.TooMany,
                "You have had as many user names as one account may: take one of yours again, or keep this one."));
        }

        if (conflicts.HasFlag(Conflicts.Email))
        {
            errors.Add(new FieldError("email", FieldCodes.Taken, "There is an account with this e-mail address."));
        }

        if (conflicts.HasFlag(Conflicts.DisplayName))
        {
            errors.Add(new FieldError("displayName", FieldCodes.LooksTaken, NameIsTaken));
        }

        return new Refusal.Fields(errors);
    }
}
