using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Streams;

/// <summary>Whose filters on presence a change reaches.</summary>
internal enum PresenceReach
{
    All,

    /// <summary>Those that name the user.</summary>
    Named,

    /// <summary>Those that are about everybody.</summary>
    Wide,
}

/// <summary>
/// One client's place in one stream: what of it the client's filters ask for, taken together,
/// so that overlapping filters make one delivery at the highest QoS.
/// </summary>
/// <remarks>Immutable but for its <see cref="Place"/>, which belongs to the client's write lock.</remarks>
internal sealed class Subscriber
{
    private readonly HeldFilter[] _presence;
    private readonly HeldFilter[] _reads;
    private readonly HeldFilter[] _conversations;

    private Subscriber(IMember member, EventStream stream, HeldFilter[] filters, bool waits)
    {
        Member = member;

        // A token limited to rooms hears no whispers, and nothing of who named its account elsewhere.
        Events = waits ? null : Wants.Of(
            filters,
            filter => filter.Filter.Events || ((filter.Filter.Whispers || filter.Filter.Notices) && member.Session!.Scope.Rooms is null));
        TextLines = waits ? null : Wants.Of(filters, filter => filter.Filter.TextLines);
        Typing = Wants.Of(filters, filter => filter.Filter.Typing);
        Info = Wants.Of(filters, filter => filter.Filter.Info);
        People = Wants.Of(filters, filter => filter.Filter.People);
        Unread = Wants.Of(filters, filter => filter.Filter.Unread);
        _presence = Array.FindAll(filters, filter => filter.Filter.Presence);
        _reads = Array.FindAll(filters, filter => filter.Filter.Reads);
        _conversations = Array.FindAll(filters, filter => filter.Filter.ConversationReads || filter.Filter.ConversationTyping);
        CountsAsPresent = Events is not null || TextLines is not null;
        Place = new Place(stream) { Now = this };
    }

    public IMember Member { get; }

    /// <summary>Null: not asked for.</summary>
    public Wants? Events { get; }

    public Wants? TextLines { get; }

    public Wants? Typing { get; }

    public Wants? Info { get; }

    /// <summary>Who is here, in lists and changes. Only in a room.</summary>
    public Wants? People { get; }

    /// <summary>What is unread, live. Only in an inbox.</summary>
    public Wants? Unread { get; }

    /// <summary>A filter on presence, people, info or typing alone does not make anybody present.</summary>
    public bool CountsAsPresent { get; }

    public bool WantsPresence => _presence.Length > 0;

    /// <summary>Of everybody, by a filter that names nobody.</summary>
    public bool WantsAllPresence => Array.Exists(_presence, filter => !filter.Filter.NamesPresence);

    /// <summary>What the filters amount to; null when none is left.</summary>
    /// <param name="waits">For a place in a room that is full: what is said there is not for it yet.</param>
    public static Subscriber? Of(IMember member, EventStream stream, HeldFilter[] filters, bool waits = false) =>
        filters.Length == 0 ? null : new Subscriber(member, stream, filters, waits);

    /// <summary>How far the client is. Under the client's write lock.</summary>
    public Place Place { get; private set; }

    /// <summary>
    /// Whether the client still asks for topics of this kind.
    /// A client that changes its filters keeps what is on its way to it [MQTT-3.8.4-4], but for what it gave up or lost.
    /// Under the client's write lock.
    /// </summary>
    public bool StillWants(TopicKind kind) => Place.Now is { } now && kind switch
    {
        TopicKind.Events or TopicKind.Inbox or TopicKind.Notices => now.Events is not null,
        TopicKind.Text => now.TextLines is not null,
        TopicKind.Typing => now.Typing is not null,
        TopicKind.Info => now.Info is not null,
        TopicKind.Presence => now.WantsPresence,
        TopicKind.People => now.People is not null,
        TopicKind.Read => now._reads.Length > 0 || now._conversations.Length > 0,
        TopicKind.ConversationTyping => now._conversations.Length > 0,
        TopicKind.Unread => now.Unread is not null,
        _ => false,
    };

    /// <summary>
    /// Another takes this one's place; null: the place is given up. Under the client's write lock, before the other can be seen.
    /// </summary>
    public void GiveWayTo(Subscriber? other)
    {
        Place.Now = other;
        other?.Place = Place;
        if (other?.Events is null)
        {
            // Who asks for events again later begins anew, with what comes then.
            Place.Forget();
        }

        if (other?.Unread is null && other?.People is null)
        {
            // As above: what was still to be said is not said to who asks again later.
            Place.Feed = null;
        }
    }

