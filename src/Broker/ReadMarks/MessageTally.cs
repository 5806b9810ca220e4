using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>Messages after a place in a log, each exact up to <see cref="MessageTally.Most"/>, and that for more.</summary>
/// <param name="ByOthers">Not by the account, whatever it was signed in by.</param>
/// <param name="ByOwnBots">
/// By access tokens of the account.
/// May be too few where <paramref name="ByOthers"/> is at its most: then a sum of the two is over that anyway.
/// </param>
internal readonly record struct MessageCount(int ByOthers, int ByOwnBots);

/// <summary>Counts the messages of one log that an account has not read.</summary>
/// <remarks>
/// <para>Reads blocks when it is asked, and from then on what the log brings;
/// keeps who wrote the newest messages and when they were numbered, and no more of them than any answer needs.
/// That is little: whoever does not write is owed at most the newest <see cref="Most"/> messages, and whoever does those of the others,
/// so of one author no more than the newest <see cref="Most"/> ever count, and of all together twice as many.
/// What an account's own bots said is counted beside, as an author of its own, and makes it three times as many.</para>
/// <para>Thread-safe.</para>
/// </remarks>
internal sealed class MessageTally(LogName name, MessageBlocks blocks)
{
    /// <summary>What is counted to.</summary>
    public const int Most = 999;

    private const int Enough = EnoughMessages.Count;
    private const int PageLength = 1000;

    private readonly Lock _gate = new();
    private readonly List<MessageEntry> _entries = [];
    private readonly HashSet<string> _authors = [];
    private string _epoch = "";

    // Looked at are the events above _floor, up to _top.
    private long _floor;
    private long _top;

    // Nothing below the oldest entry can matter to anybody.
    private bool _isEnough;

    private int _held;

    /// <summary>How many messages are held, of 24 bytes each. Read without the lock: a measure of what it takes.</summary>
    public int Held => Volatile.Read(ref _held);

    /// <summary>
    /// How many messages after <paramref name="seq"/> of this epoch are not by the account itself.
    /// A log that has another epoch by now has none.
    /// </summary>
    /// <param name="counted">The newest seq of the log that was looked at.</param>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public MessageCount CountAfter(long seq, string epoch, string accountId, out long counted)
    {
        lock (_gate)
        {
            while (true)
            {
                var head = blocks.Head(name);
                var after = Math.Max(seq, head.First - 1);
                counted = head.Head;
                if (head.Epoch != epoch || after >= head.Head)
                {
                    return default;
                }

                if (LookAt(after, head))
                {
                    counted = _top;
                    return Count(after, accountId);
                }
            }
        }
    }

    // False: the log was dropped meanwhile.
    private bool LookAt(long after, in LogHead head)
    {
        // From far behind the blocks are read: quicker than all that was said.
        if (_epoch != head.Epoch || head.Head - _top > PageLength)
        {
            Forget();
            (_epoch, _floor, _top) = (head.Epoch, head.Head, head.Head);
        }

        try
        {
            return IsReadUpTo(head) && IsReadBackTo(after, head);
        }
        finally
        {
            Volatile.Write(ref _held, _entries.Count);
        }
    }

    private bool IsReadUpTo(in LogHead head)
    {
        while (_top < head.Head)
        {
            var page = blocks.ReadAfter(name, _top, PageLength);
            if (page.Head.Epoch != _epoch)
            {
                return false;
            }

            _entries.AddRange(MessageBlocks.MessagesOf(page).Select(Entry));
            _top = page.Entries is [.., var last] ? last.Seq : head.Head;
            Trim();
        }

        return true;
    }

    private bool IsReadBackTo(long after, in LogHead head)
    {
        if (_floor <= after || _isEnough)
        {
            return true;
        }

        EnoughMessages enough = new();
        for (var i = _entries.Count - 1; i >= 0; i--)
        {
            enough.Add(_entries[i].Voice.Author, _entries[i].Voice.IsBot);
        }

        while (_floor > after && !enough.IsReached && _top - _floor < MessageBlocks.LookBack)
        {
            var number = MessageBlock.NumberOf(_floor);
            if (blocks.Read(name, head, number) is not { } block)
            {
                return false;
            }

            // The block may have gone on since the floor was set there.
            var floor = _floor;
            _entries.InsertRange(0, block.Messages.TakeWhile(message => message.Seq <= floor).Select(Entry));
            _floor = MessageBlock.FloorOf(number);
            enough.AddAll(block, floor);
            Trim();
        }

        _isEnough |= enough.IsReached;
        return true;
    }

    private MessageEntry Entry(CountedMessage message) => new(message.Seq, new Voice(Known(message.Author), message.IsBot));

    // One string for all of an author's entries, so that they are told by reference.
    private string Known(string author)
    {
        if (!_authors.TryGetValue(author, out var known))
        {
            _authors.Add(known = author);
        }

        return known;
    }

    private void Trim()
    {
        if (_entries.Count <= Enough + PageLength)
        {
            return;
        }

        List<MessageEntry> kept = new(Enough);
        Dictionary<Voice, int> byVoice = [];
        for (var i = _entries.Count - 1; i >= 0 && kept.Count < Enough; i--)
        {
            var entry = _entries[i];
            var count = byVoice.GetValueOrDefault(entry.Voice);
            if (count < Most)
            {
                byVoice[entry.Voice] = count + 1;
                kept.Add(entry);
            }
        }

        _isEnough |= kept.Count == Enough;
        kept.Reverse();
        _entries.Clear();
        _entries.AddRange(kept);
        _authors.IntersectWith(byVoice.Keys.Select(voice => voice.Author));
    }

    private MessageCount Count(long after, string accountId)
    {
        _authors.TryGetValue(accountId, out var own);
        var (byOthers, byOwnBots) = (0, 0);
        for (var i = _entries.Count - 1; i >= 0 && _entries[i].Seq > after && byOthers < Most; i--)
        {
            var voice = _entries[i].Voice;
            if (!ReferenceEquals(voice.Author, own))
            {
                byOthers++;
            }
            else if (voice.IsBot)
            {
                byOwnBots++;
            }
        }

        return new MessageCount(byOthers, Math.Min(byOwnBots, Most));
    }

    private void Forget()
    {
        _entries.Clear();
        _authors.Clear();
        _isEnough = false;
    }

    private readonly record struct Voice(string Author, bool IsBot);

    private readonly record struct MessageEntry(long Seq, Voice Voice);
}
