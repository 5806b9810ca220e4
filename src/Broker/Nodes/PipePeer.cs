namespace WebMessenger.Broker.Nodes;

/// <summary>What is to be said to one node. Guarded by who has it.</summary>
internal sealed class PipePeer
{
    private readonly LinkedList<PipeFrame> _waiting = new();

    public bool IsSending { get; set; }

    public void Queue(PipeFrame frame) => _waiting.AddLast(frame);

    public void Begin(PipeFrame frame)
    {
        if (_waiting.First?.Value.Kind != frame.Kind)
        {
            _waiting.AddFirst(frame);
        }
    }

    public void Clear() => _waiting.Clear();

    public List<PipeFrame> Take(int bytes)
    {
        List<PipeFrame> frames = [];
        while (_waiting.First is { } next && (frames.Count == 0 || next.Value.Bytes.Length <= bytes))
        {
            frames.Add(next.Value);
            bytes -= next.Value.Bytes.Length + PipeFrame.HeadLength;
            _waiting.RemoveFirst();
        }

        return frames;
    }
}
