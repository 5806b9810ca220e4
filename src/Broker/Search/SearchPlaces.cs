namespace WebMessenger.Broker.Search;

/// <summary>
/// The places for searches that are under way at once: one for an account, and for all guests together no more than half of them.
/// </summary>
/// <remarks>
/// A new guest costs nothing, so guests wait behind everybody else, and many of them take searching from nobody.
/// Thread-safe. Those who wait are woken outside of <c>_gate</c>.
/// </remarks>
internal sealed class SearchPlaces(int most)
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _searching = [];

    // In the order in which they came; members before guests.
    private readonly LinkedList<Waiter> _members = [];
    private readonly LinkedList<Waiter> _guests = [];
    private int _guestsSearching;

    /// <summary>False: there was no place for so long.</summary>
    public async Task<bool> EnterAsync(string accountId, bool isGuest, TimeSpan patience, CancellationToken cancellation)
    {
        Waiter waiter = new(accountId, isGuest);
        var line = isGuest ? _guests : _members;
        lock (_gate)
        {
            if (TryTake(waiter))
            {
                return true;
            }

            line.AddLast(waiter);
        }

        try
        {
            await waiter.Entered.Task.WaitAsync(patience, cancellation);
            return true;
        }
        catch (TimeoutException)
        {
            // It may have come to its turn just now.
            return !TryGiveUp(waiter, line);
        }
        catch (OperationCanceledException)
        {
            if (!TryGiveUp(waiter, line))
            {
                Leave(accountId, isGuest);
            }

            throw;
        }
    }

    public void Leave(string accountId, bool isGuest)
    {
        List<Waiter> entered = [];
        lock (_gate)
        {
            _searching.Remove(accountId);
            _guestsSearching -= isGuest ? 1 : 0;
            foreach (var line in new[] { _members, _guests })
            {
                for (var node = line.First; node is not null && _searching.Count < most;)
                {
                    var next = node.Next;
                    if (TryTake(node.Value))
                    {
                        line.Remove(node);
                        entered.Add(node.Value);
                    }

                    node = next;
                }
            }
        }

        entered.ForEach(one => one.Entered.SetResult());
    }

    // Under _gate.
    private bool TryTake(Waiter one)
    {
        if (_searching.Count >= most
            || (one.IsGuest && (/* guard: searches of guests at once */ _guestsSearching >= Math.Max(1, most / 2)))
            || !(/* guard: searches of one account at once */ _searching.Add(one.AccountId)))
        {
            return false;
        }

        _guestsSearching += one.IsGuest ? 1 : 0;
        return true;
    }

    private bool TryGiveUp(Waiter one, LinkedList<Waiter> line)
    {
        lock (_gate)
        {
            return line.Remove(one);
        }
    }

    private sealed class Waiter(string accountId, bool isGuest)
    {
        public string AccountId => accountId;

        public bool IsGuest => isGuest;

        public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
