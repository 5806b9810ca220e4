namespace WebMessenger.Load.Generator;

/// <summary>Where the members of a swarm hear and its publishers speak, and how.</summary>
/// <param name="Topic">Where publishers speak to the room of this number.</param>
/// <param name="Filters">What members of that room subscribe to: one SUBSCRIBE.</param>
/// <param name="QualityOfService">Of publishes and subscriptions.</param>
/// <param name="Retains">Publishes are retained.</param>
/// <param name="Behind">
/// Publishers wait while members are so many messages behind on average. 0: they go by their own acknowledgements alone, of which QoS 0
/// has none.
/// </param>
internal sealed record Manner(
    Func<int, string> Topic, Func<int, IEnumerable<string>> Filters, byte QualityOfService = 1, bool Retains = false, int Behind = 0)
{
    /// <summary>Messages of people in the rooms of the server.</summary>
    public static Manner Talk { get; } = new(RoomTopic.Of, room => [RoomTopic.Of(room)]);
}
