using WebMessenger.Auth.Names;

namespace WebMessenger.Auth.Accounts;

/// <summary>Who is called how, by look: tells in one step whether somebody else's name looks like a new one.</summary>
/// <remarks>
/// Thread-safe; <c>_gate</c> is a leaf lock. In memory only, unlike the claims of user names: a nickname is held for a time, accounts of
/// before this rule may share a name, and looks change with <see cref="LookAlikes"/>. Whoever gives a name looks here and writes under
/// the write gate, so that of two who want one name at once one gets it.
/// </remarks>
internal sealed class NameIndex(TimeProvider time)
{
    /// <summary>A guest's nickname is free again this long after the last connection, though the account lives on.</summary>
    private static readonly TimeSpan NicknameHold = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Holders> _byDisplayName = [];
    private readonly Dictionary<string, Holders> _byUserName = [];

    public void Add(Account account, Profile profile)
    {
        lock (_gate)
        {
            Add(_byDisplayName, account, Looks.OfName(profile.DisplayName));
            Add(_byUserName, account, UserNameLooks(account, profile));
        }
    }

    /// <param name="keep">What the account is called now; null: it is gone.</param>
    public void Remove(Account account, Profile profile, Profile? keep)
    {
        lock (_gate)
        {
            Remove(_byDisplayName, account, Looks.OfName(profile.DisplayName).Except(keep is null ? [] : Looks.OfName(keep.DisplayName)));
            Remove(_byUserName, account, UserNameLooks(account, profile).Except(keep is null ? [] : UserNameLooks(account, keep)));
        }
    }

    /// <summary>Somebody else has a display name or a user name that looks like this display name.</summary>
    /// <param name="but">Whose name it is already: the account that is renamed, or the guest who registers.</param>
    public bool HasDisplayName(string displayName, Account? but)
    {
        var (looks, guesses) = (Looks.OfName(displayName), Looks.Guesses(displayName));
        lock (_gate)
        {
            return IsHeld(_byDisplayName, looks, but) || IsHeld(_byUserName, looks, but)
                || guesses.Any(guess => IsGuessed(_byDisplayName, guess, but) || IsGuessed(_byUserName, guess, but));
        }
    }

    /// <summary>Somebody else has a display name that looks like this user name. What user names are taken, the store knows.</summary>
    public bool HasUserName(string userName, Account? but)
    {
        var looks = Looks.OfName(userName);
        lock (_gate)
        {
            return IsHeld(_byDisplayName, looks, but);
        }
    }

    // A guest's user name is random and imitates nobody.
    private static IReadOnlyList<string> UserNameLooks(Account account, Profile profile) =>
        account.IsGuest ? [] : Looks.OfName(profile.UserName);

    private bool IsHeld(Dictionary<string, Holders> index, IReadOnlyList<string> looks, Account? but) =>
        looks.Any(look => index.TryGetValue(look, out var holders) && IsHeld(holders, but));

    // Looks through all names: names that must be guessed are rare, and newcomers are limited.
    private bool IsGuessed(Dictionary<string, Holders> index, string guess, Account? but) =>
        index.Any(entry => Looks.Fits(guess, entry.Key) && IsHeld(entry.Value, but));

    private bool IsHeld(Holders holders, Account? but)
    {
        var gone = time.GetUtcNow() - NicknameHold;
        return holders.All.Any(holder => holder != but && (!holder.IsGuest || holder.LastPresent > gone));
    }

    private static void Add(Dictionary<string, Holders> index, Account account, IEnumerable<string> looks)
    {
        foreach (var look in looks)
        {
            index[look] = index.GetValueOrDefault(look).With(account);
        }
    }

    private static void Remove(Dictionary<string, Holders> index, Account account, IEnumerable<string> looks)
    {
        foreach (var look in looks)
        {
            if (!index.TryGetValue(look, out var holders))
            {
                continue;
            }

            if (holders.Without(account) is { } others)
            {
                index[look] = others;
            }
            else
            {
                index.Remove(look);
            }
        }
    }

    /// <summary>Accounts with the same look: one, nearly always, and then nothing is held beside it.</summary>
    private readonly struct Holders
    {
        private readonly object? _accounts;

        private Holders(object accounts) => _accounts = accounts;

        public IEnumerable<Account> All => _accounts switch
        {
            Account one => [one],
            HashSet<Account> many => many,
            _ => [],
        };

        public Holders With(Account account)
        {
            if (_accounts is HashSet<Account> many)
            {
                many.Add(account);
                return this;
            }

            return new Holders(_accounts is Account one && one != account ? new HashSet<Account> { one, account } : account);
        }

        /// <returns>Null: nobody is left.</returns>
        public Holders? Without(Account account)
        {
            if (_accounts is HashSet<Account> many)
            {
                many.Remove(account);
                return many.Count > 0 ? this : null;
            }

            return ReferenceEquals(_accounts, account) ? null : this;
        }
    }
}
