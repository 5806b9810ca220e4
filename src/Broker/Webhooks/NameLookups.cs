using System.Net;
using WebMessenger.Broker.Limits;

namespace WebMessenger.Broker.Webhooks;

/// <summary>Looks up names that people have written down, on threads of its own.</summary>
/// <remarks>
/// On Linux a look-up holds its thread until the name server answers, or for half a minute if it never does, whoever has given up
/// meanwhile. On threads of the pool that would stop the whole server. So a few are under way at once, one of an account, and who
/// comes then waits in turn. What was found, or not found, is remembered for a minute. Thread-safe.
/// </remarks>
/// <param name="look">Blocks; throws if there is no such name.</param>
internal sealed class NameLookups(Func<string, IPAddress[]> look, TimeProvider time)
{
    private const int AtOnce = 4;
    private const int AtOnceOfAccount = 1;

    /// <summary>Names that are remembered; the oldest go.</summary>
    public const int MostRemembered = 1_000;

    /// <summary>A name that leads to more is not remembered.</summary>
    private const int MostAddresses = 32;

    private static readonly TimeSpan _rememberedFor = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, IPAddress[]> _remembered = new(StringComparer.OrdinalIgnoreCase);

    // In the order in which they were looked up.
    private readonly Queue<(string Name, DateTimeOffset At)> _ages = new();

    public NameLookups(TimeProvider time)
        : this(Dns.GetHostAddresses, time)
    {
    }

    public FairTurns Turns { get; } = new(/* guard: names that are looked up at once */ AtOnce, /* guard: names of an account that are looked up at once */ AtOnceOfAccount);

    /// <param name="account">For whom it is looked up.</param>
    /// <param name="cancellation">Ends the wait alone: a look-up that has begun keeps its turn until it ends.</param>
    /// <returns>Empty: it is not found, or was not a moment ago.</returns>
    public async Task<IPAddress[]> FindAsync(string account, string name, CancellationToken cancellation)
    {
        if (TryRemember(name, out var known))
        {
            return known;
        }

        var turn = await Turns.EnterAsync(account, cancellation);
        if (TryRemember(name, out known))
        {
            turn.Dispose();
            return known;
        }

        TaskCompletionSource<IPAddress[]> found = new(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            new Thread(() => LookUp(name, turn, found)) { IsBackground = true, Name = "Name look-up" }.Start();
        }
        catch
        {
            turn.Dispose();
            throw;
        }

        return await found.Task.WaitAsync(cancellation);
    }

    private void LookUp(string name, IDisposable turn, TaskCompletionSource<IPAddress[]> found)
    {
        IPAddress[] addresses = [];
        try
        {
            addresses = look(name);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // No such name, or nobody who knows it: whoever asks again in a minute may find it.
        }

        // Remembered first: of those who wait for this account's turn, many ask for the same name.
        Remember(name, addresses);
        turn.Dispose();
        found.SetResult(addresses);
    }

    private bool TryRemember(string name, out IPAddress[] addresses)
    {
        lock (_gate)
        {
            while (_ages.TryPeek(out var oldest) && time.GetUtcNow() - oldest.At >= _rememberedFor)
            {
                _remembered.Remove(_ages.Dequeue().Name);
            }

            return _remembered.TryGetValue(name, out addresses!);
        }
    }

    private void Remember(string name, IPAddress[] addresses)
    {
        lock (_gate)
        {
            // Where somebody else's look-up of the same name was faster, its age stands there.
            if ((/* guard: memory: addresses of a name */ addresses.Length > MostAddresses) || !_remembered.TryAdd(name, addresses))
            {
                return;
            }

            _ages.Enqueue((name, time.GetUtcNow()));
            if (/* guard: memory: names that are remembered */ _ages.Count > MostRemembered)
            {
                _remembered.Remove(_ages.Dequeue().Name);
            }
        }
    }
}
