using WebMessenger.Auth.Interception;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// The filters that a client was granted, its places in rooms and in the inbox that follow from them,
/// and the SUBSCRIBE or UNSUBSCRIBE under way.
/// </summary>
/// <remarks>
/// Owns the filters' gate, <c>_filtersGate</c>, which is taken before a stream's.
/// The request under way belongs to the receive loop, which reads nothing more before it is answered.
/// </remarks>
internal sealed partial class HeldFilters(
    Writer writer, KeptSession kept, Delivery delivery, DataDelivery data, Identity identity, ConnectionServices services, ILife life,
    HomeFilters? home)
{
    private readonly Lock _filtersGate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<string, HeldFilter> _filters = [];
    private readonly HeldPlaces _places = new(writer, delivery, data, kept, identity, services);
    private readonly FilterTurn _turn = new(identity, services);
    private bool _hasLeft;

    // Until it is answered, nothing more is read.
    private FilterRequest? _request;

    /// <summary>Completes when what was begun last is answered. Null: that is so.</summary>
    public Task? Unanswered => _request?.Answered;

    /// <summary>How many it holds, as it is or has just been. Any thread.</summary>
    public int Count => _filters.Count;

    /// <summary>It is answered.</summary>
    public void EndRequest() => _request = null;

    /// <summary>
    /// Takes the places of an earlier connection again, as far as the account may still have them. The CONNACK has been written.
    /// </summary>
    /// <param name="isPresent">False: the client is kept from now on, and had none. Else <see cref="OpenLogsAsync"/> was done.</param>
    public void Resume(DurableClient client, bool isPresent)
    {
        kept.Begin(isPresent ? client.Position : null, client.Data);
        if (!isPresent)
        {
            return;
        }

        data.Feeder.Resume(client.Data.All);
        foreach (var filter in client.Filters)
        {
            if (RoomAccess.MayStillHold(services.Rooms, identity.Session!, filter.Filter))
            {
                Hold(filter, null, isResumed: true);
            }
        }

        delivery.EndResuming(client.Position);
        data.Feeder.EndResuming();
    }

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

        if (asked.Filter is { Group: not null } shared && home?.Has(shared) != true && !_places.MayShare(shared))
        {
            return TooManyGroups;
        }

        var limit = services.Limits.FiltersPerClient;
        lock (_filtersGate)
        {
            var isNew = !_filters.ContainsKey(asked.Text) && !asked.Verdict.IsAllowed;
            return (/* guard: filters of a client */ limit > 0 && isNew && _filters.Count + request.NewlyGranted >= limit)
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
                // Its groups are made when the SUBACK is written: until then it has their places, and nobody else.
                if (verdict.IsAllowed && asked.Filter is { Group: not null } shared && home?.Has(shared) != true)
                {
                    var hasPlace = /* guard: what a SUBSCRIBE is granted has a place */ !_hasLeft && _places.TryReserve(shared);
                    verdict = hasPlace ? verdict : TooManyGroups;
                }

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
            _places.Place(room, filters, leavesAtOnce);
            if (/* guard: unacknowledged before an UNSUBSCRIBE, only for who may read */ !RoomPolicy.MayHear(room, identity.Account))
            {
                kept.ForgetInFlight(room.Log);
            }

            if (replay)
            {
                foreach (var filter in filters.Where(filter => filter.RetainHandling != RetainHandling.DoNotSend))
                {
                    _places.Replay(room, filter);
                }
            }
        }
    }

    /// <summary>Ends what it holds of an inbox and its read positions under a user name that is no longer the account's.</summary>
    public void InboxRenamed(string oldUserName)
    {
        // By the filters that end now: whoever holds them would hear nothing, and not know why.
        var topic = "users/" + identity.Account.UserName;
        Notify("renamed", $"This account has another user name: subscribe to {topic}.", topic);
        lock (_filtersGate)
        {
            var ended = _filters.Values.Where(filter => filter.Filter.Inbox == oldUserName).ToList();
            // guard: an inbox is not its former owner's
            ended.ForEach(filter => _filters.Remove(filter.Filter.Text));
            if (ended.Count > 0)
            {
                PlaceInInbox();
            }
        }
    }

    /// <summary>A SUBSCRIBE or UNSUBSCRIBE has come. It waits for <see cref="Turn"/>, and is begun (<see cref="Begin"/>) then.</summary>
    public void Receive(FilterRequest request)
    {
        _request = request;
        _turn.Queue();
    }

    /// <summary>Null: it is the client's turn. Else it may be asked again after the task.</summary>
    /// <remarks>A late answer slows down who asks for too much, and refuses nothing to who comes back with a hundred filters.</remarks>
    public Task? Turn() => _turn.Wait();

    /// <summary>Begins what was received: it is paid for in its turn, which is over with that.</summary>
    public void Begin()
    {
        _turn.Pay(_request!);
        if (_request is UnsubscribeRequest unsubscribe)
        {
            lock (_filtersGate)
            {
                delivery.IsUnsubscribing = true;
                for (var i = 0; i < unsubscribe.Codes.Length; i++)
                {
                    unsubscribe.Codes[i] = Release(unsubscribe.Filters[i]) ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted;
                }

                delivery.IsUnsubscribing = false;
            }
        }
    }

    /// <summary>The connection is over: the account's other clients stand behind it.</summary>
    public void EndSubscribeTurn() => _turn.End();

    /// <summary>SUBACK: the filters take effect right behind it.</summary>
    public async Task AnswerSubscribeAsync(ushort packetId)
    {
        if (_request is not SubscribeRequest request)
        {
            return;
        }

        var (codes, granted, reasons) = request.Outcome(kept.IsDurable);
        granted = home is null ? granted : await home.AskAsync(packetId, request, codes, granted);
        var answer = PacketWriter.Acknowledgement(
            PacketType.SubAck, writer.IsVersion5, packetId, codes, writer.WantsReasons ? reasons : null, writer.MaximumPacket);

        try
        {
            await OpenLogsAsync(granted);

            // Whoever has seen the SUBACK counts on hearing what is said from then on, so it does not leave before the filters are in
            // effect.
            if (writer.WriteCorked(answer))
            {
                await HoldCorkedAsync(granted, request.From);
            }
        }
        finally
        {
            lock (_filtersGate)
            {
                _places.Unreserve();
            }

            request.SetAnswered();
        }
    }

    /// <summary>Has what is needed to hold the filters in memory.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public ValueTask OpenLogsAsync(IReadOnlyList<HeldFilter> filters) => _places.OpenLogsAsync(filters);

    /// <summary>UNSUBACK.</summary>
    public async Task AnswerUnsubscribeAsync(ushort packetId)
    {
        if (_request is not UnsubscribeRequest request)
        {
            return;
        }

        if (home is not null)
        {
            await home.LeaveAsync(packetId, request);
        }

        if (!kept.IsDurable || await TrySaveFiltersAsync())
        {
            writer.SendControl(PacketWriter.Acknowledgement(PacketType.UnsubAck, writer.IsVersion5, packetId, request.Codes, null));
        }

        request.SetAnswered();
    }

    /// <summary>At the end of the connection.</summary>
    /// <param name="atOnce">Nobody waits for the client to come back.</param>
    public void LeaveEverything(bool atOnce)
    {
        lock (_filtersGate)
        {
            _hasLeft = true;

            _places.LeaveAll(atOnce);
            _places.Unreserve();
            _filters.Clear();
        }
    }

    private static Verdict TooManyGroups =>
        Verdict.Refused(RefusalCode.QuotaExceeded, "The room has as many shared subscriptions as it, or your account there, may.");

    private async Task HoldCorkedAsync(IEnumerable<HeldFilter> granted, CatchUpFrom? from)
    {
        try
        {
            foreach (var filter in granted)
            {
                Hold(filter, from);
            }

            if (kept.IsDurable)
            {
                await TrySaveFiltersAsync();
            }

            if (!services.Replication.IsAlone)
            {
                // Who is here is a record (ADR 0087): one that another node hears after it has let go the account there is greeted twice.
                // guard: whoever is answered a SUBSCRIBE is known to be here
                await services.EventLog.SettleAsync();
            }
        }
        finally
        {
            writer.Uncork();
        }
    }

    private void Hold(HeldFilter filter, CatchUpFrom? from, bool isResumed = false)
    {
        lock (_filtersGate)
        {
            // A rename that came in between ended filters on the old inbox.
            if (_hasLeft || (filter.Filter.Inbox is { } user && user != identity.Account.UserName))
            {
                return;
            }

            var isNew = !_filters.ContainsKey(filter.Filter.Text);
            _filters[filter.Filter.Text] = filter;
            // MQTT 5.0, 4.9: what is retained comes by a SUBSCRIBE. What rooms retain is how things are, and comes again.
            var replays = !(isResumed && filter.Filter.Data is not null)
                && (filter.RetainHandling == RetainHandling.SendAtSubscribe || (filter.RetainHandling == RetainHandling.SendAtNewSubscribe && isNew));
            if (filter.Filter.Inbox is not null)
            {
                PlaceInInbox(from, ofNotices: filter.Filter.Notices);
                if (replays)
                {
                    _places.ReplayInbox(filter);
                }

                return;
            }

            PlaceAtServer(filter, replays);
            foreach (var room in services.Rooms.CoveredBy(filter.Filter, identity.Account.Id))
            {
                _places.Place(room, FiltersOf(room), leavesAtOnce: false, from);
                if (replays)
                {
                    _places.Replay(room, filter);
                }
            }
        }

        // Revoked meanwhile? Then the end of the connection has already, or will, take it out of every room;
        // nothing is delivered in between.
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

        PlaceAtServer(filter, replays: false);
        foreach (var room in services.Rooms.CoveredBy(filter.Filter, identity.Account.Id))
        {
            _places.Place(room, FiltersOf(room), leavesAtOnce: true);
        }

        return true;
    }

    // Under _filtersGate.
    private void PlaceAtServer(HeldFilter changed, bool replays)
    {
        if (changed.Filter.Server is not null)
        {
            _places.PlaceAtServer([.. _filters.Values.Where(filter => filter.Filter.Server is not null)], replays ? changed : null);
        }
    }

    // Under _filtersGate. Whom whispers are for is decided by the place.
    private void PlaceInInbox(CatchUpFrom? from = null, bool ofNotices = false)
    {
        var filters = _filters.Values.Where(filter => filter.Filter.Inbox is not null).ToArray();
        var inbox = services.Rooms.InboxOf(identity.Account);
        _places.Place(inbox, Array.FindAll(filters, filter => !filter.Filter.Notices), leavesAtOnce: false, ofNotices ? null : from);
        var notices = Array.FindAll(filters, filter => filter.Filter.Notices);
        if (notices.Length > 0 || inbox.HasNotices)
        {
            _places.Place(inbox.Notices, notices, leavesAtOnce: false, ofNotices ? from : null);
        }

        if (_notice is { } later && filters.Any(filter => filter.Filter.Whispers))
        {
            _notice = null;
            Notify(later.Code, later.Text, later.Topic);
        }
    }

    // Under _filtersGate.
    private HeldFilter[] FiltersOf(Room room) => [.. _filters.Values.Where(filter => filter.Filter.CoversRoom(room.Id.Value))];
}
