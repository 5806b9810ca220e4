namespace WebMessenger.Broker.Devices;

/// <summary>
/// Which of a member's subscriptions match the publish that is delivered now. Kept with the member, so that a delivery to thousands looks
/// nobody up.
/// </summary>
/// <remarks>Used by the one thread that delivers in the member's room.</remarks>
internal sealed class DataMatch
{
    private long _publish;
    private DataSubscription? _first;
    private List<DataSubscription>? _others;

    /// <summary>Notes one more. True: it is the first of this publish.</summary>
    /// <param name="publish">A number that no other publish of the room has.</param>
    public bool Add(long publish, DataSubscription subscription)
    {
        if (_publish != publish)
        {
            (_publish, _first) = (publish, subscription);
            _others?.Clear();
            return true;
        }

        (_others ??= []).Add(subscription);
        return false;
    }

    /// <summary>The highest that was granted of those that match.</summary>
    public byte QualityOfService => _others is { Count: > 0 } others
        ? Math.Max(_first!.QualityOfService, others.Max(other => other.QualityOfService)) : _first!.QualityOfService;

    /// <summary>[MQTT-3.3.4-2] One delivery at the highest QoS, with the ids of all.</summary>
    public DataGrant Grant(DataMessage message)
    {
        var first = _first!;
        if (_others is not { Count: > 0 } others)
        {
            return new(
                Math.Min(first.QualityOfService, message.QualityOfService),
                message.Retain && first.RetainAsPublished,
                first.SubscriptionIds);
        }

        var quality = first.QualityOfService;
        var keepsRetain = first.RetainAsPublished;
        List<int> ids = [.. first.SubscriptionIds];
        foreach (var other in others)
        {
            quality = Math.Max(quality, other.QualityOfService);
            keepsRetain |= other.RetainAsPublished;
            ids.AddRange(other.SubscriptionIds);
        }

        return new(Math.Min(quality, message.QualityOfService), message.Retain && keepsRetain, [.. ids]);
    }
}
