namespace WebMessenger.Broker.Clients;

/// <summary>What became of a publish that was looked at: dealt with, held, or neither yet.</summary>
/// <param name="Until">Null: it is dealt with. Else it is looked at again after the task.</param>
/// <param name="IsHeld">The client is read on meanwhile.</param>
internal readonly record struct Step(Task? Until, bool IsHeld)
{
    public static Step Done => default;

    /// <summary>Nothing of the client is read before.</summary>
    public static Step Wait(Task until) => new(until, false);

    /// <summary>It goes behind what is held, or stays there, and the client is read on.</summary>
    public static Step Hold(Task turn) => new(turn, true);
}
