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
    private readonly Lock _filtersGate = new();
    private readonly Dictionary<string, HeldFilter> _filters = [];
    private readonly HashSet<EventStream> _places = [];

    // One at a time: until it is answered, nothing more is read.
    private FilterRequest? _request;

    // The receive side's: this client's place among those of its account whose SUBSCRIBE or UNSUBSCRIBE waits.
    private WorkTurn? _subscribeTurn;
    private bool _hasLeft;

    // The client itself gives up what it is placed anew for: what is on its way to it is completed. Guarded by _filtersGate.
    private bool _isUnsubscribing;

    public IAskedFilter? Asked(string topicFilter) => (_request as SubscribeRequest)?.Find(topicFilter);

    public Verdict MayHold(IAskedFilter filter)
    {
        if (_request is not SubscribeRequest request || request.Find(filter.Text) is not { } asked)
        {
            return Verdict.Refused(RefusalCode.NotAuthorized, "No SUBSCRIBE asks for this filter.");
        }

        if (request.CatchUpError.Length > 0)
        {
            return Verdict.Refused(ReasonCode.ImplementationSpecificError, request.CatchUpError);
        }

        var limit = _services.Limits.FiltersPerClient;
        lock (_filtersGate)
        {
            var isNew = !_filters.ContainsKey(asked.Text) && !asked.Verdict.IsAllowed;
            return limit > 0 && isNew && _filters.Count + request.NewlyGranted >= limit
                ? Verdict.Refused(RefusalCode.QuotaExceeded, $"A client holds at most {limit} filters. Unsubscribe from one first.")
                : Verdict.Allowed;
        }
    }

    public void Decided(IAskedFilter filter, Verdict verdict)
    {
        if (_request is SubscribeRequest request && request.Find(filter.Text) is { } asked)
        {
            lock (_filtersGate)
            {
                request.Decide(asked, verdict, _filters.ContainsKey(asked.Text));
            }
        }
    }

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

    /// <summary>A SUBSCRIBE or UNSUBSCRIBE has come. It waits for <see cref="Turn"/>, and is begun then.</summary>
    private void Receive(FilterRequest request)
    {
        _request = request;
        _subscribeTurn = FilterBudget.Queue();
    }

    // Null: it is the client's turn. A late answer slows down who asks for too much, and refuses nothing to who comes back with a hundred filters.
    private Task? Turn() => FilterBudget.WaitFor(_subscribeTurn!);

    // Paid for in its turn, which is over with that.
    private void BeginRequest()
    {
        var price = _request is SubscribeRequest subscribe
            ? subscribe.PriceFor(Account.Id, _services.Rooms, FilterBudget.Dearest)
            : ((UnsubscribeRequest)_request!).Filters.Count;
        FilterBudget.Take(price);
        EndSubscribeTurn();
        if (_request is UnsubscribeRequest unsubscribe)
        {
            Release(unsubscribe);
        }
    }

    // Looked up, for the budget of who did nothing for a while is forgotten.
    private WorkBudget FilterBudget => _services.SubscribeBudgets.Of(Account.Id).Filters;

    // Also when the connection is over: the account's other clients stand behind it.
    private void EndSubscribeTurn()
    {
        _subscribeTurn?.End();
        _subscribeTurn = null;
    }

    private async ValueTask SubscribeAnsweredAsync(CancellationToken cancellation)
    {
        if (_request is { } request)
        {
            await UnreadAsync(request.Answered).WaitAsync(cancellation);
            _request = null;
        }
    }

    // SUBACK goes out through here, and the filters take effect right behind it.
    private async Task SendSubAckAsync(MqttSubAckPacket subAck)
    {
        if (_request is not SubscribeRequest request)
        {
            return;
        }

        var (codes, granted, reasons) = request.Outcome();
        var answer = PacketWriter.Acknowledgement(
            PacketType.SubAck, IsVersion5, subAck.PacketIdentifier, codes, _wantsReasons ? reasons : null, _clientMaximumPacket);
        lock (_write)
        {
            if (!_silent)
            {
                WriteControl(answer);
            }

            // Ended meanwhile, or by an answer larger than the client takes: nobody shall be greeted who is already gone.
            if (_silent)
            {
                request.SetAnswered();
                return;
            }

            // Whoever has seen the SUBACK counts on hearing what is said from then on, so it does not leave before the filters are in effect.
            _corked = true;
        }

        try
        {
            foreach (var filter in granted)
            {
                Hold(filter, request.From);
            }

            if (IsDurable && !await TrySaveFiltersAsync())
            {
                return;
            }
        }
        finally
        {
            Uncork();
            request.SetAnswered();
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
        if (_request is not UnsubscribeRequest request)
        {
            return;
        }

        if (IsDurable && !await TrySaveFiltersAsync())
        {
            request.SetAnswered();
            return;
        }

        SendControl(PacketWriter.Acknowledgement(PacketType.UnsubAck, IsVersion5, unsubAck.PacketIdentifier, request.Codes, null));
        request.SetAnswered();
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

    private void Release(UnsubscribeRequest request)
    {
        lock (_filtersGate)
        {
            _isUnsubscribing = true;
            for (var i = 0; i < request.Codes.Length; i++)
            {
                request.Codes[i] = Release(request.Filters[i]) ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted;
            }

            _isUnsubscribing = false;
        }
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
