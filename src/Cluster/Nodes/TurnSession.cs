using System.Threading.Channels;
using Npgsql;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Cluster.Nodes;

/// <summary>One connection to the database, and the advisory locks that it holds: locks are the connection's, and end with it.</summary>
/// <remarks>
/// Commands go one round trip after the other, as many in each as wait. If the connection ends while turns are held, they are taken again
/// before anything else; whoever finds that somebody else has got one of them meanwhile ends. Thread-safe.
/// </remarks>
internal sealed class TurnSession : IAsyncDisposable
{
    private const int CommandsInTrip = 64;

    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(500);

    // After the database was away, who had a turn takes it again before anybody takes new ones. All nodes have seen it away.
    private static readonly TimeSpan _rest = TimeSpan.FromSeconds(2);

    private readonly Channel<Wish> _wishes = Channel.CreateUnbounded<Wish>(new() { SingleReader = true });
    private readonly List<LockKey> _held = [];
    private readonly string _text;
    private readonly Action<string> _lost;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private NpgsqlConnection? _connection;
    private volatile CancellationTokenSource? _waiting;
    private int _process;
    private TimeSpan _newFrom;

    /// <param name="text">How to connect; of a session that waits for locks, its commands wait without end.</param>
    /// <param name="lost">Called when somebody else has a turn that was held here.</param>
    public TurnSession(string text, Action<string> lost)
    {
        (_text, _lost) = (text, lost);
        _running = Task.Run(RunAsync);
    }

    private enum Deed
    {
        Try,
        Wait,
        Release,
    }

    /// <summary>Takes the lock if it is had at once.</summary>
    /// <returns>The journal's last number, read when it was taken; null: somebody else has it.</returns>
    /// <exception cref="IOException">The database is not there.</exception>
    public Task<long?> TryAsync(LockKey key) => DoAsync(Deed.Try, key);

    /// <summary>Waits for the lock. Meanwhile this session does nothing else, so it must hold none.</summary>
    /// <inheritdoc cref="TryAsync" path="/exception"/>
    public async Task<long> WaitAsync(LockKey key) => (await DoAsync(Deed.Wait, key))!.Value;

    /// <summary>The database was away: if this session waits for a lock, its connection may be dead without a word. It waits by another
    /// one.</summary>
    public void Renew()
    {
        try
        {
            _waiting?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has not waited any longer.
        }
    }

