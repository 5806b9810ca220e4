using System.Collections.Frozen;

namespace WebMessenger.Auth.Sessions;

/// <summary>What an access token may do in a room.</summary>
[Flags]
public enum Verbs
{
    None = 0,
    Read = 1,
    Post = 2,
    Data = 4,

    /// <summary>What every token may that says nothing of verbs.</summary>
    All = Read | Post | Data,

    /// <summary>Kick, ban, mute and what else is done to others: in no token that did not ask for it.</summary>
    Moderate = 8,
    Everything = All | Moderate,
}

/// <summary>
/// The rooms and verbs a login session is limited to. <see cref="Rooms"/> null: all rooms of the account. One with a
/// <see cref="Mount"/> is limited to that room, and to <see cref="Verbs.Data"/>: so whoever asks for a room or a verb need not know of
/// mounts.
/// </summary>
public sealed record Scope(IReadOnlySet<string>? Rooms, Verbs Verbs)
{
    public static Scope Everything { get; } = new(null, Verbs.Everything);

    /// <summary>
    /// The id of the room whose data topics are all that the clients see, without `rooms/{id}/data/` before them. Null: they see the
    /// topics of the server.
    /// </summary>
    public string? Mount { get; init; }

    /// <summary>Only with a <see cref="Mount"/>. Null: all topics below it.</summary>
    public TopicScope? Topics { get; init; }

    /// <summary>Less than every token may that says nothing of rooms and verbs.</summary>
    public bool IsLimited => Rooms is not null || !Verbs.HasFlag(Verbs.All);

    public static Scope OfMount(string room, TopicScope? topics) =>
        new(/* guard: a mount has its room alone */ FrozenSet.Create(room), /* guard: a mount has data alone */ Verbs.Data)
        {
            Mount = room, Topics = topics,
        };

    /// <summary>
    /// How many of an account's places its limited tokens may have, all together: one that is stolen leaves its owner the others.
    /// </summary>
    public static int ShareOf(int places) => (places + 1) / 2;

    /// <summary>Whether all that the other allows is allowed here, under the same names.</summary>
    public bool Covers(Scope other) =>
        (Verbs & other.Verbs) == other.Verbs && (Rooms is null || (other.Rooms is not null && other.Rooms.All(Rooms.Contains)))
        && Mount == other.Mount && (Topics is null || Topics.Equals(other.Topics));

    public bool Allows(string room, Verbs verbs) => (Verbs & verbs) == verbs && (Rooms is null || Rooms.Contains(room));
}
