namespace WebMessenger.Broker.Topics;

/// <summary>Why a text is no filter that this server serves.</summary>
internal enum FilterError
{
    None,

    /// <summary>Not well-formed by MQTT's rules, or a form outside the grammar: nothing would ever match it.</summary>
    Invalid,

    /// <summary>Well-formed, but of topics that are nobody's to subscribe to.</summary>
    NotAllowed,

    /// <summary>A shared subscription to something else than data topics and the messages of rooms.</summary>
    SharedNotBuilt,
}

/// <summary>
/// A topic filter of our grammar (docs/protocol.md, filters): one room or all my rooms, and what inside; or an inbox, and what beside it.
/// </summary>
internal sealed class RoomFilter
{
    private const string Share = "$share/";
    private const string ServerLevel = "$SYS";

    private readonly string? _presenceUser;
    private readonly bool _readsOfRooms;
    private readonly bool _readsOfWhispers;
    private readonly string? _conversationUser;

    private RoomFilter(string text, string? room, string? inbox, ReadOnlySpan<string> below)
    {
        (Text, Room, Inbox) = (text, room, inbox);
        if (inbox is not null)
        {
            Whispers = Matches(below, []);

            // A filter of version 1 goes on bringing what it brought: only one that names the level asks for what came later.
            Unread = below is ["unread", ..] && Matches(below, ["unread"]);
            Notices = below is ["notices", ..] && Matches(below, ["notices"]);
            if (below is ["conversations", .. var ofOther])
            {
                _conversationUser = ofOther is [not ("+" or "#") and var other, ..] ? other : null;
                var name = _conversationUser ?? "\0";
                ConversationReads = Matches(below, ["conversations", name, "read"]);
                ConversationTyping = Matches(below, ["conversations", name, "typing"]);
                return;
            }

            _readsOfWhispers = Matches(below, ["read"]);
            _readsOfRooms = Matches(below, ["read", "\0"]);
            if (below is [_, var id, ..] && RoomId.IsValid(id) && Matches(below, ["read", id]))
            {
                (ReadRoom, _readsOfRooms) = (id, true);
            }

            return;
        }

        Events = Matches(below, []);
        TextLines = Matches(below, ["text"]);
        Typing = Matches(below, ["typing"]);
        Info = Matches(below, ["info"]);
        People = below is ["people", ..] && Matches(below, ["people"]);

        // Whoever is asked for, the levels before the user name decide; "\0" stands for a name nobody has.
        Presence = Matches(below, ["presence", "\0"]) || (below is [_, var last] && Matches(below, ["presence", last]));
        _presenceUser = Presence && below is [_, not ("+" or "#") and var user] ? user : null;
    }

    private RoomFilter(string text, string? room, string group) => (Text, Room, Group) = (text, room, group);

    private RoomFilter(string text, string? room, DataFilter data, string? group, bool isMounted) =>
        (Text, Room, Data, Group, IsMounted, Server) = (text, room, data, group, isMounted, isMounted && group is null && data.Levels[0] == ServerLevel ? data : null);

    private RoomFilter(string text, DataFilter server) => (Text, Server) = (text, server);

    public string Text { get; }

    /// <summary>What devices say, below `rooms/{room}/data/`; nothing else is asked for then. Null: nothing of that.</summary>
    public DataFilter? Data { get; }

    /// <summary>
    /// What the server says of itself, below `$SYS/`: in a mount beside <see cref="Data"/>, for bridges say some of it. Null: nothing of
    /// that.
    /// </summary>
    public DataFilter? Server { get; }

    /// <summary>It asks for that and nothing else.</summary>
    public bool IsOfServer => Server is not null && Data is null;

    /// <summary>The name of the group that shares what the filter brings (MQTT 5.0, 4.8.2); null: none.</summary>
    public string? Group { get; }

    /// <summary>The client sees data topics without what stands before them.</summary>
    public bool IsMounted { get; }

