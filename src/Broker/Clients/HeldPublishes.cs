using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// Publishes that a client sent over its account's rate, or over its Receive Maximum: taken from the socket, so that what comes behind them
/// is heard, and dealt with when they are paid for.
/// </summary>
/// <remarks>Belongs to the receive side of the connection; but for <see cref="Clear"/>, when that is over.</remarks>
internal sealed class HeldPublishes(Writer writer, OwedAnswers answers, ILife life, TrafficMemory memory)
{
    /// <summary>More than clients at their defaults have in flight: libraries of 3.1.1 send all they have.</summary>
    private const int LargestCount = 512;
    private const int LargestBytes = 256 * 1024;

    /// <summary>What one costs beside its bytes.</summary>
    private const int BytesOfOne = 128;

    // Most clients never speak too fast.
    private Queue<(PublishLayout Layout, byte[] Body)>? _publishes;
    private int _bytes;

    public int Count => _publishes?.Count ?? 0;

    /// <summary>When what is held comes next.</summary>
    public Task Turn { get; set; } = Task.CompletedTask;

    /// <summary>
    /// Copies it behind the others. Null: it is held. Else the client is not to be read on before the task: more than it is allowed to have
    /// waiting, it has to keep itself.
    /// </summary>
    /// <param name="body">What follows the Remaining Length.</param>
    public Task? Hold(in PublishLayout layout, ReadOnlySpan<byte> body)
    {
        lock (writer.Gate)
        {
            if (answers.IsClosing)
            {
                return life.Ended;
            }

            if (TryAdd(layout, body))
            {
                return null;
            }

            // [MQTT-3.3.4-9] Libraries send more than the Receive Maximum, and would send all of it again if they were closed for that.
            // So it is slowed down; but where only PUBRELs make room, which are behind what is not read,
            // nothing would ever come of waiting.
            return answers.Unreleased < answers.ReceiveMaximum
                ? Turn
                : throw new Violation(ReasonCode.ReceiveMaximumExceeded, "More publishes are unacknowledged than the Receive Maximum allows.");
        }
    }

    private bool TryAdd(in PublishLayout layout, ReadOnlySpan<byte> body)
    {
        var bytes = body.Length + BytesOfOne;
        if (/* guard: publishes that wait for the rate */ Count >= LargestCount || _bytes + bytes > LargestBytes || memory.Held.IsFull)
        {
            return false;
        }

        (_publishes ??= new()).Enqueue((layout, body.ToArray()));
        Account(bytes);
        return true;
    }

    public bool TryPeek(out PublishPacket publish)
    {
        if (_publishes is null || !_publishes.TryPeek(out var next))
        {
            publish = default;
            return false;
        }

        publish = new PublishPacket(next.Layout, next.Body);
        return true;
    }

    public void Dequeue()
    {
        var (_, body) = _publishes!.Dequeue();
        Account(-(body.Length + BytesOfOne));
    }

    /// <summary>The client is gone: it was not told that the server has them.</summary>
    public void Clear()
    {
        _publishes?.Clear();
        Account(-_bytes);
    }

    private void Account(int bytes)
    {
        _bytes += bytes;
        memory.Held.Add(bytes);
    }
}
