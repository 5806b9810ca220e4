using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>A join or leave as one event says it.</summary>
/// <param name="More">How many more there are than are named.</param>
internal sealed record Announcement(EventType Type, Author First, Author[] Others, int More)
{
    /// <summary>Those who are counted in <see cref="More"/>.</summary>
    public IReadOnlyList<Author> Unnamed { get; init; } = [];

    public IEnumerable<Author> Everybody => Others.Prepend(First).Concat(Unnamed);
}

/// <summary>
/// Decides which joins and leaves of one room are said at once.
/// Over 50 in a second they are gathered until the second is over, so that a rush of a thousand people is a few events and not a
/// thousand times a thousand deliveries; who came and went meanwhile is not mentioned.
/// The same holds for one account that comes and goes over and over: four are said at once, then one in five seconds, or one guest
/// would fill the log with himself. In a crowd it is one event a second, which names a few and counts the others.
/// </summary>
/// <remarks>Guarded by the room's gate. <see cref="EndOfSecond"/> is called by a sweep about once a second.</remarks>
internal sealed class Announcements
{
    private const int AtOncePerSecond = 50;
    private const int AtOncePerAccount = 4;
    private const int SecondsPerAccount = 5;
    private const int OthersPerEvent = 199;
    private const int OthersNamedInCrowd = 20;

    private readonly Dictionary<string, Unsaid> _gathered = [];

    // How many each account has used up of what may be said of it; those who used none are not in here.
    private readonly Dictionary<string, int> _used = [];
    private int _saidThisSecond;
    private int _seconds;
    private EventType _saidToCrowd;

    /// <summary>Who is gone and not yet said to be.</summary>
    public IEnumerable<(Author Author, DateTimeOffset Since)> UnsaidLeaves =>
        _gathered.Values.Where(unsaid => unsaid.Type == EventType.Leave).Select(unsaid => (unsaid.Author, unsaid.Since));

    /// <summary>The account came, or went, and it is not yet said.</summary>
    public bool IsUnsaid(EventType type, string accountId) => _gathered.TryGetValue(accountId, out var unsaid) && unsaid.Type == type;

    /// <summary>True: say it now. False: it is gathered.</summary>
    /// <param name="since">Of a leave: since when the account was here.</param>
    /// <param name="isCrowd">So many are here that nothing is said at once.</param>
    public bool MaySayNow(EventType type, Author author, DateTimeOffset since = default, bool isCrowd = false)
    {
        if (_gathered.TryGetValue(author.AccountId, out var earlier) && earlier.Type != type)
        {
            _gathered.Remove(author.AccountId);
            return false;
        }

        if (earlier is null && !isCrowd && _saidThisSecond < AtOncePerSecond && TryUse(author.AccountId))
        {
            _saidThisSecond++;
            return true;
        }

        _gathered[author.AccountId] = new Unsaid(type, author, since);
        return false;
    }

    /// <summary>
    /// What was gathered and is due, a few events at most: each a first account, the others, and how many more.
    /// In a crowd joins and leaves take turns.
    /// </summary>
    public IReadOnlyList<Announcement> EndOfSecond(bool isCrowd = false)
    {
        _saidThisSecond = 0;
        if (_used.Count > 0 && ++_seconds >= SecondsPerAccount)
        {
            _seconds = 0;
            GiveBack();
        }

        if (_gathered.Count == 0)
        {
            return [];
        }

        if (isCrowd)
        {
            _saidToCrowd = _gathered.Values.FirstOrDefault(unsaid => unsaid.Type != _saidToCrowd)?.Type ?? _saidToCrowd;
        }

        var due = _gathered.Values.Where(unsaid => (!isCrowd || unsaid.Type == _saidToCrowd) && TryUse(unsaid.Author.AccountId)).ToList();
        due.ForEach(unsaid => _gathered.Remove(unsaid.Author.AccountId));
        if (isCrowd)
        {
            return due.Count == 0 ? [] : [Of(_saidToCrowd, due.ConvertAll(unsaid => unsaid.Author))];
        }

        return
        [
            .. due.GroupBy(entry => entry.Type, entry => entry.Author)
                .SelectMany(group => group.Chunk(OthersPerEvent + 1).Select(chunk => new Announcement(group.Key, chunk[0], chunk[1..], 0))),
        ];
    }

    /// <summary>Of a crowd: names a few.</summary>
    /// <param name="authors">At least one.</param>
    public static Announcement Of(EventType type, IReadOnlyList<Author> authors)
    {
        Author[] others = [.. authors.Skip(1).Take(OthersNamedInCrowd)];
        return new Announcement(type, authors[0], others, authors.Count - 1 - others.Length) { Unnamed = [.. authors.Skip(1 + others.Length)] };
    }

    private bool TryUse(string accountId)
    {
        var used = _used.GetValueOrDefault(accountId);
        if (/* guard: joins of an account */ used >= AtOncePerAccount)
        {
            return false;
        }

        _used[accountId] = used + 1;
        return true;
    }

    private void GiveBack()
    {
        foreach (var (account, used) in _used)
        {
            if (used == 1)
            {
                _used.Remove(account);
            }
            else
            {
                _used[account] = used - 1;
            }
        }
    }

    private sealed record Unsaid(EventType Type, Author Author, DateTimeOffset Since);
}
