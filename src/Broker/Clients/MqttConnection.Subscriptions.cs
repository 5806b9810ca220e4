using MQTTnet.Packets;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Interception;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <content>The filters this client holds, and its places in rooms and in the inbox.</content>
internal sealed partial class MqttConnection
{
    /// <summary>Of a SUBSCRIBE with many refused filters, this many different reasons are said: a reason string has 65,535 bytes at most.</summary>
    private const int ReasonsSaid = 8;

    /// <summary>To be shown so many people costs as much as a filter.</summary>
    private const int PeoplePerFilter = 8;

    private readonly Lock _filtersGate = new();
    private readonly Dictionary<string, HeldFilter> _filters = [];
    private readonly Dictionary<string, Verdict> _decisions = [];
    private readonly HashSet<EventStream> _places = [];
    private int _newlyGranted;
    private MqttSubscribePacket? _subscribing;

    // The receive side's: this client's place among those of its account whose SUBSCRIBE or UNSUBSCRIBE waits.
    private WorkTurn? _subscribeTurn;
    private CatchUpFrom? _catchUpFrom;
    private string _catchUpError = "";
    private byte[] _unsubscribeCodes = [];

    // The SUBACK or UNSUBACK that MQTTnet has not sent yet; one at a time.
    private TaskCompletionSource? _answered;
    private bool _hasLeft;

    // The client itself gives up what it is placed anew for: what is on its way to it is completed. Guarded by _filtersGate.
    private bool _isUnsubscribing;

    public Verdict MayHold(string filter)
    {
        if (_catchUpError.Length > 0)
        {
            return Verdict.Refused(ReasonCode.ImplementationSpecificError, _catchUpError);
        }

        var limit = _services.Limits.FiltersPerClient;
        lock (_filtersGate)
        {
            return limit > 0 && IsNew(filter) && _filters.Count + _newlyGranted >= limit
                ? Verdict.Refused(RefusalCode.QuotaExceeded, $"A client holds at most {limit} filters. Unsubscribe from one first.")
                : Verdict.Allowed;
        }
    }

    public void Decided(string filter, Verdict verdict)
    {
        lock (_filtersGate)
        {
            if (verdict.IsAllowed && IsNew(filter))
            {
                _newlyGranted++;
            }

            _decisions[filter] = verdict;
        }
    }

    // Under _filtersGate. Neither held nor granted earlier in the same SUBSCRIBE.
    private bool IsNew(string filter) => !_filters.ContainsKey(filter) && !(_decisions.TryGetValue(filter, out var earlier) && earlier.IsAllowed);

    /// <summary>Places the connection anew in one room, after the account's membership or the room changed.</summary>
    public void PlaceIn(Room room, bool leavesAtOnce, bool replay = false)
    {
        lock (_filtersGate)
        {
            if (_hasLeft)
            {
                return;
            }

            var filters = FiltersOf(room);
            Place(room, filters, leavesAtOnce);
            if (!room.IsMember(Account.Id))
            {
                ForgetInFlight(room.Log);
            }

            if (replay)
            {
                foreach (var filter in filters.Where(filter => filter.RetainHandling != RetainHandling.DoNotSend))
                {
                    room.Replay(this, filter);
                }
            }
        }
    }

    /// <summary>Ends what it holds of an inbox and its read positions under a user name that is no longer the account's.</summary>
    public void InboxRenamed(string oldUserName)
    {
        lock (_filtersGate)
        {
            var ended = _filters.Values.Where(filter => filter.Filter.Inbox == oldUserName).ToList();
            ended.ForEach(filter => _filters.Remove(filter.Filter.Text));
            if (ended.Count > 0)
            {
                PlaceInInbox();
            }
        }
    }

    // A late answer slows down who asks for too much, and refuses nothing to who comes back with a hundred filters. False: it is the
    // client's turn, and Pay ends it.
    private bool MustWait(out Task? wait)
    {
        var budget = FilterBudget;
        wait = budget.WaitFor(_subscribeTurn ??= budget.Queue());
        return wait is not null;
    }

    private void Pay(long price)
    {
        FilterBudget.Take(price);
        EndSubscribeTurn();
    }

    // Looked up, for the budget of who did nothing for a while is forgotten.
    private WorkBudget FilterBudget => _services.SubscribeBudgets.Of(Account.Id).Filters;

    // Also when the connection is over: the account's other clients stand behind it.
    private void EndSubscribeTurn()
    {
        _subscribeTurn?.End();
        _subscribeTurn = null;
    }

