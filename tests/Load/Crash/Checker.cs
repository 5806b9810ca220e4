using System.Globalization;

namespace WebMessenger.Load.Crash;

/// <summary>What a checked run came to.</summary>
/// <param name="Repeated">Deliveries to durable listeners of what they had got before, which is allowed.</param>
/// <param name="LongestRepeat">The most events that came again in one stretch.</param>
internal sealed record Verdict(IReadOnlyList<Fault> Faults, long Deliveries, long Repeated, long LongestRepeat);

/// <summary>Compares what clients did and saw with the log that is left, and names every promise that was broken.</summary>
internal sealed class Checker
{
    private readonly CrashRecord _record;
    private readonly Dictionary<int, StoredRoom> _rooms;
    private readonly List<Fault> _faults;
    private long _deliveries;
    private long _repeated;
    private long _longestRepeat;

    private Checker(CrashRecord record, IReadOnlyList<StoredRoom> rooms)
    {
        _record = record;
        _rooms = rooms.ToDictionary(room => room.Room);
        _faults = [.. record.Noticed];
    }

    public static Verdict Check(CrashRecord record, IReadOnlyList<StoredRoom> rooms)
    {
        Checker checker = new(record, rooms);
        foreach (var room in rooms)
        {
            checker.CheckNumbers(room);
        }

        checker.CheckMessages();
        foreach (var hearing in record.Hearings)
        {
            checker.CheckHearing(hearing);
        }

        return new Verdict(checker._faults, checker._deliveries, checker._repeated, checker._longestRepeat);
    }

    private void CheckNumbers(StoredRoom room)
    {
        long last = 0;
        foreach (var stored in room.Events)
        {
            if (stored.Seq != last + 1)
            {
                Found(FaultKind.Hole, $"room {room.Room}: {stored.Seq} comes after {last}");
            }

            if (stored.Epoch != room.Epoch)
            {
                Found(FaultKind.Hole, $"room {room.Room}: {stored.Seq} is of epoch {stored.Epoch}, the log of {room.Epoch}");
            }

            last = stored.Seq;
        }

        if (last != room.Head)
        {
            Found(FaultKind.Hole, $"room {room.Room}: the last event is {last}, the head is said to be {room.Head}");
        }
    }

    private void CheckMessages()
    {
        var said = _record.Said.ToDictionary(one => one.Text);
        Dictionary<string, (StoredRoom Room, StoredEvent Event)> found = [];
        HashSet<string> ids = [];
        Dictionary<(int Publisher, int Room), int> lastOf = [];
        foreach (var (room, stored) in _rooms.Values.SelectMany(room => room.Events.Where(stored => stored.IsMessage).Select(stored => (room, stored))))
        {
            var where = $"{stored.Id} in room {room.Room} under {stored.Seq}";
            if (!ids.Add(stored.Id))
            {
                Found(FaultKind.StoredTwice, where);
            }

            if (!said.TryGetValue(stored.Text, out var meant))
            {
                Found(FaultKind.NeverSaid, where);
                continue;
            }

            if (!found.TryAdd(meant.Id, (room, stored)))
            {
                Found(FaultKind.StoredTwice, $"{where}, which says the same as {meant.Id}");
                continue;
            }

            if (meant.Room != room.Room || meant.User != stored.User || (meant.HasId && meant.Id != stored.Id))
            {
                Found(FaultKind.NeverSaid, where);
            }

            if (lastOf.TryGetValue((meant.Publisher, meant.Room), out var last) && meant.Number < last)
            {
                Found(FaultKind.StoredOutOfOrder, $"{where}, behind the publisher's number {last}");
            }

            lastOf[(meant.Publisher, meant.Room)] = meant.Number;
        }

        foreach (var acknowledged in _record.Acknowledged)
        {
            if (!found.TryGetValue(acknowledged.Id, out var stored))
            {
                Found(FaultKind.AcknowledgedLost, acknowledged.Id);
            }
            else if (acknowledged.Seq > 0 && (acknowledged.Seq != stored.Event.Seq || acknowledged.Epoch != stored.Room.Epoch))
            {
                Found(FaultKind.WrongNumber, $"{acknowledged.Id} was acknowledged under {acknowledged.Epoch}/{acknowledged.Seq} and is stored under {stored.Room.Epoch}/{stored.Event.Seq}");
            }
        }
    }

