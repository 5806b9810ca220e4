using MQTTnet.Packets;
using WebMessenger.Auth.Interception;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// A SUBSCRIBE: its filters are parsed here once, decided on by the interceptor once, and placed from here once, right behind the SUBACK.
/// </summary>
/// <remarks>
/// Used by one thread at a time: the receive loop makes it, MQTTnet's call of the interceptor decides,
/// MQTTnet's call for the SUBACK takes the outcome.
/// </remarks>
internal sealed class SubscribeRequest : FilterRequest
{
    /// <summary>
    /// Of a SUBSCRIBE with many refused filters, this many different reasons are said: a reason string has 65,535 bytes at most.
    /// </summary>
    private const int ReasonsSaid = 8;

    /// <summary>To be shown so many people costs as much as a filter.</summary>
    private const int PeoplePerFilter = 8;

    /// <summary>The same of `people`, where a hundred are one packet.</summary>
    private const int PeoplePerPart = 100;

    private const string Shared = "$", HiddenShared = "#$";

    private readonly Dictionary<string, AskedFilter> _asked = [];
    private readonly List<MqttTopicFilter> _filters;
    private readonly int _subscriptionId;

    /// <param name="mount">Id of the room that is the client's whole world; null: it has no mount.</param>
    public SubscribeRequest(MqttSubscribePacket packet, string? mount)
    {
        (_filters, _subscriptionId) = (packet.TopicFilters, (int)packet.SubscriptionIdentifier);
        foreach (var filter in _filters)
        {
            if (!_asked.ContainsKey(filter.Topic))
            {
                _asked[filter.Topic] = new AskedFilter(filter.Topic, mount);
            }
        }

        // `after`, `epoch` and `last` go with one stream, or nobody could say where each begins.
        From = CatchUpFrom.Parse((packet.UserProperties ?? []).Select(property => (property.Name, property.ValueBuffer)), out var error);
        if (From is not null && !(_filters is [{ } only] && _asked[only.Topic].Filter is { IsOneLog: true }))
        {
            From = null;
            error = "\"after\" and \"last\" go with exactly one filter: rooms/{room}, or users/ and your own user name.";
        }

        CatchUpError = error;
    }

    /// <summary>Where the client wants to begin; null: with what comes.</summary>
    public CatchUpFrom? From { get; }

    /// <summary>What is wrong with where it wants to begin; empty: nothing.</summary>
    public string CatchUpError { get; }

    /// <summary>Filters granted so far that the client does not hold.</summary>
    public int NewlyGranted { get; private set; }

    /// <summary>A filter given twice is one. Null: it is not asked for.</summary>
    /// <param name="text">As the client sent it, or as MQTTnet knows it.</param>
    public AskedFilter? Find(string text) =>
        _asked.GetValueOrDefault(text.StartsWith(HiddenShared, StringComparison.Ordinal) ? text[1..] : text);

    /// <summary>
    /// For MQTTnet, which refuses what begins with `$share/` before it asks anybody (MQTTnet 5.2): there it begins as no filter can
    /// begin [MQTT-4.7.1-1]. (U+0000 would not do: MQTTnet compares by culture, which does not see it.)
    /// </summary>
    public MqttSubscribePacket ForMqttNet(MqttSubscribePacket packet)
    {
        if (!_filters.Exists(IsShared))
        {
            return packet;
        }

        MqttSubscribePacket seen = new() { PacketIdentifier = packet.PacketIdentifier, SubscriptionIdentifier = packet.SubscriptionIdentifier };
        seen.TopicFilters.AddRange(_filters.Select(filter => new MqttTopicFilter
        {
            Topic = IsShared(filter) ? "#" + filter.Topic : filter.Topic,
            QualityOfServiceLevel = filter.QualityOfServiceLevel,
        }));
        return seen;

        static bool IsShared(MqttTopicFilter filter) => filter.Topic.StartsWith(Shared, StringComparison.Ordinal);
    }

    /// <param name="isHeld">The client holds it already.</param>
    public void Decide(AskedFilter asked, Verdict verdict, bool isHeld)
    {
        NewlyGranted += verdict.IsAllowed && !isHeld && !asked.Verdict.IsAllowed ? 1 : 0;
        asked.Verdict = verdict;
    }

    /// <summary>
    /// In filters. One is as dear as the rooms that it covers and the positions that it has counted,
    /// and a list of people as an eighth of them.
    /// </summary>
    /// <param name="atMost">Not counted on from where it is no dearer.</param>
    public long PriceFor(string accountId, RoomDirectory rooms, long atMost)
    {
        long price = 0;
        Room[]? ofAccount = null;
        foreach (var asked in _filters)
        {
            if (price >= atMost)
            {
                break;
            }

            price++;
            if (_asked[asked.Topic].Filter is not { IsOfServer: false } filter)
            {
                continue;
            }

            if (filter.Inbox is not null)
            {
                price += (/* guard: positions that are counted have a price */ filter.Unread || (filter.Reads && filter.ReadRoom is null)) ? (ofAccount ??= rooms.RoomsOf(accountId)).Length : 0;
                continue;
            }

            foreach (var room in filter.Room is null ? ofAccount ??= rooms.RoomsOf(accountId) : rooms.CoveredBy(filter, accountId))
            {
                // A room that is not the account's is no dearer than none, or its price would tell that it is there.
                price += (filter.Presence || filter.People) && RoomPolicy.MaySee(room, accountId)
                    ? 1 + (filter.Presence ? room.People / PeoplePerFilter : Math.Min(room.People, PeopleChanges.NamedUpTo) / PeoplePerPart)
                    : 1;
            }
        }

        return price;
    }

    /// <summary>
    /// What was decided: codes in request order (MQTTnet 5.2 has them in QoS order),
    /// what the client is to hold, and why it does not hold the rest.
    /// </summary>
    /// <param name="isKept">The client is kept after its connection.</param>
    public (byte[] Codes, List<HeldFilter> Granted, string Reasons) Outcome(bool isKept)
    {
        var codes = new byte[_filters.Count];
        List<HeldFilter> granted = [];
        List<string> reasons = [];
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = Grant(/* guard: SUBACK in request order */ _filters[i], isKept, granted, reasons);
        }

        return (codes, granted, string.Join(" ", reasons.Distinct().Take(ReasonsSaid)));
    }

    private byte Grant(MqttTopicFilter options, bool isKept, List<HeldFilter> granted, List<string> reasons)
    {
        var asked = _asked[options.Topic];
        var verdict = asked.Verdict;
        if ((/* guard: the verdict on each filter */ verdict.IsAllowed) && asked.Filter is { } filter)
        {
            // QoS 2 is given to what devices say alone: all else is in a log under a seq, which tells a repetition. To a client that is
            // kept a group gives QoS 1: the group's record has no packet ids, so on the next connection nobody knows which are still its
            // own.
            var isExact = filter.Data is not null && !(isKept && filter.Group is not null);
            var quality = Math.Min((byte)options.QualityOfServiceLevel, isExact ? (byte)2 : (byte)1);
            var handling = (RetainHandling)options.RetainHandling;
            granted.Add(new HeldFilter(filter, quality, options.NoLocal, options.RetainAsPublished, handling, _subscriptionId));
            return quality;
        }

        reasons.Add(verdict.Reason);
        return verdict.Code is 0 ? ReasonCode.UnspecifiedError : verdict.Code;
    }
}