    /// <param name="reach">Which of its filters it is said to.</param>
    public Wants? PresenceOf(string user, PresenceReach reach) => Wants.Of(
        _presence,
        filter => filter.Filter.CoversPresenceOf(user) && (reach == PresenceReach.All || filter.Filter.NamesPresence == (reach == PresenceReach.Named)));

    /// <param name="room">Null: the read position of whispers.</param>
    public Wants? ReadsOf(string? room) => Wants.Of(_reads, filter => filter.Filter.CoversReadsOf(room));

    /// <param name="user">Whose conversation with the account it is.</param>
    public Wants? ReadsOfConversation(string user) =>
        Wants.Of(_conversations, filter => filter.Filter.ConversationReads && filter.Filter.CoversConversationWith(user));

    /// <param name="user">Who writes.</param>
    public Wants? TypingOf(string user) =>
        Wants.Of(_conversations, filter => filter.Filter.ConversationTyping && filter.Filter.CoversConversationWith(user));
}

/// <summary>What all the subscribers share that one client was, one after the other, in one stream.</summary>
/// <remarks>
/// Guarded by the client's write lock. An event is written only if it is the one after <see cref="Cursor"/>.
/// So it does not matter who brings it, the room as it happens or the feeder from the log: nothing is left out, doubled or out of order.
/// </remarks>
internal sealed class Place(EventStream stream)
{
    private const long Nowhere = -1;

    public EventStream Stream { get; } = stream;

    /// <summary>Null: it has none any more.</summary>
    public Subscriber? Now { get; set; }

    /// <summary>The seq written last; negative until the first: then what comes first counts as next.</summary>
    public long Cursor { get; set; } = Nowhere;

    /// <summary>The newest seq that the client is owed.</summary>
    public long Owed { get; set; } = Nowhere;

    /// <summary>The epoch that <see cref="Cursor"/> counts in; known where the client asked for more than what comes.</summary>
    public string Epoch { get; set; } = "";

    /// <summary>Up to this seq the client asked for history; what comes after is delivered to it.</summary>
    public long HistoryUntil { get; set; } = Nowhere;

    /// <summary>A `reset` to be written before anything else.</summary>
    public EncodedPublish? Reset { get; set; }

    /// <summary>
    /// What the client is still to be told of what is unread, in an inbox, or of who is here, in a room, as whoever says it notes it.
    /// Made and used by the stream's worker alone; who gives the topic up drops it.
    /// </summary>
    public object? Feed { get; set; }

    /// <summary>It is on the feeder's list.</summary>
    public bool IsFed { get; set; }

    public bool IsBehind => Reset is not null || Cursor < Owed;

    public void Forget() => (Cursor, Owed, HistoryUntil, Reset) = (Nowhere, Nowhere, Nowhere, null);
}

/// <summary>How one kind of topic is delivered to one client.</summary>
/// <param name="NoLocal">Every filter that matches asks not to hear what this very client publishes (MQTT 5.0, 3.8.3.1).</param>
/// <param name="RetainAsPublished">
/// What is retained comes with the retain flag also when it comes live [MQTT-3.3.1-13]; a filter asks for it.
/// </param>
/// <param name="SubscriptionIds">Of all matching filters (MQTT 5.0, 3.3.4); usually empty.</param>
internal sealed record Wants(byte QualityOfService, bool NoLocal, bool RetainAsPublished, int[] SubscriptionIds)
{
    // Nearly every client is one of these, so they share the object.
    private static readonly Wants AtMostOnce = new(0, false, false, []);
    private static readonly Wants AtLeastOnce = new(1, false, false, []);

    public static Wants? Of(HeldFilter[] filters, Func<HeldFilter, bool> matches)
    {
        byte quality = 0;
        var noLocal = true;
        var any = false;
        var retainAsPublished = false;
        List<int>? ids = null;
        foreach (var filter in filters)
        {
            if (!matches(filter))
            {
                continue;
            }

            any = true;
            quality = Math.Max(quality, filter.QualityOfService);
            noLocal &= filter.NoLocal;
            retainAsPublished |= filter.RetainAsPublished;
            if (filter.SubscriptionId != 0)
            {
                (ids ??= []).Add(filter.SubscriptionId);
            }
        }

        return !any ? null
            : noLocal || retainAsPublished || ids is not null ? new Wants(quality, noLocal, retainAsPublished, ids?.ToArray() ?? [])
            : quality == 0 ? AtMostOnce : AtLeastOnce;
    }
}
