using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// Clients that share what one filter brings (MQTT 5.0, 4.8.2): one subscriber with one place in the room's data log, or in its event log
/// (decision 33), of whose members each publish goes to one.
/// </summary>
/// <remarks>
/// It lives as long as a client is connected that holds the filter, or is kept with it. Thread-safe: <c>_gate</c> guards who is in it, and
/// is not held while anything is delivered.
/// </remarks>
internal sealed partial class DataGroup : IDataMember
{
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly IGroupRoom _room;
    private readonly DataGroupFeeder _feeder;

    // Connected.
    private readonly List<Seat> _seats = [];
    private readonly Dictionary<IDataMember, Seat> _byMember = [];

    // Kept, connected or away.
    private readonly List<DataGroupHold> _holds = [];
    private int _turn;

    public DataGroup(IGroupRoom room, DataFilter filter, DataGroupCursor cursor)
    {
        (_room, Filter, Cursor) = (room, filter, cursor);
        _feeder = new DataGroupFeeder(this, room);
        Its = new DataSubscription { Filter = filter, Member = this, QualityOfService = 2 };
        cursor.Due += Wake;
    }

    public DataFilter Filter { get; }

    /// <summary>Where it is in the log.</summary>
    public DataGroupCursor Cursor { get; }

    /// <summary>Its own among the room's subscriptions.</summary>
    public DataSubscription Its { get; }

    // Nobody publishes as a group.
    ulong IDataMember.PublisherMark => 0;

    public int Unacknowledged
    {
        get
        {
            lock (_gate)
            {
                return _seats.Sum(seat => seat.Member.Unacknowledged);
            }
        }
    }

    public DataMatch Match { get; } = new();

