namespace WebMessenger.Broker.Rooms;

/// <summary>Rooms whose rules keep less than before: what is not kept any more is to go soon.</summary>
/// <remarks>Thread-safe. Of a room that is noted again before it was taken there is one.</remarks>
internal sealed class ShortenedRooms
{
    private readonly Lock _gate = new();
    private HashSet<Room> _rooms = [];
    private TaskCompletionSource _noted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Note(Room room)
    {
        lock (_gate)
        {
            _rooms.Add(room);
            _noted.TrySetResult();
        }
    }

    /// <summary>Completes when there is one.</summary>
    public Task WhenNotedAsync()
    {
        lock (_gate)
        {
            return _noted.Task;
        }
    }

    public IReadOnlyCollection<Room> Take()
    {
        lock (_gate)
        {
            var taken = _rooms;
            (_rooms, _noted) = ([], new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            return taken;
        }
    }
}
