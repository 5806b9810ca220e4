using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>What `rooms/{room}/presence/{user}` is to say; <paramref name="ShownAs"/> null: gone.</summary>
internal readonly record struct PresenceWord(string User, Author? ShownAs, DateTimeOffset Since);

/// <summary>
/// Decides which changes of presence of one room are said at once: the first of each user in a second. Of those after it the newest waits
/// for the end of the second, so that who comes and goes
/// a thousand times costs the others one delivery a second.
/// </summary>
/// <remarks>
/// Guarded by the room's gate. <see cref="EndOfSecond"/> is called by a sweep about once a second. It holds at most one word of each user
/// who came or went within a second.
/// </remarks>
internal sealed class PresenceWords
{
    private readonly HashSet<string> _said = [];
    private readonly Dictionary<string, PresenceWord> _waiting = [];

    /// <summary>True: say it now. False: it waits.</summary>
    public bool MaySayNow(in PresenceWord word)
    {
        if (/* guard: presence of a user once a second */ _said.Add(word.User))
        {
            return true;
        }

        Wait(word);
        return false;
    }

    /// <summary>Behind what waits already.</summary>
    public void Wait(in PresenceWord word)
    {
        _said.Add(word.User);
        _waiting[word.User] = word;
    }

    /// <summary>Nobody listens any more: who comes next is shown what is true by then, and what waits may not be.</summary>
    public void Forget() => _waiting.Clear();

    /// <summary>What waited, which counts for the second that begins.</summary>
    public PresenceWord[] EndOfSecond()
    {
        if (_said.Count == 0)
        {
            return [];
        }

        PresenceWord[] words = [.. _waiting.Values];
        _waiting.Clear();
        _said.Clear();
        foreach (var word in words)
        {
            _said.Add(word.User);
        }

        return words;
    }
}