    /// <summary>Completes when others may have it. Never fails.</summary>
    public async Task ReleaseAsync(LockKey key)
    {
        try
        {
            await DoAsync(Deed.Release, key);
        }
        catch (IOException)
        {
            // It ends with the connection, which this node's end closes.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _wishes.Writer.TryComplete();
        await _running;
        _stop.Dispose();
    }

    private Task<long?> DoAsync(Deed deed, LockKey key)
    {
        Wish wish = new(deed, key, new(TaskCreationOptions.RunContinuationsAsynchronously));
        return _wishes.Writer.TryWrite(wish)
            ? wish.Done.Task
            : Task.FromException<long?>(StoreUnavailableException.OfDatabase("This node is stopping."));
    }

    private async Task RunAsync()
    {
        List<Wish> trip = [];
        while (await NextAsync(trip))
        {
            // A connection that was not used for a while may have ended unseen: so it is tried twice.
            if (!await TryGoAsync(trip) && !await TryGoAsync(trip))
            {
                trip.ForEach(wish => wish.Done.TrySetException(StoreUnavailableException.OfDatabase("The database is not there: it cannot be said whose turn it is.")));
            }

            trip.Clear();
        }

        await CloseAsync();
        while (_wishes.Reader.TryRead(out var late))
        {
            late.Done.TrySetException(StoreUnavailableException.OfDatabase("This node is stopping."));
        }
    }

    // While turns are held it says now and then that it is there, and so finds out when it is not.
    private async Task<bool> NextAsync(List<Wish> trip)
    {
        using var next = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        if (_held.Count > 0)
        {
            next.CancelAfter(_look);
        }

        try
        {
            await _wishes.Reader.WaitToReadAsync(next.Token);
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        while (trip.Count < CommandsInTrip && _wishes.Reader.TryRead(out var wish))
        {
            trip.Add(wish);
        }

        return !_stop.IsCancellationRequested;
    }

    private async Task<bool> TryGoAsync(List<Wish> trip)
    {
        try
        {
            await OpenAsync();
            if (_newFrom - LeaseClock.Now is { Ticks: > 0 } rest && trip.Any(wish => wish.Deed != Deed.Release))
            {
                await Task.Delay(rest, _stop.Token);
            }

            await GoAsync(trip);
            return true;
        }
        catch (Exception)
        {
            // Whatever it is, what was asked for is not had.
            await CloseAsync();
            foreach (var wish in trip.Where(wish => wish.Deed == Deed.Release))
            {
                _held.Remove(wish.Key);
                wish.Done.TrySetResult(null);
            }

            trip.RemoveAll(wish => wish.Deed == Deed.Release);
            await TakeAgainAsync();
            return false;
        }
    }

    private async Task GoAsync(List<Wish> trip)
    {
        using var renewed = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        if (trip.Any(wish => wish.Deed == Deed.Wait))
        {
            _waiting = renewed;
        }

        await using NpgsqlBatch batch = new(_connection);
        foreach (var (deed, key, _) in trip)
        {
            batch.BatchCommands.Add(new(deed switch { Deed.Try => key.TryTake, Deed.Wait => key.Take, _ => key.Release }));
        }

        // Whoever had the turn before may have died with a commit under way: its row is locked until that is over.
        batch.BatchCommands.Add(new(trip.Any(wish => wish.Deed == Deed.Wait) ? "SELECT n FROM journal_head FOR KEY SHARE" : "SELECT n FROM journal_head"));
        List<bool> taken = [];
        long head;
        await using (var reader = await batch.ExecuteReaderAsync(renewed.Token))
        {
            foreach (var (deed, _, _) in trip)
            {
                await reader.ReadAsync(renewed.Token);
                taken.Add(deed == Deed.Wait || reader.GetBoolean(0));
                await reader.NextResultAsync(renewed.Token);
            }

            await reader.ReadAsync(renewed.Token);
            head = reader.GetInt64(0);
        }

        _waiting = null;

        foreach (var (wish, isTaken) in trip.Zip(taken))
        {
            if (wish.Deed == Deed.Release)
            {
                _held.Remove(wish.Key);
            }
            else if (isTaken)
            {
                _held.Add(wish.Key);
            }

            wish.Done.TrySetResult(isTaken ? head : null);
        }
    }

    private async Task TakeAgainAsync()
    {
        while (_held.Count > 0 && !_stop.IsCancellationRequested)
        {
            try
            {
                await OpenAsync();
                foreach (var key in _held)
                {
                    await using NpgsqlCommand command = new(key.TryTake, _connection);
                    if (await command.ExecuteScalarAsync(_stop.Token) is not true)
                    {
                        _lost("another node has got a turn that this one had, while the database was away");
                        return;
                    }
                }

                return;
            }
            catch (Exception error) when (NodeConnection.IsAway(error))
            {
                await CloseAsync();
                await Task.Delay(_retry);
            }
        }
    }

    private async Task OpenAsync()
    {
        if (_connection is not null)
        {
            return;
        }

        NpgsqlConnection connection = new(_text);
        try
        {
            await connection.OpenAsync(_stop.Token);
            if (_process != 0)
            {
                // If the server has not seen yet that the old connection is over, that still holds what is to be taken again.
                await using NpgsqlCommand old = new(
                    "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE pid = $1 AND application_name = current_setting('application_name')",
                    connection);
                old.Parameters.Add(new() { Value = _process });
                await old.ExecuteNonQueryAsync(_stop.Token);
                _newFrom = LeaseClock.Now + _rest;
            }
        }
        catch (Exception)
        {
            await connection.DisposeAsync();
            throw;
        }

        (_connection, _process) = (connection, connection.ProcessID);
    }

    private async Task CloseAsync()
    {
        if (_connection is { } connection)
        {
            _connection = null;
            try
            {
                await connection.DisposeAsync();
            }
            catch (Exception error) when (NodeConnection.IsAway(error))
            {
                // It is broken, which is why it is closed.
            }
        }
    }

    private sealed record Wish(Deed Deed, LockKey Key, TaskCompletionSource<long?> Done);
}
