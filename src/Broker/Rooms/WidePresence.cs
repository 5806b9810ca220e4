namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Bounds what filters on everybody's presence (`presence/+`) cost: each change is a delivery to each client that holds one, so the
/// more of them there are, the fewer changes a second they are told. The others wait, the newest of each user.
/// Filters that name a user do not wait for it.
/// </summary>
/// <remarks>
/// Guarded by the room's gate. It holds at most <see cref="WaitingAtMost"/> words, and over that further users are said at once.
/// </remarks>
internal sealed class WidePresence
{
    /// <summary>In a second and room.</summary>
    private const int Deliveries = 20_000;
    private const int WaitingAtMost = 10_000;

    private readonly Dictionary<string, PresenceWord> _waiting = [];
    private readonly Queue<string> _order = new();
    private int _said;

    /// <summary>True: say it now. False: it waits.</summary>
    /// <param name="listeners">Places with such a filter.</param>
    public bool MaySayNow(in PresenceWord word, int listeners)
    {
        var isWaiting = _waiting.ContainsKey(word.User);
        if (!isWaiting && ((_waiting.Count == 0 && _said < PerSecond(listeners)) || _waiting.Count >= WaitingAtMost))
        {
            _said++;
            return true;
        }

        if (!isWaiting)
        {
            _order.Enqueue(word.User);
        }

        _waiting[word.User] = word;
        return false;
    }

    /// <summary>Nobody listens to everybody's any more: as <see cref="PresenceWords.Forget"/>.</summary>
    public void Forget()
    {
        _waiting.Clear();
        _order.Clear();
    }

    /// <summary>Those that waited longest, which count for the second that begins.</summary>
    public List<PresenceWord> EndOfSecond(int listeners)
    {
        List<PresenceWord> due = [];
        for (var most = PerSecond(listeners); due.Count < most && _order.TryDequeue(out var user);)
        {
            _waiting.Remove(user, out var word);
            due.Add(word);
        }

        _said = due.Count;
        return due;
    }

    private static int PerSecond(int listeners) => Math.Max(1, Deliveries / Math.Max(1, listeners));
}
