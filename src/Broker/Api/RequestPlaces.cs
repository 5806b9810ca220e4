using System.Net;
using WebMessenger.Auth.Limits;

namespace WebMessenger.Broker.Api;

/// <summary>
/// Places for requests under way, of an address, of an IPv6 /48 and in all.
/// When all are taken, the next free one goes to whoever waits and has fewest,
/// and an address that has far more than that loses its oldest request to him.
/// </summary>
/// <remarks>
/// Without that, a few dozen sockets with a hundred requests each, whose answers nobody reads, would keep everybody else out for as long as
/// they are asked for again. Thread-safe: <c>_gate</c> guards all and is a leaf lock; nothing is called under it.
/// </remarks>
/// <param name="places">In all; 0: no limit.</param>
/// <param name="perAddress">Of an address, and a quarter of what a /48 has; 0: no limit.</param>
/// <param name="mostWaiting">
/// Requests that wait, of all addresses together; one address has half of them at most, and the longest queue gives way to who has none.
/// </param>
internal sealed class RequestPlaces(int places, int perAddress, int mostWaiting, TimeProvider time) : IDisposable
{
    /// <summary>A request that is younger is not taken for one that nobody wants to end.</summary>
    public static readonly TimeSpan Young = TimeSpan.FromSeconds(1);

    private const int NetworkShare = 4;

    /// <summary>A holder loses requests while he has more than so many times what he who waits would have.</summary>
    private const int FarMore = 2;

    private const int YieldedInATurn = 64;

    private static readonly TimeSpan TurnPeriod = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly Dictionary<(Origin Origin, bool IsNetwork), Holder> _holders = [];

    // Those who have a request that waits for one of all places, fewest places first.
    private readonly SortedSet<Holder> _waiting = new(Holder.ByNeed);
    private ITimer? _turns;
    private int _taken;
    private int _waitingRequests;
    private long _lastNumber;

