using System.Collections.Concurrent;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Devices;

/// <summary>How much memory the retained values of all rooms take together, and how much they, and those of one room, may.</summary>
/// <remarks>
/// <para>When it is full, rooms of who holds more than his share are let go, and then those whose values nobody has asked for lately,
/// first of the owner whose rooms take most: they are read again when somebody asks. When there is none, nothing more is taken in.</para>
/// Thread-safe, without a lock.
/// </remarks>
/// <param name="bound">Bytes of all rooms together.</param>
/// <param name="rooms">All whose values are, or may be, in memory.</param>
internal sealed class RetainedMemory(BrokerLimits limits, long bound, Func<IEnumerable<RetainedValues>> rooms, TimeProvider time)
{
    /// <summary>Values that were asked for since are not let go: else two rooms could push out each other with each request.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(10);

    // What a record, and a level that leads to nothing else, take in the tree.
    private const int BesideRecord = 100;
    private const int BesideLevel = 80;
    private const int ShareOfProcess = 8;
    private const long Largest = 512L << 20;

    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, RetainedHolding> _holdings = new();
    private readonly long _share = limits.RetainedAccountPercent > 0 ? bound / 100 * limits.RetainedAccountPercent : long.MaxValue;
    private long _now;

    // 0: never.
    private long _lastLook;

    public long Now => Volatile.Read(ref _now);

    public static long BoundOf(BrokerLimits limits) => limits.RetainedMegabytes > 0
        ? (long)limits.RetainedMegabytes << 20
        : Math.Min(Largest, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / ShareOfProcess);

    /// <summary>What a value takes at most beside its own bytes, with all levels that lead to it.</summary>
    public static int BesideOf(string topic) => BesideRecord + (BesideLevel * (1 + topic.AsSpan().Count('/')));

    public void Take(long bytes) => Interlocked.Add(ref _now, bytes);

    public void Give(long bytes) => Take(-bytes);

    /// <summary>What the rooms of one account, or one room that is nobody's, take together.</summary>
    public RetainedHolding Of(string holder) => _holdings.GetOrAdd(holder, static _ => new RetainedHolding());

    /// <summary>Whether one room holds as many values as it may.</summary>
    public bool IsFull(int values) => limits.RetainedPerRoom > 0 && values >= limits.RetainedPerRoom;

    /// <summary>Whether one room would hold more bytes than it may.</summary>
    public bool IsFull(long bytes) => limits.RetainedMegabytesPerRoom > 0 && bytes > (long)limits.RetainedMegabytesPerRoom << 20;

    /// <summary>Whether a value may become so much larger. A look, and no more.</summary>
    public bool HasRoom(long more) => Now + more <= bound;

    /// <summary>Whether the rooms of one account may take so much more.</summary>
    public bool HasShare(RetainedHolding holder, long more) => holder.Now + more <= _share;

    /// <summary>Whether a room that is being read may stay. One alone always may: it keeps to the bounds of a room.</summary>
    /// <param name="bytes">What was read of it, which is taken and not in the holding yet.</param>
    public bool HasRoomForRoom(long bytes)
    {
        bool Has() => Now <= bound || Now <= bytes;
        if (Has())
        {
            return true;
        }

        LetGo(more: 0);
        return Has();
    }

    /// <summary>
    /// The same, for whoever has other rooms in memory: beyond his share only while nobody else needs it. He may be read no sooner than
    /// <see cref="KeptFor"/> later: else his rooms would be read and let go by turns.
    /// </summary>
    public bool HasShareForRoom(RetainedHolding holder, long bytes)
    {
        bool Has() => holder.Now == 0 || HasShare(holder, bytes) || Now <= bound / 4 * 3;
        if (Has())
        {
            return true;
        }

        foreach (var room in rooms().Where(room => room.IsOpen && room.Holding == holder && room.Unused >= KeptFor))
        {
            room.TryLetGo();
        }

        return Has();
    }

    /// <summary>Lets rooms go while there is still room, so that nobody is refused for values that nobody asks for.</summary>
    /// <param name="more">Bytes that are about to be taken.</param>
    public void MakeRoom(long more)
    {
        var last = Volatile.Read(ref _lastLook);
        if (Now + more > bound / 8 * 7
            && (last == 0 || time.GetElapsedTime(last) >= s_betweenLooks)
            && Interlocked.CompareExchange(ref _lastLook, time.GetTimestamp(), last) == last)
        {
            LetGo(more);
        }
    }

    private void LetGo(long more)
    {
        // Each looked at once: a room is given to another account, and grows, meanwhile.
        List<(RetainedValues Room, string Holder, long Taken)> open =
            [.. rooms().Where(room => room.IsOpen).Select(room => (room, room.Holder, room.Taken))];
        var owned = open.GroupBy(one => one.Holder).ToDictionary(owner => owner.Key, owner => owner.Sum(one => one.Taken));
        foreach (var owner in owned.Keys.Where(owner => owned[owner] > _share).OrderByDescending(owner => owned[owner]).ToList())
        {
            // Used or not: whoever uses all that he has would else keep it from everybody else for ever.
            foreach (var (room, _, taken) in open.Where(one => one.Holder == owner).OrderByDescending(one => one.Room.Unused))
            {
                if (Now + more > bound / 4 * 3 && /* guard: rooms of who holds more than his share are let go */ owned[owner] > _share && room.TryLetGo())
                {
                    owned[owner] -= taken;
                }
            }
        }

        var unused = open.Where(one => one.Room.Unused >= KeptFor).GroupBy(one => one.Holder).ToDictionary(
            owner => owner.Key,
            owner => new Queue<(RetainedValues Room, string Holder, long Taken)>(owner.OrderByDescending(one => one.Room.Unused)));
        while (Now + more > bound / 4 * 3 && unused.Count > 0)
        {
            // By turns, for each that goes leaves its owner with less: so one account's full rooms do not push out those of others.
            var owner = /* guard: rooms of who holds most of the memory go first */ unused.Keys.MaxBy(owner => owned[owner])!;
            var (room, _, taken) = unused[owner].Dequeue();
            owned[owner] -= room.TryLetGo() ? taken : 0;
            if (unused[owner].Count == 0)
            {
                unused.Remove(owner);
            }
        }
    }
}

/// <summary>Bytes of retained values that one account's rooms have in memory. Thread-safe.</summary>
internal sealed class RetainedHolding
{
    private long _now;

    public long Now => Volatile.Read(ref _now);

    /// <param name="bytes">Below zero: they are given back.</param>
    public void Add(long bytes) => Interlocked.Add(ref _now, bytes);
}
