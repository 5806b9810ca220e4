namespace WebMessenger.Broker.Archives;

/// <summary>Places of what is done with files of rooms: one of an account, and so many in all.</summary>
/// <remarks>Thread-safe. Who comes when all are taken is refused at once: it may last an hour.</remarks>
/// <param name="most">0: no limit.</param>
internal class ArchivePlaces(int most)
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _taken = [];

    /// <summary>Null: they are taken. Dispose of it when done.</summary>
    public IDisposable? TryTake(string accountId)
    {
        lock (_gate)
        {
            return (/* guard: files of rooms at once */ most > 0 && _taken.Count >= most) || !(/* guard: one file of a room at once for an account */ _taken.Add(accountId))
                ? null : new Place(this, accountId);
        }
    }

    private void Give(string accountId)
    {
        lock (_gate)
        {
            _taken.Remove(accountId);
        }
    }

    private sealed class Place(ArchivePlaces of, string accountId) : IDisposable
    {
        private int _isGiven;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isGiven, 1) == 0)
            {
                of.Give(accountId);
            }
        }
    }
}
