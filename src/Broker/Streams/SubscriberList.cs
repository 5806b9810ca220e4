namespace WebMessenger.Broker.Streams;

/// <summary>The subscribers of one stream. Putting, replacing and removing one costs the same however many there are.</summary>
/// <remarks>
/// Changed under the stream's gate; read without a lock, also meanwhile. A reader goes through the places of one array:
/// one that is given up is empty from then on and is not used again in that array, so nobody is passed over or met twice.
/// When half of the places are empty, those that are not move into a new array.
/// </remarks>
internal sealed class SubscriberList
{
    /// <summary>Up to so many are found by looking at each.</summary>
    private const int Few = 16;

    private volatile Places _places = new([], 0, 0);

    // Null: there are few.
    private Dictionary<IMember, int>? _index;

    /// <summary>As they are now.</summary>
    public Subscribers Now
    {
        get
        {
            var places = _places;
            return new Subscribers(places.Items.AsSpan(0, places.Used), places.Count);
        }
    }

    /// <summary>Places that were looked at or copied so far; for tests of what a change costs.</summary>
    public long Steps { get; private set; }

    /// <summary>Null: it has no place. Under the gate.</summary>
    public Subscriber? Find(IMember member) => IndexOf(member) is >= 0 and var index ? _places.Items[index] : null;

    /// <summary>Puts a client's place, replaces it, or (null) removes it. Under the gate.</summary>
    public void Put(IMember member, Subscriber? subscriber)
    {
        var index = IndexOf(member);
        var places = _places;
        if (index < 0)
        {
            if (subscriber is not null)
            {
                Add(member, subscriber);
            }
        }
        else if (subscriber is not null)
        {
            Volatile.Write(ref places.Items[index], subscriber);
        }
        else
        {
            Volatile.Write(ref places.Items[index], null);
            _index?.Remove(member);
            _places = places with { Count = places.Count - 1 };
            if ((places.Count - 1) * 2 <= places.Used)
            {
                Move(places.Count - 1);
            }
        }
    }

    private int IndexOf(IMember member)
    {
        if (_index is not null)
        {
            return _index.GetValueOrDefault(member, -1);
        }

        var places = _places;
        Steps += places.Used;
        for (var i = 0; i < places.Used; i++)
        {
            if (places.Items[i] is { } subscriber && ReferenceEquals(subscriber.Member, member))
            {
                return i;
            }
        }

        return -1;
    }

    private void Add(IMember member, Subscriber subscriber)
    {
        if (_places.Used == _places.Items.Length)
        {
            Move(Math.Max(4, _places.Count * 2));
        }

        var places = _places;
        Volatile.Write(ref places.Items[places.Used], subscriber);
        _index?.Add(member, places.Used);

        // Who sees the number sees what it counts.
        _places = places with { Used = places.Used + 1, Count = places.Count + 1 };
        if (_index is null && _places.Count > Few)
        {
            Index();
        }
    }

    private void Move(int room)
    {
        var places = _places;
        Steps += places.Used;
        var items = new Subscriber?[room];
        var used = 0;
        foreach (var subscriber in Now)
        {
            items[used++] = subscriber;
        }

        _places = new Places(items, used, used);
        _index = null;
        if (used > Few)
        {
            Index();
        }
    }

    private void Index()
    {
        var places = _places;
        Steps += places.Used;
        _index = new Dictionary<IMember, int>(places.Items.Length, ReferenceEqualityComparer.Instance);
        for (var i = 0; i < places.Used; i++)
        {
            if (places.Items[i] is { } subscriber)
            {
                _index[subscriber.Member] = i;
            }
        }
    }

    /// <param name="Used">Places from the first on that are or were somebody's.</param>
    /// <param name="Count">Those that are.</param>
    private sealed record Places(Subscriber?[] Items, int Used, int Count);
}

/// <summary>Subscribers as they were at one moment; those who have gone since are left out.</summary>
internal readonly ref struct Subscribers(ReadOnlySpan<Subscriber?> places, int count)
{
    private readonly ReadOnlySpan<Subscriber?> _places = places;

    public int Length => count;

    public Enumerator GetEnumerator() => new(_places);

    public Subscriber[] ToArray()
    {
        List<Subscriber> all = new(count);
        foreach (var subscriber in this)
        {
            all.Add(subscriber);
        }

        return [.. all];
    }

    public ref struct Enumerator(ReadOnlySpan<Subscriber?> places)
    {
        private readonly ReadOnlySpan<Subscriber?> _places = places;
        private int _next;

        public Subscriber Current { get; private set; } = null!;

        public bool MoveNext()
        {
            while (_next < _places.Length)
            {
                if (_places[_next++] is { } subscriber)
                {
                    Current = subscriber;
                    return true;
                }
            }

            return false;
        }
    }
}