    /// <summary>Nobody holds the filter.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _seats.Count == 0 && _holds.Count == 0;
            }
        }
    }

    /// <summary>Something is owed to it at QoS 1 or 2: who holds it so may read the room's data.</summary>
    public bool IsLogged
    {
        get
        {
            // Rights are asked outside of the gate: mostly those of the first are enough.
            Seat? first;
            lock (_gate)
            {
                first = _seats.Find(seat => seat.Its.QualityOfService > 0);
            }

            if (first?.Member.IsOpen == true)
            {
                return true;
            }

            var (seats, holds) = All;
            return Array.Exists(seats, seat => seat.Its.QualityOfService > 0 && seat.Member.IsOpen)
                || Array.Exists(holds, hold => _room.MayRead(hold.Session));
        }
    }

    /// <summary>Takes a connected member in, in the place of the same one's subscription before.</summary>
    public void Add(DataSubscription subscription)
    {
        lock (_gate)
        {
            if (_byMember.TryGetValue(subscription.Member, out var seat))
            {
                seat.Its = subscription;
            }
            else
            {
                _byMember[subscription.Member] = seat = new Seat(subscription) { Index = _seats.Count };
                _seats.Add(seat);
            }
        }

        Wake();
    }

    /// <summary>False: it is not there, or the member holds the filter anew.</summary>
    public bool Remove(DataSubscription subscription)
    {
        lock (_gate)
        {
            if (!_byMember.TryGetValue(subscription.Member, out var seat) || seat.Its != subscription)
            {
                return false;
            }

            _byMember.Remove(subscription.Member);
            _seats[seat.Index] = _seats[^1];
            _seats[seat.Index].Index = seat.Index;
            _seats.RemoveAt(_seats.Count - 1);
            return true;
        }
    }

    /// <summary>A client that is kept holds the filter.</summary>
    public void Add(DataGroupHold hold)
    {
        lock (_gate)
        {
            _holds.Add(hold);
        }

        Cursor.Store(true);
    }

    /// <summary>It does not any more.</summary>
    public void Remove(DataGroupHold hold)
    {
        bool isStored;
        lock (_gate)
        {
            _holds.Remove(hold);
            isStored = _holds.Count > 0;
        }

        Cursor.Store(isStored);
    }

    /// <summary>To the connected member with the fewest unacknowledged (decision 33); among equals by turns.</summary>
    public bool Hear(DataFrames frames, in DataGrant grant, List<IMember> touched)
    {
        var message = frames.Message;
        if (message.QualityOfService == 0 || !HasQuality)
        {
            return HearUnstored(frames, touched);
        }

        // Without a seq the disk takes nothing: its publisher is told, and says it again.
        if (frames.Seq == 0)
        {
            return true;
        }

        // Nobody of it may read now: when somebody may again, it was said to others.
        if (!(/* guard: a group is owed nothing that nobody of it may read */ IsLogged))
        {
            Cursor.Skip(frames.Seq);
            return true;
        }

        // At QoS 2 it is stored, then said; and what waits goes first.
        var isDealt = Cursor.Hear(frames.Seq, mayDeal: message.QualityOfService == 1 && _feeder.IsIdle);
        _room.Log.TellWhenStored(Cursor);
        if (isDealt)
        {
            Cursor.Pass(frames.Seq, isRepeated: false, () => TryPass(frames, isRepeated: false, touched));
        }

        return true;
    }

    /// <summary>Hands what is dealt to a member that takes it at once, at QoS 0 or 1.</summary>
    /// <returns>False: nobody does.</returns>
    public bool TryPass(DataFrames frames, bool isRepeated, List<IMember> touched)
    {
        bool? isForNobody = null;
        foreach (var seat in InTurn())
        {
            if (!seat.Member.IsOpen)
            {
                continue;
            }

            if (!(/* guard: a group's member hears what its token may */ seat.Member.MayHear(frames.Message.Topic)))
            {
                isForNobody ??= true;
                continue;
            }

            isForNobody = false;
            var grant = GrantOf(seat, frames.Message);
            if (grant.QualityOfService < 2 && seat.Member.TryTake(frames, grant, isRepeated, touched))
            {
                EndTurn(seat);
                return true;
            }
        }

        if (isForNobody == true)
        {
            // Members are connected, and none of their tokens may hear the topic: it counts as heard.
            Cursor.Done(frames.Seq);
        }

        return isForNobody == true;
    }

    /// <summary>The member that a delivery at QoS 2 is meant for, before that is written down.</summary>
    /// <returns>Null: no member takes it at QoS 2 now.</returns>
    public Seat? Plan(DataMessage message)
    {
        foreach (var seat in InTurn())
        {
            if (seat.Member.IsOpen && seat.Member.MayHear(message.Topic) && seat.Member.FreePlaces > seat.Planned)
            {
                if (GrantOf(seat, message).QualityOfService < 2)
                {
                    return null;
                }

                EndTurn(seat);
                return seat;
            }
        }

        return null;
    }

    /// <summary>Hands it to that member, which has it at QoS 2 from then on, and nobody else.</summary>
    /// <returns>False: it does not take it now, or is no member any more.</returns>
    public bool TryPassTo(Seat seat, DataFrames frames, bool isRepeated, List<IMember> touched) =>
        seat.Member.IsOpen
        && IsSeated(seat)
        && GrantOf(seat, frames.Message) is { QualityOfService: 2 } grant
        && seat.Member.TryTake(frames, grant, isRepeated, touched);

    /// <summary>Deliveries that members take at once now.</summary>
    /// <param name="atMost">Not counted on from there.</param>
    public int FreePlaces(int atMost)
    {
        var (seats, _) = All;
        var free = 0;
        for (var i = 0; i < seats.Length && free < atMost; i++)
        {
            free += seats[i].Member.IsOpen ? seats[i].Member.FreePlaces : 0;
        }

        return Math.Min(free, atMost);
    }

    /// <summary>A member is connected that may not read now.</summary>
    public bool IsClosedToSome => Array.Exists(All.Seats, seat => !seat.Member.IsOpen);

    /// <summary>A member has acknowledged it, or it had expired, or was larger than the member takes [MQTT-3.1.2-25].</summary>
    public void Done(long seq)
    {
        if (seq > 0)
        {
            Cursor.Done(seq);

            // The members together may have one more, also if this one has left.
            Wake();
        }
    }

    /// <summary>What a member that is gone had at QoS 1 and did not acknowledge goes to another one [MQTT-4.8.2-4].</summary>
    public void Return(IReadOnlyList<long> seqs)
    {
        foreach (var seq in seqs)
        {
            Cursor.Return(seq, wasSent: true);
        }

        Wake();
    }

    /// <summary>A member may have room, or something came back. Never blocks.</summary>
    public void Wake() => _feeder.Wake();

    // False: the member has left since, or holds the filter anew.
    private bool IsSeated(Seat seat)
    {
        lock (_gate)
        {
            return _byMember.GetValueOrDefault(seat.Member) == seat;
        }
    }

    private bool HasQuality
    {
        get
        {
            lock (_gate)
            {
                return _holds.Count > 0 || _seats.Exists(seat => seat.Its.QualityOfService > 0);
            }
        }
    }

    private (Seat[] Seats, DataGroupHold[] Holds) All
    {
        get
        {
            lock (_gate)
            {
                return ([.. _seats], [.. _holds]);
            }
        }
    }

    private bool HearUnstored(DataFrames frames, List<IMember> touched)
    {
        foreach (var seat in InTurn())
        {
            if (seat.Member.Hear(frames, GrantOf(seat, frames.Message), touched))
            {
                EndTurn(seat);
                return true;
            }
        }

        return false;
    }

    // The one with the fewest first, which is found by one look at each; the others are put in order if that one does not take it.
    private IEnumerable<Seat> InTurn()
    {
        Seat? best = null;
        lock (_gate)
        {
            var turn = _seats.Count == 0 ? 0 : _turn % _seats.Count;
            for (var i = 0; i < _seats.Count && best is not { Load: 0 }; i++)
            {
                var seat = _seats[(turn + i) % _seats.Count];
                seat.Load = seat.Member.Unacknowledged + seat.Planned;
                best = best is null || seat.Load < best.Load ? seat : best;
            }
        }

        if (best is null)
        {
            yield break;
        }

        yield return best;
        Seat[] others;
        lock (_gate)
        {
            _seats.ForEach(seat => seat.Load = seat.Member.Unacknowledged + seat.Planned);
            others = [.. _seats.Where(seat => seat != best).OrderBy(seat => seat.Load)];
        }

        foreach (var seat in others)
        {
            yield return seat;
        }
    }

    private void EndTurn(Seat seat)
    {
        lock (_gate)
        {
            _turn = seat.Index + 1;
        }
    }

    private DataGrant GrantOf(Seat seat, DataMessage message) => new(
        Math.Min(message.QualityOfService, seat.Its.QualityOfService),
        message.Retain && seat.Its.RetainAsPublished,
        seat.Its.SubscriptionIds,
        this);
}