    /// <summary>The one room it names; null for all rooms of the account (`rooms/+…`), and for an inbox.</summary>
    public string? Room { get; }

    /// <summary>The user name of `users/{user}…`; null for rooms.</summary>
    public string? Inbox { get; }

    /// <summary>Whispers and notices: `users/{user}` itself.</summary>
    public bool Whispers { get; }

    /// <summary>Read positions, of whispers or of rooms.</summary>
    public bool Reads => _readsOfWhispers || _readsOfRooms;

    /// <summary>The one room whose read position it names; null: all of the account's, or none.</summary>
    public string? ReadRoom { get; }

    /// <summary>What is unread, live: `users/{user}/unread`, which no wildcard in its place stands for.</summary>
    public bool Unread { get; }

    /// <summary>Who named or answered the account: `users/{user}/notices`, which no wildcard in its place stands for.</summary>
    public bool Notices { get; }
    /// <summary>Read positions of conversations: `users/{user}/conversations/{other}/read`.</summary>
    public bool ConversationReads { get; }

    /// <summary>Who writes to the account: `users/{user}/conversations/{other}/typing`.</summary>
    public bool ConversationTyping { get; }

    /// <summary>The one conversation whose read position it names; null: all of the account's, or none.</summary>
    public string? ReadConversation => ConversationReads ? _conversationUser : null;

    public bool Events { get; }

    public bool TextLines { get; }

    public bool Typing { get; }

    public bool Info { get; }

    public bool Presence { get; }

    /// <summary>Who is here, in lists and changes: `rooms/{room}/people`, which no wildcard in its place stands for.</summary>
    public bool People { get; }

    /// <summary>Asks for the presence of one user alone.</summary>
    public bool NamesPresence => _presenceUser is not null;

    /// <summary>`rooms/{room}`, `users/{user}` or `users/{user}/notices`, and nothing else.</summary>
    public bool IsOneLog => Inbox is not null ? (Whispers && !Reads) || Notices : Room is not null && Events && !TextLines && !Typing && !Info && !Presence && !People;

    /// <summary>Asks for a room's info and nothing else, which whoever may see the room may have.</summary>
    public bool IsInfoOnly => Info && !Events && !TextLines && !Typing && !Presence && !People;

    public bool CoversRoom(string room) => Inbox is null && !IsOfServer && (Room is null || Room == room);

    public bool CoversPresenceOf(string user) => Presence && (_presenceUser is null || _presenceUser == user);

    /// <param name="room">Null: whispers.</param>
    public bool CoversReadsOf(string? room) => room is null ? _readsOfWhispers : _readsOfRooms && (ReadRoom is null || ReadRoom == room);

    /// <param name="user">Of the other.</param>
    public bool CoversConversationWith(string user) => _conversationUser is null || _conversationUser == user;

    /// <param name="mount">Id of the room that is the client's whole world; null: it has no mount.</param>
    public static FilterError TryParse(string text, out RoomFilter? filter, string? mount = null)
    {
        filter = null;
        var (inner, group) = (text, (string?)null);
        if (text.StartsWith(Share, StringComparison.Ordinal))
        {
            // [MQTT-4.8.2-1], [MQTT-4.8.2-2]
            var slash = text.IndexOf('/', Share.Length);
            (group, inner) = slash < 0 ? ("", "") : (text[Share.Length..slash], text[(slash + 1)..]);
            if (/* guard: form of shared filters */ group.Length == 0 || group.AsSpan().ContainsAny('+', '#') || inner.Length == 0)
            {
                return FilterError.Invalid;
            }
        }

        if (mount is not null)
        {
            filter = DataFilter.TryParse(inner, isMounted: true, out var mounted) ? new(text, mount, mounted, group, isMounted: true) : null;
            return filter is null ? FilterError.Invalid : FilterError.None;
        }

        if (IsOfData(inner, out var dataRoom, out var belowData))
        {
            filter = DataFilter.TryParse(belowData, isMounted: false, out var data) ? new(text, dataRoom, data, group, isMounted: false) : null;
            return filter is null ? FilterError.Invalid : FilterError.None;
        }

        if (group is null && inner.StartsWith(ServerLevel + "/", StringComparison.Ordinal))
        {
            filter = DataFilter.TryParse(inner, isMounted: false, out var server) ? new(text, server) : null;
            return filter is null ? FilterError.Invalid : FilterError.None;
        }

        return group is null ? TryParseTalk(text, out filter) : TryParseSharedTalk(text, inner, group, out filter);
    }