    /// <summary>How many requests wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _waitingRequests;
            }
        }
    }

    /// <summary>A place, now or as soon as there is one; null: too many wait already, or <paramref name="patience"/> is over.</summary>
    /// <param name="end">Ends the request, as if its peer had gone: called at most once, by another thread.</param>
    public async ValueTask<Place?> FindAsync(IPAddress? address, Action end, TimeSpan patience, CancellationToken cancellation)
    {
        Request request;
        lock (_gate)
        {
            var holder = HolderOf(address);
            if (holder.Queue.Count == 0 && IsFree(holder))
            {
                return Take(holder, end);
            }

            if (mostWaiting == 0 || holder.Queue.Count >= Math.Max(1, mostWaiting / 2) || (_waitingRequests >= mostWaiting && !TryDisplace(holder)))
            {
                Forget(holder);
                return null;
            }

            request = new Request(holder, end);
            request.Node = holder.Queue.AddLast(request);
            Waits(holder, 1);
            Order(holder);
            _turns ??= time.CreateTimer(static self => ((RequestPlaces)self!).Turn(), this, TurnPeriod, TurnPeriod);
        }

        using CancellationTokenSource tired = new(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(tired.Token, cancellation);
        await using var giveUp = either.Token.UnsafeRegister(_ => GiveUp(request), null);
        return await request.Found.Task;
    }

    public void Dispose() => _turns?.Dispose();

    private void GiveUp(Request request)
    {
        lock (_gate)
        {
            if (request.Node.List is not null)
            {
                Refuse(request);
            }
        }
    }

    // It completes elsewhere, here and where it is served: nothing of the request runs under the gate.
    private void Refuse(Request request)
    {
        var holder = request.Holder;
        TakeOut(request);
        Order(holder);
        Forget(holder);
        request.Found.SetResult(null);
    }

    private void TakeOut(Request request)
    {
        _waiting.Remove(request.Holder);
        request.Holder.Queue.Remove(request.Node);
        Waits(request.Holder, -1);
    }

    private void Release(Place place)
    {
        lock (_gate)
        {
            _taken--;
            var holder = place.Holder;
            _waiting.Remove(holder);
            holder.Places.Remove(place.Node);
            holder.Ending -= place.IsEnding ? 1 : 0;
            if (holder.Network is { } network)
            {
                network.Held--;
            }

            Order(holder);
            Forget(holder);
            while (NextToServe() is { } next)
            {
                var request = next.Queue.First!.Value;
                TakeOut(request);
                request.Found.SetResult(Take(next, request.End));
                Order(next);
            }
        }
    }

    /// <summary>
    /// So many wait that nobody else may, but for whoever has fewer waiting than another, with all of his network:
    /// the newest of the longest queue gives way.
    /// </summary>
    private bool TryDisplace(Holder holder)
    {
        var longest = _waiting.MaxBy(other => other.WaitingOfAll);
        if (longest is null || longest.WaitingOfAll <= holder.WaitingOfAll + 1)
        {
            return false;
        }

        Refuse(longest.Queue.Last!.Value);
        return true;
    }

    private void Waits(Holder holder, int change)
    {
        _waitingRequests += change;
        if (holder.Network is { } network)
        {
            network.Waiting += change;
        }
    }

    private Holder? NextToServe()
    {
        foreach (var holder in _waiting)
        {
            if (IsFree(holder))
            {
                return holder;
            }
        }

        return null;
    }

    /// <summary>Now and then while requests wait: those who hold far more than who waits lose their oldest to him.</summary>
    private void Turn()
    {
        List<Place> yielded = [];
        lock (_gate)
        {
            if (_waitingRequests == 0)
            {
                _turns?.Dispose();
                _turns = null;
                return;
            }

            if (places > 0 && _taken >= places)
            {
                // guard: who has few requests gets a place from who has many
                ChooseYielding(yielded);
            }
        }

        yielded.ForEach(place => place.TryEnd());
    }

    private void ChooseYielding(List<Place> yielded)
    {
        var needy = _waiting.Where(holder => !IsFull(holder)).Take(YieldedInATurn).ToList();
        if (needy.Count == 0)
        {
            return;
        }

        // What was told to end and has not yet makes room for as many of those who wait.
        var ending = _holders.Values.Sum(holder => holder.Ending);
        PriorityQueue<Holder, int> richest = new(_holders.Values.Where(holder => holder.Places.Count > holder.Ending && holder.HeldOfAll > FarMore).Select(holder => (holder, -holder.HeldOfAll)));
        foreach (var holder in needy.Skip(ending))
        {
            if (!richest.TryDequeue(out var rich, out var held) || -held <= FarMore * (holder.HeldOfAll + 1))
            {
                return;
            }

            if (rich.Places.FirstOrDefault(place => !place.IsEnding && time.GetElapsedTime(place.Since) >= Young) is { } oldest)
            {
                oldest.IsEnding = true;
                rich.Ending++;
                yielded.Add(oldest);
                richest.Enqueue(rich, held + 1);
            }
        }
    }

    private bool IsFree(Holder holder) => (places == 0 || _taken < places) && !IsFull(holder);

    private bool IsFull(Holder holder) => (/* guard: requests under way of an address */ perAddress > 0)
        && (holder.Places.Count >= perAddress || /* guard: requests of a network of IPv6 */ holder.Network?.Held >= (long)perAddress * NetworkShare);

    private Place Take(Holder holder, Action end)
    {
        _taken++;
        if (holder.Network is { } network)
        {
            network.Held++;
        }

        Place place = new(this, holder, end, time.GetTimestamp());
        place.Node = holder.Places.AddLast(place);
        return place;
    }

    // Whoever changes what a holder has takes him out of the order before, and puts him in here after.
    private void Order(Holder holder)
    {
        if (holder.Queue.Count > 0)
        {
            _waiting.Remove(holder);
            _waiting.Add(holder);
        }
    }

    private Holder HolderOf(IPAddress? address)
    {
        var key = (Origin.Of(address), false);
        if (_holders.TryGetValue(key, out var holder))
        {
            return holder;
        }

        Holder? network = null;
        if (Origin.TrySite(address, out var site))
        {
            if (!_holders.TryGetValue((site, true), out network))
            {
                _holders[(site, true)] = network = new Holder((site, true), ++_lastNumber, null);
            }

            network.Known++;
        }

        return _holders[key] = new Holder(key, ++_lastNumber, network);
    }

    private void Forget(Holder holder)
    {
        if (holder.Places.Count > 0 || holder.Queue.Count > 0 || !_holders.Remove(holder.Key))
        {
            return;
        }

        if (holder.Network is { } network && --network.Known == 0)
        {
            _holders.Remove(network.Key);
        }
    }

    /// <summary>What a request holds until it is over.</summary>
    internal sealed class Place(RequestPlaces all, Holder holder, Action end, long since) : IDisposable
    {
        private int _isOver;

        public Holder Holder => holder;

        public long Since => since;

        /// <summary>It was told to end, and has not yet.</summary>
        public bool IsEnding { get; set; }

        public LinkedListNode<Place> Node { get; set; } = null!;

        /// <summary>Ends the request, unless it is over by itself.</summary>
        public void TryEnd()
        {
            if (Volatile.Read(ref _isOver) == 0)
            {
                end();
            }
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
            {
                all.Release(this);
            }
        }
    }

    /// <summary>An address, or a /48, of which only what its addresses hold is counted.</summary>
    internal sealed class Holder((Origin Origin, bool IsNetwork) key, long number, Holder? network)
    {
        public static readonly IComparer<Holder> ByNeed = Comparer<Holder>.Create(
            (one, other) => (one.Places.Count, one._number).CompareTo((other.Places.Count, other._number)));

        private readonly long _number = number;

        public (Origin Origin, bool IsNetwork) Key => key;

        public Holder? Network => network;

        /// <summary>Its requests under way, the oldest first.</summary>
        public LinkedList<Place> Places { get; } = new();

        public LinkedList<Request> Queue { get; } = new();

        /// <summary>How many of its places were told to end, and have not yet.</summary>
        public int Ending { get; set; }

        /// <summary>What it holds, with all of its /48.</summary>
        public int HeldOfAll => Network?.Held ?? Places.Count;

        public int WaitingOfAll => Network?.Waiting ?? Queue.Count;

        /// <summary>Of a /48: what its addresses hold, how many of their requests wait, and how many of them are known.</summary>
        public int Held { get; set; }

        public int Waiting { get; set; }

        public int Known { get; set; }
    }

    /// <summary>One that waits.</summary>
    internal sealed class Request(Holder holder, Action end)
    {
        public Holder Holder => holder;

        public Action End => end;

        public TaskCompletionSource<Place?> Found { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public LinkedListNode<Request> Node { get; set; } = null!;
    }
}
