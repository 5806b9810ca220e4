namespace WebMessenger.Broker.Topics;

/// <summary>Why a text is no filter that this server serves.</summary>
internal enum FilterError
{
    None,

    /// <summary>Not well-formed by MQTT's rules, or a form outside the grammar: nothing would ever match it.</summary>
    Invalid,

    /// <summary>Well-formed, but of topics that are nobody's to subscribe to.</summary>
    NotAllowed,

    /// <summary>`rooms/{room}/data/…`: reserved, not built.</summary>
    DataNotBuilt,

    SharedNotBuilt,
}

/// <summary>
/// A topic filter of our grammar (docs/protocol.md, filters): one room or all my rooms, and what inside; or an inbox, and what beside it.
/// </summary>
internal sealed class RoomFilter
{
    private readonly string? _presenceUser;
    private readonly bool _readsOfRooms;
    private readonly bool _readsOfWhispers;

    private RoomFilter(string text, string? room, string? inbox, ReadOnlySpan<string> below)
    {
        (Text, Room, Inbox) = (text, room, inbox);
        if (inbox is not null)
        {
            Whispers = Matches(below, []);

            // A filter of version 1 goes on bringing what it brought: only one that names the level asks for what came later.
            Unread = below is ["unread", ..] && Matches(below, ["unread"]);
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

    public string Text { get; }

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

    public bool Events { get; }

    public bool TextLines { get; }

    public bool Typing { get; }

    public bool Info { get; }

    public bool Presence { get; }

    /// <summary>Who is here, in lists and changes: `rooms/{room}/people`, which no wildcard in its place stands for.</summary>
    public bool People { get; }

    /// <summary>Asks for the presence of one user alone.</summary>
    public bool NamesPresence => _presenceUser is not null;

    /// <summary>`rooms/{room}` or `users/{user}` and nothing else.</summary>
    public bool IsOneLog => Inbox is not null ? Whispers && !Reads : Room is not null && Events && !TextLines && !Typing && !Info && !Presence && !People;

    /// <summary>Asks for a room's info and nothing else, which whoever may see the room may have.</summary>
    public bool IsInfoOnly => Info && !Events && !TextLines && !Typing && !Presence && !People;

    public bool CoversRoom(string room) => Inbox is null && (Room is null || Room == room);

    public bool CoversPresenceOf(string user) => Presence && (_presenceUser is null || _presenceUser == user);

    /// <param name="room">Null: whispers.</param>
    public bool CoversReadsOf(string? room) => room is null ? _readsOfWhispers : _readsOfRooms && (ReadRoom is null || ReadRoom == room);

    public static FilterError TryParse(string text, out RoomFilter? filter)
    {
        filter = null;
        if (text.StartsWith("$share/", StringComparison.Ordinal))
        {
            return FilterError.SharedNotBuilt;
        }

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
            filter = filter is { Whispers: true } or { Reads: true } or { Unread: true } ? filter : null;
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

        if (below is ["data", ..])
        {
            return FilterError.DataNotBuilt;
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
