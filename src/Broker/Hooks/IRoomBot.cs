namespace WebMessenger.Broker.Hooks;

/// <summary>What a moderator has made in a room, and what acts by itself from then on: a hook, a rule or a webhook.</summary>
internal interface IRoomBot
{
    string Id { get; }

    /// <summary>Key of its room.</summary>
    string Room { get; }

    /// <summary>Account id of who made it, or took it over.</summary>
    string Maker { get; }

    DateTimeOffset At { get; }
}
