using WebMessenger.Broker.Settings;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// Which topics have sparklines: so many of a room, and so many of all. Those that were published longest ago make room, if not within the
/// hour.
/// </summary>
/// <remarks>
/// Thread-safe. Its lock is a leaf, taken when a topic gets or loses its lines, and once in ten minutes of each topic: orders are true to
/// ten minutes.
/// </remarks>
internal sealed class Sparklines(BrokerLimits limits, long memory)
{
    private const int ShareOfProcess = 16;

    /// <summary>Ten minutes, six times: what was published since makes no room for others.</summary>
    private const int InUse = 6;

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly LinkedList<Sparkline> _byAge = new();
    private readonly int _most = MostOf(limits, memory);

    public Sparklines(BrokerLimits limits)
        : this(limits, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)
    {
    }

    /// <summary>Of a room; 0: none.</summary>
    public int MostOfRoom { get; } = limits.SparklinesPerRoom;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _byAge.Count;
            }
        }
    }

    /// <summary>A topic gets its lines, and another one loses its own where there are as many as there may be.</summary>
    /// <param name="bucket">The ten minutes of now.</param>
    /// <returns>False: there is no place, for those of others are in use.</returns>
    public bool TryAdd(Sparkline line, long bucket)
    {
        lock (_gate)
        {
            var room = line.Room;
            if (/* guard: sparklines of a room */ room.ByAge.Count >= MostOfRoom)
            {
                // Else of more topics than there are places, by turns, none would keep its line until it is said again.
                if ((/* guard: sparklines of a room that are in use */ room.ByAge.First!.Value.Last > bucket - InUse)
                    || room.ByAge.First.Value.Last > line.Last)
                {
                    return false;
                }

                Drop(room.ByAge.First!.Value);
            }

            if (/* guard: sparklines of all rooms */ _byAge.Count >= _most)
            {
                // Else whoever invents topics would push out those of all others.
                var oldest = _byAge.First?.Value;
                if (/* guard: sparklines of others that are in use */ oldest!.Last > bucket - InUse)
                {
                    oldest = room.ByAge.First?.Value;
                }

                // One that is read from disk takes the place of none that is newer.
                if (oldest is null || oldest.Last > line.Last)
                {
                    return false;
                }

                Drop(oldest);
            }

            // One that was read from disk is as old as its newest point.
            Add(_byAge, line.OnServer);
            Add(room.ByAge, line.InRoom);
            room.Put(line);
            return true;
        }
    }

    /// <summary>It was published just now.</summary>
    public void Touch(Sparkline line)
    {
        lock (_gate)
        {
            if (line.OnServer.List is not null)
            {
                Unlink(line);
                _byAge.AddLast(line.OnServer);
                line.Room.ByAge.AddLast(line.InRoom);
            }
        }
    }

    /// <summary>The topic has no lines any more, and its record goes.</summary>
    public void Remove(Sparkline line)
    {
        lock (_gate)
        {
            if (line.OnServer.List is not null)
            {
                Drop(line);
            }
        }
    }

    // Under the gate.
    private static void Drop(Sparkline line)
    {
        Unlink(line);
        line.Room.Take(line);
    }

    private static void Add(LinkedList<Sparkline> byAge, LinkedListNode<Sparkline> node)
    {
        var before = byAge.Last;
        while (before?.Value.Last > node.Value.Last)
        {
            before = before.Previous;
        }

        if (before is null)
        {
            byAge.AddFirst(node);
        }
        else
        {
            byAge.AddAfter(before, node);
        }
    }

    private static void Unlink(Sparkline line)
    {
        line.OnServer.List!.Remove(line.OnServer);
        line.InRoom.List!.Remove(line.InRoom);
    }

    private static int MostOf(BrokerLimits limits, long memory)
    {
        var held = (int)Math.Clamp(memory / ShareOfProcess / Sparkline.MostBytes, 1, int.MaxValue);
        return limits.Sparklines == 0 ? held : Math.Min(limits.Sparklines, held);
    }
}
