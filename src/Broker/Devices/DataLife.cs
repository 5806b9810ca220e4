using WebMessenger.Broker.Nodes;

namespace WebMessenger.Broker.Devices;

/// <summary>The memory of data topics in a house of several nodes: there is some only while they are this node's.</summary>
internal sealed class DataLife : IDataHomePart
{
    private readonly DataSpaces _spaces;
    private readonly RetainedRooms _retained;

    public DataLife(DataSpaces spaces, RetainedRooms retained)
    {
        (_spaces, _retained) = (spaces, retained);
        spaces.IsHere = false;
    }

    /// <summary>All else stands on it.</summary>
    public int Order => 0;

    /// <summary>A room's are read when they are first asked for.</summary>
    public Task BeginAsync()
    {
        _spaces.IsHere = true;
        return Task.CompletedTask;
    }

    public async Task EndAsync(bool isLost)
    {
        if (!isLost)
        {
            await _retained.SaveAsync();
            await _spaces.Logs.SaveAsync();
        }

        _spaces.IsHere = false;
        _spaces.LetGo();
        _retained.LetGo();
    }
}
