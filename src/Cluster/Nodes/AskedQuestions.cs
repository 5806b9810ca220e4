namespace WebMessenger.Cluster.Nodes;

/// <summary>
/// What one other node has asked, by its numbers: a question that comes again, because its answer was lost, has the same answer, and is not
/// done again.
/// </summary>
/// <remarks>
/// An answer is remembered until the other node has gone on, which each of its questions says; of 10,000, and of so many bytes, the newest.
/// Thread-safe.
/// </remarks>
internal sealed class AskedQuestions(long bytesAtMost)
{
    private const int AtOnce = 10_000;
    private const int Remembered = 10_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, Asked> _asked = [];
    private readonly Queue<long> _answered = new();
    private long _lowest;
    private long _bytes;
    private int _underWay;

    /// <summary>Those that are being worked on, or whose answers are remembered.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _asked.Count;
            }
        }
    }

    /// <summary>Takes a question. Null: who asked it waits for it no more, or too many are under way.</summary>
    /// <param name="work">The answer is to be put there, with <see cref="Answer"/>. Null: it was asked before.</param>
    public Task<Answer>? Take(Question question, out TaskCompletionSource<Answer>? work)
    {
        work = null;
        lock (_gate)
        {
            GoOn(question.Lowest);
            if (_asked.TryGetValue(question.Number, out var before))
            {
                return before.Answer;
            }

            // One that was on its way for longer than its asker waited must not be done behind what he did then.
            if (question.Number < _lowest || _underWay >= AtOnce)
            {
                return null;
            }

            _underWay++;
            work = new TaskCompletionSource<Answer>(TaskCreationOptions.RunContinuationsAsynchronously);
            _asked[question.Number] = new Asked(work.Task);
            return work.Task;
        }
    }

    /// <summary>It is done. What has failed is done again if it is asked again.</summary>
    public void Answer(long number, TaskCompletionSource<Answer> work, Answer answer)
    {
        lock (_gate)
        {
            _underWay--;
            if (answer.Kind == AnswerKind.Failed)
            {
                _asked.Remove(number);
            }
            else if (_asked.TryGetValue(number, out var asked))
            {
                asked.Bytes = answer.Bytes.Length;
                _bytes += asked.Bytes;
                _answered.Enqueue(number);
                while ((_answered.Count > Remembered || _bytes > bytesAtMost) && _answered.TryDequeue(out var oldest))
                {
                    Forget(oldest);
                }
            }
        }

        work.SetResult(answer);
    }

    // Under the gate.
    private void GoOn(long lowest)
    {
        if (lowest <= _lowest)
        {
            return;
        }

        // Numbers are those of all that the other node asks anybody.
        IEnumerable<long> over = lowest - _lowest > _asked.Count ? [.. _asked.Keys.Where(number => number < lowest)] : Numbers(_lowest, lowest);
        foreach (var number in over)
        {
            Forget(number);
        }

        _lowest = lowest;
    }

    private static IEnumerable<long> Numbers(long from, long to)
    {
        for (var number = from; number < to; number++)
        {
            yield return number;
        }
    }

    // Under the gate.
    private void Forget(long number)
    {
        if (_asked.Remove(number, out var asked))
        {
            _bytes -= asked.Bytes;
        }
    }

    private sealed class Asked(Task<Answer> answer)
    {
        public Task<Answer> Answer { get; } = answer;

        /// <summary>Of the answer, once there is one.</summary>
        public int Bytes { get; set; }
    }
}
