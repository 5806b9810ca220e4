namespace WebMessenger.Broker.ReadMarks;

/// <summary>
/// Tells when the newest messages of a log are enough for any answer:
/// so many of them, and of one voice no more than ever counts. They are added from the newest on.
/// </summary>
internal sealed class EnoughMessages
{
    /// <summary>So many are enough.</summary>
    public const int Count = 3 * MessageTally.Most;

    private readonly Dictionary<(string Author, bool IsBot), int> _byVoice = [];
    private int _count;

    public bool IsReached => _count >= Count;

    public void Add(string author, bool isBot)
    {
        var count = _byVoice.GetValueOrDefault((author, isBot));
        if (count < MessageTally.Most)
        {
            _byVoice[(author, isBot)] = count + 1;
            _count++;
        }
    }

    /// <summary>The messages of a block up to a seq.</summary>
    public void AddAll(MessageBlock block, long upTo)
    {
        for (var i = block.Messages.Count - 1; i >= 0; i--)
        {
            if (block.Messages[i].Seq <= upTo)
            {
                Add(block.Messages[i].Author, block.Messages[i].IsBot);
            }
        }
    }
}
