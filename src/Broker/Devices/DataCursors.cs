using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>Where one client that is kept is in the data logs of rooms, and who hears for it while it is away.</summary>
/// <remarks>Thread-safe. <c>_gate</c> is taken before that of a <see cref="DataSpace"/> or a <see cref="DataLog"/>.</remarks>
/// <param name="keyOf">The key of its record, for a room's key.</param>
internal sealed class DataCursors(DataSpaces spaces, ulong publisherMark, Func<string, byte[]> keyOf)
{
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<string, DataCursor> _cursors = [];
    private readonly List<(DataSpace Space, DataSubscription Its)> _away = [];

    // Of groups: while it is away, and those that its connection holds.
    private List<DataGroupHold> _awayHolds = [];
    private List<DataGroupHold> _holds = [];
    private bool _isEnded;

    /// <summary>All there are.</summary>
    public IReadOnlyList<DataCursor> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _cursors.Values];
            }
        }
    }

    /// <summary>Null: there is none.</summary>
    public DataCursor? Find(Room room)
    {
        lock (_gate)
        {
            return _cursors.GetValueOrDefault(room.Key);
        }
    }

    /// <summary>
    /// The client's connection holds these in a room at QoS 1 or 2 from now on, and no others there. Before they are heard.
    /// </summary>
    /// <param name="isResuming">They are taken again one by one.</param>
    /// <returns>Where it is there. Null: nothing is to be kept for it.</returns>
    public DataCursor? HoldIn(Room room, DataSubscription[] subscriptions, bool isResuming)
    {
        lock (_gate)
        {
            var cursor = _isEnded ? null : subscriptions.Length > 0 ? InRoom(room) : _cursors.GetValueOrDefault(room.Key);
            cursor?.Hold(subscriptions, isResuming);
            return cursor;
        }
    }

    /// <summary>A cursor is of no use any more: nothing is held for it, and all that was begun is completed.</summary>
    /// <returns>Null: it is held again meanwhile, or dropped already.</returns>
    public Task? Drop(DataCursor cursor)
    {
        lock (_gate)
        {
            if (!cursor.IsGivenUp || !_cursors.TryGetValue(cursor.Space.Room.Key, out var now) || now != cursor)
            {
                return null;
            }

            _cursors.Remove(cursor.Space.Room.Key);
            return spaces.Logs.Records.WriteAsync([cursor.End()]);
        }
    }

    /// <summary>What an earlier run of the program wrote. False: it is of no use.</summary>
    public bool TryRestore(Room room, byte[] record)
    {
        DataCursor cursor = new(spaces.Of(room), spaces.Logs, keyOf(room.Key), this);
        if (!cursor.TryRestore(record))
        {
            return false;
        }

        lock (_gate)
        {
            _cursors[room.Key] = cursor;
        }

        spaces.Of(room).Log.Add(cursor);
        return true;
    }

    /// <summary>
    /// The client is away, or about to be somewhere else: what its filters bring at QoS 1 and 2 is kept for it. May be called twice.
    /// </summary>
    public void StandIn(LoginSession session, IReadOnlyList<HeldFilter> filters, RoomDirectory rooms)
    {
        lock (_gate)
        {
            if (_isEnded || !spaces.IsHere)
            {
                return;
            }

            List<(DataSpace, DataSubscription)> before = [.. _away];
            _away.Clear();
            foreach (var cursor in _cursors.Values)
            {
                cursor.Reader = null;
            }

            List<DataGroupHold> holds = [.. _awayHolds, .. _holds];
            (_awayHolds, _holds) = ([], []);
            foreach (var held in filters.Where(IsKept))
            {
                foreach (var room in rooms.CoveredBy(held.Filter, session.Account.Id).Where(room => RoomPolicy.MayHear(room, session.Account)))
                {
                    StandInFor(held, room, session);
                }
            }

            foreach (var cursor in _cursors.Values.Where(cursor =>
                !filters.Any(held => IsKept(held) && held.Filter.CoversRoom(cursor.Space.Room.Id.Value))))
            {
                // The client asks for nothing there any more. Where it may not hear for now, its place is kept for when it may again.
                cursor.GiveUp();
            }

            Unsubscribe(before);
            Release(holds);
        }
    }

    /// <summary>The client is away, and its account has come into a room.</summary>
    public void StandIn(LoginSession session, IReadOnlyList<HeldFilter> filters, Room room)
    {
        lock (_gate)
        {
            if (_isEnded || !spaces.IsHere || !RoomPolicy.MayHear(room, session.Account))
            {
                return;
            }

            var before = _away.FindAll(one => one.Space.Room == room);
            _away.RemoveAll(one => one.Space.Room == room);
            var holds = TakeFrom(_awayHolds, room);
            foreach (var held in filters.Where(held => IsKept(held) && held.Filter.CoversRoom(room.Id.Value)))
            {
                StandInFor(held, room, session);
            }

            Unsubscribe(before);
            Release(holds);
        }
    }

    /// <summary>The client hears for itself again.</summary>
    public void StandDown()
    {
        lock (_gate)
        {
            Unsubscribe([.. _away]);
            _away.Clear();
            Release(_awayHolds);
            _awayHolds = [];
        }
    }

    /// <summary>The client's connection holds these filters of groups in a room from now on, and no others there.</summary>
    public void Hold(DataGroups groups, LoginSession session, IEnumerable<DataSubscription> subscriptions)
    {
        lock (_gate)
        {
            var before = _holds.FindAll(hold => hold.Groups == groups);
            _holds.RemoveAll(before.Contains);
            foreach (var its in _isEnded ? [] : subscriptions)
            {
                HoldGroup(_holds, groups, its.Group!, its.Filter, session);
            }

            Release(before);
        }
    }

    /// <summary>The account has lost the room. What takes it off the disk is to be written by the caller.</summary>
    public IReadOnlyList<RecordChange> Lose(Room room)
    {
        lock (_gate)
        {
            Unsubscribe(_away.FindAll(one => one.Space.Room == room));
            _away.RemoveAll(one => one.Space.Room == room);
            Release([.. TakeFrom(_awayHolds, room), .. TakeFrom(_holds, room)]);
            return _cursors.Remove(room.Key, out var cursor) ? [cursor.End()] : [];
        }
    }

    /// <summary>The data topics are another node's from now on: what is stored of it is that one's.</summary>
    public void LetGo()
    {
        lock (_gate)
        {
            _away.Clear();
            _cursors.Clear();
            (_awayHolds, _holds) = ([], []);
        }
    }

    /// <summary>The client is kept no more. What takes it off the disk is to be written by the caller.</summary>
    public IReadOnlyList<RecordChange> End()
    {
        lock (_gate)
        {
            _isEnded = true;
            Unsubscribe([.. _away]);
            _away.Clear();
            Release([.. _awayHolds, .. _holds]);
            (_awayHolds, _holds) = ([], []);
            List<RecordChange> removals = [.. _cursors.Values.Select(cursor => cursor.End())];
            _cursors.Clear();
            return removals;
        }
    }

    private static bool IsKept(HeldFilter held) => (held.Filter.Data is not null || held.Filter.Group is not null) && held.QualityOfService > 0;

    // Under the gate.
    private DataCursor InRoom(Room room)
    {
        if (!_cursors.TryGetValue(room.Key, out var cursor))
        {
            var space = spaces.Of(room);
            _cursors[room.Key] = cursor = new DataCursor(space, spaces.Logs, keyOf(room.Key), this);
            space.Log.Add(cursor);
        }

        return cursor;
    }

    // Under the gate.
    private void StandInFor(HeldFilter held, Room room, LoginSession session)
    {
        if (held.Filter.Group is { } share)
        {
            DataGroupName name = new(session.Account.Id, session.Scope.Mount, share);
            var groups = held.Filter.Data is null ? spaces.Of(room).Talk.Groups : spaces.Of(room).Groups;
            if (held.Filter.Data is not null || room.IsLogOpen)
            {
                // guard: a group outlives its members' connections
                HoldGroup(_awayHolds, groups, name, held.Filter.Data ?? DataFilter.All, session);
            }

            return;
        }

        var cursor = InRoom(room);
        DataSubscription subscription = new()
        {
            Filter = held.Filter.Data!,
            Member = new AwayMember(cursor, session, publisherMark),
            QualityOfService = held.QualityOfService,
            NoLocal = held.NoLocal,
        };
        cursor.Space.Subscribe(subscription);
        _away.Add((cursor.Space, subscription));
    }

    private static void Unsubscribe(IReadOnlyList<(DataSpace Space, DataSubscription Its)> some)
    {
        foreach (var (space, its) in some)
        {
            space.Unsubscribe(its);
        }
    }

    private static void HoldGroup(List<DataGroupHold> holds, DataGroups groups, DataGroupName name, DataFilter filter, LoginSession session)
    {
        if (groups.Hold(name, filter, session) is { } hold)
        {
            holds.Add(hold);
        }
    }

    private static List<DataGroupHold> TakeFrom(List<DataGroupHold> holds, Room room)
    {
        var some = holds.FindAll(hold => hold.Room == room);
        holds.RemoveAll(hold => hold.Room == room);
        return some;
    }

    private static void Release(List<DataGroupHold> holds) => holds.ForEach(hold => hold.Groups.Release(hold));

    // Notes that something is owed; what, is found in the log.
    private sealed class AwayMember(DataCursor cursor, LoginSession session, ulong publisherMark) : IDataMember
    {
        public ulong PublisherMark => publisherMark;

        public int Unacknowledged => 0;

        public DataMatch Match { get; } = new();

        public bool IsLogged => RoomPolicy.MayReadData(cursor.Space.Room, session);

        public bool Hear(DataFrames frames, in DataGrant grant, List<IMember> touched)
        {
            if (frames.Seq > 0 && grant.QualityOfService > 0 && !(/* guard: who is away is owed nothing that it may not read */ IsLogged))
            {
                cursor.Skip(frames.Seq);
            }
            else if (frames.Seq > 0 && grant.QualityOfService > 0)
            {
                cursor.Hear(frames.Seq);
                cursor.Space.Log.TellWhenStored(cursor);
            }

            return true;
        }
    }
}
