using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>One account that is here, or was a moment ago and may come back unnoticed.</summary>
internal sealed class PresentAccount(Account account, Author shownAs, DateTimeOffset since)
{
    public Account Account { get; } = account;

    /// <summary>By name, as people look for it, and those of one name by user name.</summary>
    public static Comparer<PresentAccount> ByPlace { get; } =
        Comparer<PresentAccount>.Create((one, other) => string.CompareOrdinal(one.Place, other.Place));

    /// <summary>The names under which its presence was announced last.</summary>
    public Author ShownAs
    {
        get;
        set
        {
            field = value;
            Place = SearchText.Of(value.Name) + "\t" + value.User;
        }
    } = shownAs;

    /// <summary>
    /// Where it stands in a list of people, which is also what is looked through for it: the name as it is compared, a tab, which
    /// comes before any letter, and the user name.
    /// </summary>
    public string Place { get; private set; } = SearchText.Of(shownAs.Name) + "\t" + shownAs.User;

    public DateTimeOffset Since { get; } = since;

    /// <summary>Connected clients with a filter that counts.</summary>
    public int Clients { get; set; }

    /// <summary>When the grace time is over; meaningful while <see cref="Clients"/> is 0.</summary>
    public DateTimeOffset GoneAt { get; set; }
}

/// <summary>Who is in one room, counted per account and never per client: the second tab changes nothing and greets nobody.</summary>
/// <remarks>Guarded by the room's gate.</remarks>
internal sealed class RoomPresence
{
    /// <summary>How long a lost connection may take to come back before anybody is told.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(15);

    /// <summary>The same after a restart of the server, when everybody has to come back at once.</summary>
    public static readonly TimeSpan GraceAfterRestart = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, PresentAccount> _present = [];

    public int Count => _present.Count;

    public IEnumerable<PresentAccount> Everybody => _present.Values;

    public PresentAccount? Find(string accountId) => _present.GetValueOrDefault(accountId);

    /// <summary>A client of the account is present. Returns the entry when the account is new here and must be announced.</summary>
    public PresentAccount? Arrived(Account account, string kind, DateTimeOffset now)
    {
        if (_present.TryGetValue(account.Id, out var present))
        {
            present.Clients++;
            return null;
        }

        present = new PresentAccount(account, Author.Of(account, kind), now) { Clients = 1 };
        _present.Add(account.Id, present);
        return present;
    }

    /// <summary>
    /// A client of the account is no longer present. Returns the entry when it was the last one and nobody waits for another.
    /// </summary>
    /// <param name="atOnce">The client said that it leaves: it unsubscribed or was signed out.</param>
    public PresentAccount? Left(string accountId, bool atOnce, DateTimeOffset now)
    {
        if (!_present.TryGetValue(accountId, out var present) || --present.Clients > 0)
        {
            return null;
        }

        if (!atOnce)
        {
            present.GoneAt = now + Grace;
            return null;
        }

        _present.Remove(accountId);
        return present;
    }

    /// <summary>Takes up somebody who was here when the server stopped, without a word.</summary>
    public void ExpectBack(Account account, string kind, DateTimeOffset since, DateTimeOffset now)
    {
        var present = new PresentAccount(account, Author.Of(account, kind), since) { GoneAt = now + GraceAfterRestart };
        _present.TryAdd(account.Id, present);
    }

    /// <summary>Removes and returns those whose grace time is over.</summary>
    public List<PresentAccount> RemoveGone(DateTimeOffset now)
    {
        List<PresentAccount> gone = [];
        foreach (var present in _present.Values)
        {
            if (present.Clients == 0 && present.GoneAt <= now)
            {
                gone.Add(present);
            }
        }

        foreach (var present in gone)
        {
            _present.Remove(present.Account.Id);
        }

        return gone;
    }

    public void Clear() => _present.Clear();

    /// <summary>Removes an account whatever its clients do; for erased accounts and removed members.</summary>
    public PresentAccount? Remove(string accountId) => _present.Remove(accountId, out var present) ? present : null;
}