    private void CheckHearing(Hearing hearing)
    {
        Dictionary<int, Progress> progress = _rooms.Keys.ToDictionary(room => room, _ => new Progress());
        var isSubscribed = false;
        foreach (var moment in hearing.Moments)
        {
            switch (moment.Kind)
            {
                case MomentKind.Connected or MomentKind.Resumed:
                    if (hearing.IsDurable && isSubscribed && moment.Kind == MomentKind.Connected)
                    {
                        Found(FaultKind.SessionLost, $"{hearing.Name} came back and had no session");
                    }

                    foreach (var one in progress.Values)
                    {
                        (one.InConnection, one.Stretch) = (0, 0);
                    }

                    break;
                case MomentKind.Subscribed:
                    isSubscribed = true;
                    progress[moment.Room].LetGo = Math.Max(progress[moment.Room].LetGo, moment.Seq);
                    break;
                case MomentKind.Acknowledged:
                    progress[moment.Room].LetGo = Math.Max(progress[moment.Room].LetGo, moment.Seq);
                    break;
                case MomentKind.Reset:
                    Found(FaultKind.ResetForNothing, $"{hearing.Name}, room {moment.Room}: epoch {moment.Epoch}, head {moment.Seq}");
                    break;
                case MomentKind.Event:
                    _deliveries++;
                    CheckContent(hearing, moment);
                    CheckPlace(hearing, moment, isSubscribed, progress[moment.Room]);
                    break;
            }
        }

        foreach (var (room, one) in progress)
        {
            var head = _rooms[room].Head;
            if (one.Last < head && !(hearing.IsDurable && one.LetGo >= head))
            {
                Found(FaultKind.Missed, $"{hearing.Name}, room {room}: everything after {one.Last}; the log ends with {head}");
            }
        }
    }

    private void CheckContent(Hearing hearing, in Moment moment)
    {
        var room = _rooms[moment.Room];
        var stored = moment.Seq >= 1 && moment.Seq <= room.Events.Count ? room.Events[(int)moment.Seq - 1] : null;
        if (stored is null || stored.Seq != moment.Seq)
        {
            // With holes in the log a seq is not where it should be: look again.
            var wanted = moment.Seq;
            stored = room.Events.FirstOrDefault(one => one.Seq == wanted);
        }

        if (stored is null)
        {
            Found(FaultKind.DeliveredBeforeDurable, $"{hearing.Name}, room {moment.Room}: {moment.Seq} is not in the log, which ends with {room.Head}");
        }
        else if (stored.Epoch != moment.Epoch || stored.Content != moment.Content)
        {
            Found(FaultKind.DeliveredBeforeDurable, $"{hearing.Name}, room {moment.Room}: {moment.Epoch}/{moment.Seq} is in the log as another event");
        }
    }

    private void CheckPlace(Hearing hearing, in Moment moment, bool isSubscribed, Progress progress)
    {
        var seq = moment.Seq;
        var who = string.Create(CultureInfo.InvariantCulture, $"{hearing.Name}, room {moment.Room}: {seq}");
        if (!hearing.IsDurable)
        {
            if (seq == progress.Last)
            {
                Found(FaultKind.Repeated, $"{who} came again");
            }
            else if (seq < progress.Last)
            {
                Found(FaultKind.OutOfOrder, $"{who} came after {progress.Last}");
            }
            else if (seq > progress.Last + 1)
            {
                Found(FaultKind.Missed, $"{who} came when {progress.Last + 1} was next");
            }
        }
        else if (progress.InConnection == 0)
        {
            // Where it began is known, at the latest, when it is said to be subscribed.
            if (isSubscribed && seq > progress.LetGo + 1)
            {
                Found(FaultKind.Missed, $"{who} came first in a connection, and {progress.LetGo + 1} had not been let go of");
            }
        }
        else if (seq <= progress.InConnection)
        {
            Found(FaultKind.OutOfOrder, $"{who} came after {progress.InConnection} in one connection");
        }
        else if (seq > progress.InConnection + 1)
        {
            Found(FaultKind.Missed, $"{who} came when {progress.InConnection + 1} was next in the connection");
        }

        if (hearing.IsDurable && seq <= progress.Last)
        {
            _repeated++;
            _longestRepeat = Math.Max(_longestRepeat, ++progress.Stretch);
        }

        progress.InConnection = seq;
        progress.Last = Math.Max(progress.Last, seq);
    }

    private void Found(FaultKind kind, string what) => _faults.Add(new Fault(kind, what));

    /// <summary>Where one listener is in one room.</summary>
    private sealed class Progress
    {
        /// <summary>The highest seq that came.</summary>
        public long Last { get; set; }

        /// <summary>The seq that came last in this connection; 0: none yet.</summary>
        public long InConnection { get; set; }

        /// <summary>So many came again in this connection.</summary>
        public long Stretch { get; set; }

        /// <summary>Up to here, nothing need come any more.</summary>
        public long LetGo { get; set; }
    }
}