    // What is said in rooms, and nothing beside it, of which each of the group needs all.
    private static FilterError TryParseSharedTalk(string text, string inner, string group, out RoomFilter? filter)
    {
        filter = null;
        if (TryParseTalk(inner, out var talk) is not FilterError.None and var error)
        {
            return error;
        }

        if (talk is not { Events: true, Inbox: null } || inner != "rooms/" + (talk.Room ?? "+"))
        {
            return FilterError.SharedNotBuilt;
        }

        filter = new(text, talk.Room, group);
        return FilterError.None;
    }

    private static bool IsOfData(string text, out string? room, out string below)
    {
        (room, below) = (null, "");
        const string rooms = "rooms/", data = "/data/";
        var slash = text.StartsWith(rooms, StringComparison.Ordinal) ? text.IndexOf('/', rooms.Length) : -1;
        if (slash < 0 || !text.AsSpan(slash).StartsWith(data))
        {
            return false;
        }

        var id = text[rooms.Length..slash];
        (room, below) = (id == "+" ? null : id, text[(slash + data.Length)..]);
        return id == "+" || RoomId.IsValid(id);
    }

    private static FilterError TryParseTalk(string text, out RoomFilter? filter)
    {
        filter = null;
        var levels = text.Split('/');
        for (var i = 0; i < levels.Length; i++)
        {
            // [MQTT-4.7.1-1] `#` is alone in its level and last; [MQTT-4.7.1-2] `+` is alone in its level.
            // No topic of ours has an empty level.
            var level = levels[i];
            if (/* guard: form of filters */ level.Length == 0 || (level.Contains('#') && (level != "#" || i != levels.Length - 1)) || (level.Contains('+') && level != "+"))
            {
                return FilterError.Invalid;
            }
        }

        if (levels is ["users", var user, .. var own])
        {
            filter = RoomTopic.IsUserName(user) ? new RoomFilter(text, null, user, own) : null;
            filter = filter is { Whispers: true } or { Reads: true } or { Unread: true } or { Notices: true }
                or { ConversationReads: true } or { ConversationTyping: true } ? filter : null;
            return filter is null ? FilterError.NotAllowed : FilterError.None;
        }

        if (levels is not ["rooms", var room, .. var below])
        {
            return FilterError.NotAllowed;
        }

        if (room == "#")
        {
            (room, below) = ("+", ["#"]);
        }

        if (room != "+" && !RoomId.IsValid(room))
        {
            return FilterError.NotAllowed;
        }

        if (below is [DataTopic.Level, ..])
        {
            return FilterError.NotAllowed;
        }

        RoomFilter parsed = new(text, room == "+" ? null : room, null, below);
        if (!parsed.Events && !parsed.TextLines && !parsed.Typing && !parsed.Info && !parsed.Presence && !parsed.People)
        {
            return FilterError.Invalid;
        }

        filter = parsed;
        return FilterError.None;
    }

    // MQTT 5.0, 4.7.1: `#` matches its parent level too.
    private static bool Matches(ReadOnlySpan<string> filter, ReadOnlySpan<string> topic)
    {
        for (var i = 0; i < filter.Length; i++)
        {
            if (filter[i] == "#")
            {
                return true;
            }

            if (i >= topic.Length || (filter[i] != "+" && filter[i] != topic[i]))
            {
                return false;
            }
        }

        return filter.Length == topic.Length;
    }
}