    // In filters. One is as dear as the rooms that it covers and the positions that it has counted, and a list of people as an eighth of
    // them. Not counted on from where it is no dearer.
    private long PriceOf(MqttSubscribePacket packet)
    {
        var atMost = FilterBudget.Dearest;
        long price = 0;
        Room[]? ofAccount = null;
        foreach (var asked in packet.TopicFilters)
        {
            if (price >= atMost)
            {
                break;
            }

            price++;
            var text = asked.Topic;
            if (RoomFilter.TryParse(text, out var filter) != FilterError.None || filter is null)
            {
                continue;
            }

            if (filter.Inbox is not null)
            {
                price += filter.Unread || (filter.Reads && filter.ReadRoom is null) ? (ofAccount ??= _services.Rooms.RoomsOf(Account.Id)).Length : 0;
                continue;
            }

            foreach (var room in filter.Room is null ? ofAccount ??= _services.Rooms.RoomsOf(Account.Id) : _services.Rooms.CoveredBy(filter, Account.Id))
            {
                // A room that is not the account's is no dearer than none, or its price would tell that it is there.
                price += filter.Presence && room.IsVisibleTo(Account.Id) ? 1 + (room.People / PeoplePerFilter) : 1;
            }
        }

        return price;
    }

    private void BeginSubscribe(MqttSubscribePacket packet)
    {
        lock (_filtersGate)
        {
            _decisions.Clear();
            _newlyGranted = 0;
        }

        ReadCatchUp(packet);
        _subscribing = packet;
        _answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    // `after`, `epoch` and `last` go with one stream, or nobody could say where each begins.
    private void ReadCatchUp(MqttSubscribePacket packet)
    {
        _catchUpFrom = CatchUpFrom.Parse((packet.UserProperties ?? []).Select(property => (property.Name, property.ValueBuffer)), out _catchUpError);
        var isOneStream = packet.TopicFilters is [{ Topic: var topic }]
            && RoomFilter.TryParse(topic, out var filter) == FilterError.None
            && filter!.IsOneLog;
        if (_catchUpFrom is not null && !isOneStream)
        {
            _catchUpFrom = null;
            _catchUpError = "\"after\" and \"last\" go with exactly one filter: rooms/{room}, or users/ and your own user name.";
        }
    }

    private async ValueTask SubscribeAnsweredAsync(CancellationToken cancellation)
    {
        if (_answered is { } answered)
        {
            await UnreadAsync(answered.Task).WaitAsync(cancellation);
            _answered = null;
        }
    }

    // SUBACK goes out through here: its codes are put in request order (MQTTnet 5.2 has them in QoS order), and the filters take effect right behind it.
    private async Task SendSubAckAsync(MqttSubAckPacket subAck)
    {
        if (_subscribing is not { } packet)
        {
            return;
        }

        var codes = new byte[packet.TopicFilters.Count];
        List<HeldFilter> granted = [];
        List<string> reasons = [];
        lock (_filtersGate)
        {
            for (var i = 0; i < codes.Length; i++)
            {
                codes[i] = Grant(packet.TopicFilters[i], (int)packet.SubscriptionIdentifier, granted, reasons);
            }
        }

        var answer = PacketWriter.Acknowledgement(
            PacketType.SubAck, IsVersion5, subAck.PacketIdentifier, codes, _wantsReasons ? string.Join(" ", reasons.Distinct().Take(ReasonsSaid)) : null,
            _clientMaximumPacket);
        lock (_write)
        {
            if (!_silent)
            {
                WriteControl(answer);
            }

            // Ended meanwhile, or by an answer larger than the client takes: nobody shall be greeted who is already gone.
            if (_silent)
            {
                _answered?.TrySetResult();
                return;
            }

            // Whoever has seen the SUBACK counts on hearing what is said from then on, so it does not leave before the filters are in effect.
            _corked = true;
        }

        try
        {
            foreach (var filter in granted)
            {
                Hold(filter, _catchUpFrom);
            }

            if (IsDurable && !await TrySaveFiltersAsync())
            {
                return;
            }
        }
        finally
        {
            Uncork();
            _answered?.TrySetResult();
        }
    }

    // A durable client counts on its filters from SUBACK on, so they are on disk before it leaves. False: they are not, and the connection has been cut.
    private async Task<bool> TrySaveFiltersAsync()
    {
        HeldFilter[] filters;
        lock (_filtersGate)
        {
            filters = [.. _filters.Values];
        }

        try
        {
            await _services.Durable.SaveAsync(this, filters);
            return true;
        }
        catch (IOException)
        {
            Silence();
            _transport.Abort();
            return false;
        }
    }

    // What was written meanwhile counted against what the client may have waiting, so whoever had no room for more is asked again.
    private void Uncork()
    {
        lock (_write)
        {
            _corked = false;

            // Where a flush is under way, its end does all this.
            if (_silent || _flushing)
            {
                return;
            }

            _dirty = false;
            BeginFlush();
            WriteQueued();
            StartFeeder();
            if (_unflushed > 0 && !_flushing)
            {
                BeginFlush();
            }

            Progressed();
        }
    }

    private async Task SendUnsubAckAsync(MqttUnsubAckPacket unsubAck)
    {
        if (IsDurable && !await TrySaveFiltersAsync())
        {
            _answered?.TrySetResult();
            return;
        }

        SendControl(PacketWriter.Acknowledgement(PacketType.UnsubAck, IsVersion5, unsubAck.PacketIdentifier, _unsubscribeCodes, null));
        _answered?.TrySetResult();
    }

    // Under _filtersGate.
    private byte Grant(MqttTopicFilter asked, int subscriptionId, List<HeldFilter> granted, List<string> reasons)
    {
        if (!_decisions.TryGetValue(asked.Topic, out var verdict))
        {
            // MQTTnet refuses $share before it asks.
            verdict = Verdict.Refused(RefusalCode.SharedSubscriptionsNotSupported, "Shared subscriptions are not available.");
        }

        if (verdict.IsAllowed && RoomFilter.TryParse(asked.Topic, out var filter) == FilterError.None)
        {
            // QoS 2 is not given to subscribers: what they get is in a log under a seq, which tells a repetition.
            var quality = Math.Min((byte)asked.QualityOfServiceLevel, (byte)1);
            granted.Add(new HeldFilter(filter!, quality, asked.NoLocal, asked.RetainAsPublished, (RetainHandling)asked.RetainHandling, subscriptionId));
            return quality;
        }

        reasons.Add(verdict.Reason);
        return verdict.Code is 0 ? ReasonCode.UnspecifiedError : verdict.Code;
    }

    private void Hold(HeldFilter filter, CatchUpFrom? from)
    {
        lock (_filtersGate)
        {
            // A rename that came in between ended filters on the old inbox.
            if (_hasLeft || (filter.Filter.Inbox is { } user && user != Account.UserName))
            {
                return;
            }

            var isNew = !_filters.ContainsKey(filter.Filter.Text);
            _filters[filter.Filter.Text] = filter;
            var replays = filter.RetainHandling == RetainHandling.SendAtSubscribe || (filter.RetainHandling == RetainHandling.SendAtNewSubscribe && isNew);
            if (filter.Filter.Inbox is not null)
            {
                PlaceInInbox(from);
                if (replays && filter.Filter.Reads)
                {
                    _services.Rooms.InboxOf(Account).Enqueue(new ReadReplay(_services.Positions, _services.Rooms, this, filter));
                }

                if (replays && filter.Filter.Unread)
                {
                    _services.Rooms.InboxOf(Account).Enqueue(new UnreadReplay(_services.Unread, this, filter));
                }

                return;
            }

            foreach (var room in _services.Rooms.CoveredBy(filter.Filter, Account.Id))
            {
                Place(room, FiltersOf(room), leavesAtOnce: false, from);
                if (replays)
                {
                    room.Replay(this, filter);
                }
            }
        }

        // Revoked meanwhile? Then the end of the connection has already, or will, take it out of every room; nothing is delivered in between.
    }

    private void BeginUnsubscribe(MqttUnsubscribePacket packet)
    {
        var codes = new byte[packet.TopicFilters.Count];
        lock (_filtersGate)
        {
            _isUnsubscribing = true;
            for (var i = 0; i < codes.Length; i++)
            {
                codes[i] = Release(packet.TopicFilters[i]) ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted;
            }

            _isUnsubscribing = false;
        }

        _unsubscribeCodes = codes;
        _answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    // Under _filtersGate.
    private bool Release(string text)
    {
        if (!_filters.Remove(text, out var filter))
        {
            return false;
        }

        if (filter.Filter.Inbox is not null)
        {
            PlaceInInbox();
            return true;
        }

        foreach (var room in _services.Rooms.CoveredBy(filter.Filter, Account.Id))
        {
            Place(room, FiltersOf(room), leavesAtOnce: true);
        }

        return true;
    }

    // At the end of the connection.
    private void LeaveEverything(bool atOnce)
    {
        lock (_filtersGate)
        {
            _hasLeft = true;

            // From where it is, not from where its filters say: an erased account is on no list any more.
            foreach (var place in _places)
            {
                place.Place(this, [], atOnce);
            }

            _places.Clear();
            _filters.Clear();
        }
    }

    // Under _filtersGate.
    private void Place(EventStream stream, HeldFilter[] filters, bool leavesAtOnce, CatchUpFrom? from = null)
    {
        if (filters.Length > 0)
        {
            _places.Add(stream);
        }

        stream.Place(this, filters, leavesAtOnce, from);
        if (filters.Length == 0)
        {
            _places.Remove(stream);
        }
    }

    // Under _filtersGate. Whom whispers are for is decided by the place.
    private void PlaceInInbox(CatchUpFrom? from = null)
    {
        var filters = _filters.Values.Where(filter => filter.Filter.Inbox is not null).ToArray();
        Place(_services.Rooms.InboxOf(Account), filters, leavesAtOnce: false, from);
        if (_willNotice is { } notice && filters.Any(filter => filter.Filter.Whispers))
        {
            _willNotice = null;
            Notify(notice.Code, notice.Text, notice.Topic);
        }
    }

    // Under _filtersGate.
    private HeldFilter[] FiltersOf(Room room) =>
        Session!.Scope.Allows(room.Id.Value, Auth.Sessions.Verbs.Read)
            ? [.. _filters.Values.Where(filter => filter.Filter.CoversRoom(room.Id.Value))]
            : [];
}
