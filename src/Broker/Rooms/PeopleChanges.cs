using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>What one second has changed of who is here, to be said on `rooms/{room}/people`.</summary>
/// <param name="Count">How many are here by then.</param>
/// <param name="IsAnew">What was said before does not count any more: everybody is sent the list.</param>
internal sealed record PeopleNews(IReadOnlyList<PresenceWord> Came, IReadOnlyList<string> Gone, int Count, bool IsAnew = false);

/// <summary>
/// Decides what is said of a room's people at the end of each second: of a room of up to a thousand everybody who came and went; of a
/// crowd how many there are, and by name only whose room it is and who spoke lately.
/// </summary>
/// <remarks>
/// Guarded by the room's gate.
/// It holds at most <see cref="WaitingAtMost"/> names that are still to be said; over that everybody is sent the list anew.
/// Nothing is held while nobody listens.
/// </remarks>
internal sealed class PeopleChanges(RoomPresence presence)
{
    /// <summary>With more people than this a room is a crowd.</summary>
    public const int NamedUpTo = 1_000;

    /// <summary>A crowd is none any more when it has shrunk so far: one that stands at the bound is not sent lists all the time.</summary>
    private const int CrowdDownTo = 800;

    private const int NamesPerSecond = 100;
    private const int WaitingAtMost = 1_000;

    /// <summary>Of a crowd so many are named, so many more a second, out of the authors of so many newest messages.</summary>
    private const int SpeakersAtMost = 50;
    private const int SpeakersPerSecond = 5;
    private const int NewestMessages = 100;

    private readonly Dictionary<string, PresenceWord> _waiting = [];
    private readonly Queue<string> _order = new();

    // By account, as they were named to the crowd.
    private readonly Dictionary<string, PresenceWord> _named = [];
    private readonly string?[] _authors = new string?[NewestMessages];
    private int _messages;
    private bool _isCrowd;
    private int _saidCount;

    /// <summary>Places with a filter on `people`.</summary>
    public int Listeners { get; private set; }

    /// <summary>True: the first listens, and what changed while nobody did was not noted.</summary>
    public bool Listen(bool before, bool now)
    {
        if (before == now)
        {
            return false;
        }

        Listeners += now ? 1 : -1;
        if (Listeners == 0)
        {
            Forget();
        }

        if (Listeners != 1 || !now)
        {
            return false;
        }

        (_isCrowd, _saidCount) = (presence.Count > NamedUpTo, presence.Count);
        return true;
    }

    /// <summary>Nobody listens any more.</summary>
    public void ForgetListeners()
    {
        Listeners = 0;
        Forget();
    }

    /// <summary>An account sends a message.</summary>
    public void Spoke(string accountId) => _authors[_messages++ % NewestMessages] = accountId;

    /// <summary>Somebody came, went, or is called otherwise.</summary>
    public void Changed(in PresenceWord word)
    {
        if (Listeners == 0 || _isCrowd)
        {
            return;
        }

        if (!_waiting.ContainsKey(word.User))
        {
            _order.Enqueue(word.User);
        }

        _waiting[word.User] = word;
    }

    /// <summary>What is to be said now; null: nothing.</summary>
    /// <param name="owner">The account whose room it is; null: nobody's.</param>
    public PeopleNews? EndOfSecond(string? owner)
    {
        if (Listeners == 0)
        {
            return null;
        }

        var count = presence.Count;
        var wasCrowd = _isCrowd;
        _isCrowd = count > (wasCrowd ? CrowdDownTo : NamedUpTo);
        if (_isCrowd != wasCrowd || _waiting.Count > WaitingAtMost)
        {
            Forget();
            _saidCount = count;
            return new PeopleNews([], [], count, IsAnew: true);
        }

        var (came, gone) = _isCrowd ? Renew(owner) : Next();
        if (came.Count == 0 && gone.Count == 0 && count == _saidCount)
        {
            return null;
        }

        _saidCount = count;
        return new PeopleNews(came, gone, count);
    }

    /// <summary>Who is to be named to somebody who has just begun to listen.</summary>
    public List<PresenceWord> Named(string? owner)
    {
        if (!_isCrowd)
        {
            return [.. presence.Everybody.Select(WordOf)];
        }

        if (_named.Count == 0)
        {
            foreach (var account in Speakers(owner))
            {
                _named[account] = WordOf(presence.Find(account)!);
            }
        }

        return [.. _named.Values];
    }

    private static PresenceWord WordOf(PresentAccount present) => new(present.ShownAs.User, present.ShownAs, present.Since);

    private (List<PresenceWord> Came, List<string> Gone) Next()
    {
        List<PresenceWord> came = [];
        List<string> gone = [];
        for (var i = 0; i < NamesPerSecond && _order.TryDequeue(out var user); i++)
        {
            _waiting.Remove(user, out var word);
            if (word.ShownAs is null)
            {
                gone.Add(user);
            }
            else
            {
                came.Add(word);
            }
        }

        return (came, gone);
    }

    // Of a crowd: who is gone or called otherwise, and a few of those who began to speak, in whose place the silent are named no more.
    private (List<PresenceWord> Came, List<string> Gone) Renew(string? owner)
    {
        List<PresenceWord> came = [];
        List<string> gone = [];
        foreach (var (account, said) in _named)
        {
            if (presence.Find(account) is not { } present)
            {
                gone.Add(said.User);
                _named.Remove(account);
            }
            else if (present.ShownAs != said.ShownAs)
            {
                if (present.ShownAs.User != said.User)
                {
                    gone.Add(said.User);
                }

                came.Add(_named[account] = WordOf(present));
            }
        }

        var speakers = Speakers(owner);
        foreach (var account in speakers)
        {
            if (came.Count >= SpeakersPerSecond)
            {
                break;
            }

            if (_named.ContainsKey(account))
            {
                continue;
            }

            if (_named.Count >= SpeakersAtMost)
            {
                var silent = _named.Keys.First(one => !speakers.Contains(one));
                gone.Add(_named[silent].User);
                _named.Remove(silent);
            }

            came.Add(_named[account] = WordOf(presence.Find(account)!));
        }

        return (came, gone);
    }

    // The owner, then whoever spoke last, as far as they are here.
    private HashSet<string> Speakers(string? owner)
    {
        HashSet<string> speakers = [];
        if (owner is not null && presence.Find(owner) is not null)
        {
            speakers.Add(owner);
        }

        for (var i = 1; i <= NewestMessages && speakers.Count < SpeakersAtMost; i++)
        {
            if (_authors[(_messages - i + NewestMessages) % NewestMessages] is { } author && presence.Find(author) is not null)
            {
                speakers.Add(author);
            }
        }

        return speakers;
    }

    private void Forget()
    {
        _waiting.Clear();
        _order.Clear();
        _named.Clear();
    }
}
