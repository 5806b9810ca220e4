namespace WebMessenger.Broker.Topics;

/// <summary>The kinds of topic there are (docs/protocol.md, topics).</summary>
internal enum TopicKind
{
    /// <summary>`rooms/{room}`</summary>
    Events,

    /// <summary>`rooms/{room}/text`</summary>
    Text,

    /// <summary>`rooms/{room}/typing`</summary>
    Typing,

    /// <summary>`rooms/{room}/presence/{user}`</summary>
    Presence,

    /// <summary>`rooms/{room}/info`</summary>
    Info,

    /// <summary>`rooms/{room}/people`</summary>
    People,

    /// <summary>`rooms/{room}/data/…`: what devices say.</summary>
    Data,

    /// <summary>`users/{user}`</summary>
    Inbox,

    /// <summary>
    /// `users/{user}/read/{room}`, `users/{user}/read` for whispers, and `users/{user}/conversations/{other}/read`.
    /// </summary>
    Read,

    /// <summary>`users/{user}/unread`</summary>
    Unread,

    /// <summary>`users/{user}/notices`</summary>
    Notices,

    /// <summary>Published to `users/{user}/typing`, heard on `users/{user}/conversations/{other}/typing`.</summary>
    ConversationTyping,
}

/// <summary>A topic name of our grammar, taken apart. What does not parse is nobody's topic.</summary>
/// <param name="Name">The room id, or the user name of an inbox and what is beside it.</param>
/// <param name="ReadRoom">The room of a read position; null: that of whispers, or of a conversation.</param>
/// <param name="With">The other's user name, of what is about a conversation.</param>
internal readonly record struct RoomTopic(TopicKind Kind, string Name, string? ReadRoom = null, string? With = null)
{
    private const string Conversations = "conversations/";

    public static bool TryParse(ReadOnlySpan<char> topic, out RoomTopic parsed)
    {
        parsed = default;
        if (topic.StartsWith("users/"))
        {
            return TryParseUser(topic["users/".Length..], out parsed);
        }

        if (!topic.StartsWith("rooms/"))
        {
            return false;
        }

        var rest = topic["rooms/".Length..];
        var slash = rest.IndexOf('/');
        var room = slash < 0 ? rest : rest[..slash];
        if (/* guard: form of room ids */ !RoomId.IsValid(room))
        {
            return false;
        }

        var below = slash < 0 ? default : rest[(slash + 1)..];
        TopicKind? kind = below switch
        {
            _ when slash < 0 => TopicKind.Events,
            "text" => TopicKind.Text,
            "typing" => TopicKind.Typing,
            "info" => TopicKind.Info,
            "people" => TopicKind.People,
            _ when below.StartsWith("presence/") && IsUserName(below["presence/".Length..]) => TopicKind.Presence,
            _ when below.StartsWith("data/") && below.Length > "data/".Length => TopicKind.Data,
            _ => null,
        };
        if (kind is null)
        {
            return false;
        }

        parsed = new RoomTopic(kind.Value, room.ToString());
        return true;
    }

    private static bool TryParseUser(ReadOnlySpan<char> rest, out RoomTopic parsed)
    {
        parsed = default;
        var slash = rest.IndexOf('/');
        var user = slash < 0 ? rest : rest[..slash];
        if (!IsUserName(user))
        {
            return false;
        }

        var below = slash < 0 ? default : rest[(slash + 1)..];
        if (slash < 0)
        {
            parsed = new RoomTopic(TopicKind.Inbox, user.ToString());
        }
        else if (below is "unread")
        {
            parsed = new RoomTopic(TopicKind.Unread, user.ToString());
        }
        else if (below is "notices")
        {
            parsed = new RoomTopic(TopicKind.Notices, user.ToString());
        }
        else if (below is "typing")
        {
            parsed = new RoomTopic(TopicKind.ConversationTyping, user.ToString());
        }
        else if (below.StartsWith(Conversations) && below.EndsWith("/read") && IsUserName(OtherIn(below)))
        {
            parsed = new RoomTopic(TopicKind.Read, user.ToString(), With: OtherIn(below).ToString());
        }
        else if (below is "read")
        {
            parsed = new RoomTopic(TopicKind.Read, user.ToString());
        }
        else if (below.StartsWith("read/") && RoomId.IsValid(below["read/".Length..]))
        {
            parsed = new RoomTopic(TopicKind.Read, user.ToString(), below["read/".Length..].ToString());
        }

        return parsed.Name is not null;
    }

    // Of `conversations/{other}/{one more level}` the name; empty: it is none.
    private static ReadOnlySpan<char> OtherIn(ReadOnlySpan<char> below)
    {
        var end = below.LastIndexOf('/');
        return end > Conversations.Length ? below[Conversations.Length..end] : default;
    }

    /// <summary>`[a-z0-9]`, then up to 31 of `[a-z0-9._-]`.</summary>
    public static bool IsUserName(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > 32 || !char.IsAsciiLetterOrDigit(text[0]))
        {
            return false;
        }

        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c) && !char.IsAsciiLetterLower(c) && c is not ('.' or '_' or '-'))
            {
                return false;
            }
        }

        return true;
    }
}
