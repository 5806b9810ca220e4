namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Gives the clients of an account whose ban is over the place that they still ask for: whoever watches the info of a public room hears
/// it again without subscribing again.
/// </summary>
/// <remarks>
/// Thread-safe. It carries no right: whoever asks for one looks at the clock. One timer is set for the next end; there are as many ends
/// as there are bans.
/// </remarks>
internal sealed class BanEnds(RoomDirectory directory, IRoomClients clients, TimeProvider time) : IDisposable
{
    // A timer takes 49 days at most, and the clock may be set meanwhile.
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Room, string Account), DateTimeOffset> _untils = [];
    private readonly SortedSet<(DateTimeOffset Until, string Room, string Account)> _next = new(
        Comparer<(DateTimeOffset Until, string Room, string Account)>.Create(static (one, other) =>
            one.Until != other.Until ? one.Until.CompareTo(other.Until)
            : one.Room != other.Room ? string.CompareOrdinal(one.Room, other.Room)
            : string.CompareOrdinal(one.Account, other.Account)));

    private ITimer? _timer;
    private bool _isOver;

    /// <summary>How many ends it waits for.</summary>
    internal int Count => _next.Count;

    /// <summary>The account's ban from the room ends then; null: there is none, or it has no end.</summary>
    /// <param name="room">Its key.</param>
    public void Set(string room, string account, DateTimeOffset? until)
    {
        lock (_gate)
        {
            if (_untils.Remove((room, account), out var before))
            {
                _next.Remove((before, room, account));
            }

            if (until is { } end)
            {
                _untils[(room, account)] = end;
                _next.Add((end, room, account));
            }

            Arm();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            _timer?.Dispose();
        }
    }

    // Under the gate.
    private void Arm()
    {
        if (_isOver || _next.Count == 0)
        {
            return;
        }

        var wait = _next.Min.Until - time.GetUtcNow();
        wait = wait < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : wait > LongestWait ? LongestWait : wait;
        if (_timer is null)
        {
            _timer = time.CreateTimer(static ends => ((BanEnds)ends!).Tick(), this, wait, Timeout.InfiniteTimeSpan);
        }
        else
        {
            _timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    private void Tick()
    {
        List<(DateTimeOffset Until, string Room, string Account)> over = [];
        lock (_gate)
        {
            var now = time.GetUtcNow();
            while (_next.Count > 0 && _next.Min is var next && next.Until <= now)
            {
                _next.Remove(next);
                _untils.Remove((next.Room, next.Account));
                over.Add(next);
            }

            Arm();
        }

        foreach (var (_, room, account) in over)
        {
            _ = PlaceAsync(room, account);
        }
    }

    // Never throws. Who is banned anew meanwhile is placed once more by that, after this: each looks at the rights of its own moment.
    private async Task PlaceAsync(string roomKey, string account)
    {
        if (directory.FindByKey(roomKey) is not { IsDeleted: false } room || !clients.IsConnected(account))
        {
            return;
        }

        try
        {
            await room.OpenAsync();
            clients.Place(account, room, replay: true);
        }
        catch (IOException)
        {
            // What cannot be read has no places: the client is refused when it subscribes, as everybody is.
        }
    }
}
