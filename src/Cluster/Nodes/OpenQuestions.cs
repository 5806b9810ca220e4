using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Nodes;

/// <summary>What one other node is being asked, and has not answered yet.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class OpenQuestions(string self)
{
    private readonly Lock _gate = new();
    private readonly SortedSet<long> _open = [];

    /// <summary>A question with a number of its own, which says how far its asker is. To be ended with <see cref="End"/>.</summary>
    /// <param name="last">The last number of any question of this node.</param>
    public Question Begin(ref long last, NodeTopic topic, ReadOnlyMemory<byte> message)
    {
        // Numbered under the gate: what is asked next must not say that this one is over.
        lock (_gate)
        {
            var number = Interlocked.Increment(ref last);
            _open.Add(number);
            return new Question(self, number, _open.Min, topic, message);
        }
    }

    /// <summary>Its answer has come, or nobody waits for it any more.</summary>
    public void End(Question question)
    {
        lock (_gate)
        {
            _open.Remove(question.Number);
        }
    }
}
