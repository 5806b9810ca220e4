using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>
/// The tallies of the logs that were asked about last.
/// The others are made anew from their blocks, a dozen small records, when somebody asks.
/// </summary>
/// <remarks>Thread-safe. <c>_gate</c> is a leaf; a tally that was let go counts right for whoever still has it.</remarks>
internal sealed class Tallies(MessageBlocks blocks, int most = Tallies.MostMessages)
{
    /// <summary>
    /// So many messages are held in all, typically 10 MB: 24 bytes each, and beside them the names of a log's authors, each once.
    /// One log's are 4,000 at most, so that is 100 rooms in which much is said, or thousands of others (fault R8).
    /// </summary>
    private const int MostMessages = 400_000;

    /// <summary>What a tally takes beside its messages, as so many of them: nobody holds a million empty ones.</summary>
    private const int Own = 16;

    private readonly Lock _gate = new();
    private readonly Dictionary<LogName, LinkedListNode<Held>> _held = [];

    // The one that was asked last comes first.
    private readonly LinkedList<Held> _byUse = [];
    private long _messages;

    /// <summary>How many messages are held just now.</summary>
    public long Messages
    {
        get
        {
            lock (_gate)
            {
                return _messages;
            }
        }
    }

    /// <summary>See <see cref="MessageTally.CountAfter"/>.</summary>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public MessageCount CountAfter(LogName log, long seq, string epoch, string accountId, out long counted)
    {
        var tally = Of(log);
        try
        {
            return tally.CountAfter(seq, epoch, accountId, out counted);
        }
        finally
        {
            Weigh(log, tally);
        }
    }

    /// <summary>The log is gone, or a message of it is not what it was: who asks next is told what is there by then.</summary>
    public void Forget(LogName log)
    {
        lock (_gate)
        {
            if (_held.TryGetValue(log, out var node))
            {
                LetGo(node);
            }
        }
    }

    private MessageTally Of(LogName log)
    {
        lock (_gate)
        {
            if (_held.TryGetValue(log, out var node))
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }
            else
            {
                _held[log] = node = _byUse.AddFirst(new Held(log, new MessageTally(log, blocks)));
                _messages += Own;
            }

            return node.Value.Tally;
        }
    }

    private void Weigh(LogName log, MessageTally tally)
    {
        lock (_gate)
        {
            if (!_held.TryGetValue(log, out var node) || node.Value.Tally != tally)
            {
                return;
            }

            var messages = tally.Held;
            _messages += messages - node.Value.Messages;
            node.Value.Messages = messages;
            while (_messages > most && _byUse.Last is { } oldest && oldest != _byUse.First)
            {
                LetGo(oldest);
            }
        }
    }

    // Under _gate.
    private void LetGo(LinkedListNode<Held> node)
    {
        _byUse.Remove(node);
        _held.Remove(node.Value.Log);
        _messages -= node.Value.Messages + Own;
    }

    private sealed class Held(LogName log, MessageTally tally)
    {
        public LogName Log => log;

        public MessageTally Tally => tally;

        public int Messages { get; set; }
    }
}
