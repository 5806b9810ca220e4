using System.Diagnostics.CodeAnalysis;
using WebMessenger.Broker.Devices;

namespace WebMessenger.Broker.Clients;

/// <summary>A delivery that waits for the window or the socket.</summary>
internal readonly record struct DataQueued(DataPlace Place, DataFrames Frames, DataGrant Grant);

/// <summary>What is retained and on its way to a client for one of its subscriptions. Guarded by the writer's gate.</summary>
internal sealed class DataReplay(DataPlace place, DataSubscription subscription, bool isAfterGap) : IDisposable
{
    /// <summary>Topics that are remembered as heard; of what is heard beyond them a value may come twice.</summary>
    private const int MostHeard = 1024;

    private readonly IEnumerator<DataMessage?> _values = place.Space.Retained!.Walk(subscription.Filter).GetEnumerator();
    private HashSet<string>? _heard;
    private DataFrames? _next;

    public DataPlace Place => place;

    public DataSubscription Subscription => subscription;

    /// <summary>The next value. False: that was all.</summary>
    /// <param name="isPaused">Not all: so much was looked at that others are to have a turn.</param>
    public bool TryPeek([NotNullWhen(true)] out DataFrames? frames, out bool isPaused)
    {
        isPaused = false;
        while (_next is null && !isPaused && _values.MoveNext())
        {
            if (_values.Current is not { } value)
            {
                isPaused = true;
            }
            else if (place.MayHear(value.Topic) && _heard?.Contains(value.Topic) != true)
            {
                _next = new DataFrames(isAfterGap ? value.AfterGap() : value, place.Space.Prefix);
            }
        }

        frames = _next;
        return frames is not null;
    }

    /// <summary>The client is told a new value of a topic as it is said: it is not told once more, nor what was retained before.</summary>
    public void Hear(DataMessage message)
    {
        if (!message.Retain || !subscription.Filter.Matches(message.Topic))
        {
            return;
        }

        if (_next?.Message.Topic == message.Topic)
        {
            _next = null;
        }

        _heard ??= [];
        if (_heard.Count < MostHeard)
        {
            // guard: what was heard live is not replayed
            _heard.Add(message.Topic);
        }
    }

    /// <summary>A new value of a topic was not told: of what is to be sent it takes the place of the one before.</summary>
    public void Replace(DataPlace said, DataMessage message)
    {
        if (said == place && message.Retain && _next?.Message.Topic == message.Topic)
        {
            _next = message.Payload.IsEmpty ? null : new DataFrames(isAfterGap ? message.AfterGap() : message, place.Space.Prefix);
        }
    }

    /// <summary>It is written.</summary>
    public void Take() => _next = null;

    public void Dispose() => _values.Dispose();

    /// <summary>[MQTT-3.3.1-8] What is sent because a subscription was made has the flag.</summary>
    /// <remarks>
    /// To who is kept at QoS 1 at most: it is in no log, so nobody could say on the next connection whether it was received.
    /// </remarks>
    public DataGrant Grant(DataMessage message) => new(
        Math.Min(Math.Min(subscription.QualityOfService, place.IsKept ? (byte)1 : (byte)2), message.QualityOfService),
        Retain: true, subscription.SubscriptionIds);
}
