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

    /// <summary>By clients of this node, or within their grace time. False: by other nodes alone.</summary>
    public bool IsHere { get; set; }

    /// <summary>
    /// The other nodes that it is here with, each once, and when the grace time of one that has died is over; null: none was.
    /// </summary>
    public Dictionary<string, DateTimeOffset?>? Nodes { get; set; }

    public bool IsElsewhere => Nodes is { Count: > 0 };
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

    /// <summary>
    /// A client of the account is present. Returns the entry when the account is new with this node, and must be announced unless it is
    /// elsewhere.
    /// </summary>
    public PresentAccount? Arrived(Account account, string kind, DateTimeOffset now)
    {
        if (_present.TryGetValue(account.Id, out var present) && present.IsHere)
        {
            present.Clients++;
            return null;
        }

        if (present is null)
        {
            present = new PresentAccount(account, Author.Of(account, kind), now);
            _present.Add(account.Id, present);
        }

        (present.Clients, present.IsHere) = (1, true);
        return present;
    }

    /// <summary>
    /// A client of the account is no longer present. Returns the entry when it was the last one and nobody waits for another.
    /// </summary>
    /// <param name="atOnce">The client said that it leaves: it unsubscribed or was signed out.</param>
    public PresentAccount? Left(string accountId, bool atOnce, DateTimeOffset now)
    {
        if (!_present.TryGetValue(accountId, out var present) || !present.IsHere || --present.Clients > 0)
        {
            return null;
        }

        if (!atOnce)
        {
            present.GoneAt = now + Grace;
            return null;
        }

        TakeOut(present);
        return present;
    }

    /// <summary>Takes up somebody who was here when the server stopped, without a word.</summary>
    public void ExpectBack(Account account, string kind, DateTimeOffset since, DateTimeOffset now)
    {
        var present = new PresentAccount(account, Author.Of(account, kind), since) { IsHere = true, GoneAt = now + GraceAfterRestart };
        _present.TryAdd(account.Id, present);
    }

    /// <summary>Removes and returns those whose grace time is over.</summary>
    public List<PresentAccount> RemoveGone(DateTimeOffset now)
    {
        List<PresentAccount> gone = [];
        foreach (var present in _present.Values)
        {
            if (present is { IsHere: true, Clients: 0 } && present.GoneAt <= now)
            {
                gone.Add(present);
            }
        }

        foreach (var present in gone)
        {
            TakeOut(present);
        }

        return gone;
    }

    public void Clear() => _present.Clear();

    /// <summary>The account is not here with this node any more, whatever its clients do.</summary>
    public void TakeOut(PresentAccount present)
    {
        (present.IsHere, present.Clients) = (false, 0);
        RemoveIfGone(present);
    }

    /// <summary>Another node has the account. Returns the entry when it was nowhere before.</summary>
    /// <param name="goneAt">Null: the node is there.</param>
    public PresentAccount? Heard(Account account, string node, string kind, DateTimeOffset since, DateTimeOffset? goneAt)
    {
        var isNew = !_present.TryGetValue(account.Id, out var present);
        present ??= new PresentAccount(account, Author.Of(account, kind), since);
        (present.Nodes ??= [])[node] = goneAt;
        _present[account.Id] = present;
        return isNew ? present : null;
    }

    /// <summary>Another node has the account no more. Returns the entry when it is nowhere now.</summary>
    public PresentAccount? HeardGone(string accountId, string node) =>
        _present.TryGetValue(accountId, out var present) && present.Nodes?.Remove(node) == true && RemoveIfGone(present) ? present : null;

    private bool RemoveIfGone(PresentAccount present) =>
        !present.IsHere && !present.IsElsewhere && _present.Remove(present.Account.Id);
}
