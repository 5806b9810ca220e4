using WebMessenger.Broker.Nodes;

namespace WebMessenger.Broker.Rules;

/// <content>Rules hear devices, so they run where the data topics are.</content>
internal sealed partial class RoomRules : IDataHomePart
{
    /// <summary>What devices say is said on this node.</summary>
    public bool IsHere => spaces.IsHere;

    int IDataHomePart.Order => 20;

    /// <summary>As at a start: with what is stored of them, they hear what was published meanwhile.</summary>
    async Task IDataHomePart.BeginAsync()
    {
        foreach (var rule in _listeners.Values.Select(listener => listener.Rule).ToList())
        {
            if (rooms.FindByKey(rule.Room) is { } room)
            {
                Listen(rule, room, StatesOf(rule));
            }
        }

        await CatchUpAsync();
    }

    Task IDataHomePart.EndAsync(bool isLost) => Task.CompletedTask;
}
