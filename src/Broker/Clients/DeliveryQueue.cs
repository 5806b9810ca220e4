using System.Diagnostics.CodeAnalysis;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>Deliveries of what is in no log (presence, info, notices), while they wait for room in the window or in the socket.</summary>
/// <remarks>Guarded by the writer's gate.</remarks>
internal sealed class DeliveryQueue(TrafficMemory memory)
{
    /// <summary>Deliveries that may wait, before the client is cut off.</summary>
    private const int MostWaiting = 8192;
    private const int MostBytes = 2 * 1024 * 1024;

    /// <summary>While more waits for all clients together than should.</summary>
    private const int MostBytesWhenTight = 64 * 1024;

    /// <summary>What a place in the queue costs beside its packet.</summary>
    private const int BytesOfPlace = 64;

    // Made when something first waits, as for most nothing ever does.
    private Queue<(Subscriber Subscriber, TopicKind Kind, EncodedPublish Publish)>? _waiting;

    public bool IsEmpty => _waiting is not { Count: > 0 };

    public int Bytes { get; private set; }

    /// <summary>The client has left more to wait than it may.</summary>
    public bool IsTooLong => _waiting?.Count > MostWaiting || Bytes > MostBytes || (Bytes > MostBytesWhenTight && memory.Outgoing.IsOverrun);

    public void Add(Subscriber subscriber, TopicKind kind, EncodedPublish publish)
    {
        _waiting ??= new Queue<(Subscriber, TopicKind, EncodedPublish)>();
        _waiting.Enqueue((subscriber, kind, publish));
        Bytes += publish.Length + BytesOfPlace;
    }

    /// <summary>The first that its client still asks for; what it does not any more is left out.</summary>
    public bool TryPeek([NotNullWhen(true)] out EncodedPublish? publish)
    {
        while (_waiting is { Count: > 0 })
        {
            var next = _waiting.Peek();
            if (next.Subscriber.StillWants(next.Kind))
            {
                publish = next.Publish;
                return true;
            }

            Remove();
        }

        publish = null;
        return false;
    }

    /// <summary>The first does not wait any more.</summary>
    public void Remove() => Bytes -= _waiting!.Dequeue().Publish.Length + BytesOfPlace;

    public void Clear() => (_waiting, Bytes) = (null, 0);
}
