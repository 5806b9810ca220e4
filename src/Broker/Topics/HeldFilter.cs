namespace WebMessenger.Broker.Topics;

/// <summary>MQTT 5's choice of when retained messages come (MQTT 5.0, 3.8.3.1).</summary>
internal enum RetainHandling
{
    SendAtSubscribe = 0,
    SendAtNewSubscribe = 1,
    DoNotSend = 2,
}

/// <summary>A filter as a client holds it, with the options it subscribed with.</summary>
/// <param name="QualityOfService">Granted: 0 or 1; of data topics 2 too.</param>
/// <param name="SubscriptionId">0: none.</param>
internal sealed record HeldFilter(RoomFilter Filter, byte QualityOfService, bool NoLocal, bool RetainAsPublished, RetainHandling RetainHandling, int SubscriptionId);
