using System.Text.Json.Serialization;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>A room's rules as they are stored, and as protocol and HTTP show them. Who may do what by them, <see cref="RoomPolicy"/>
/// says.</summary>
/// <remarks>By a constructor, so that what is not stored has the value given here.</remarks>
/// <param name="Visibility">`public` or `private`.</param>
/// <param name="Entry">Who comes in: `open`, whoever sees it; else (`request`, `invite`) who is invited.</param>
/// <param name="Guests">What guests may: `write`, `read`, or `none`, not even come in.</param>
/// <param name="Posting">Who speaks: `everyone` who is in it, or `moderators`.</param>
/// <param name="Data">Who uses data topics.</param>
/// <param name="SlowMode">Seconds between two messages of one member, moderators aside; 0: none.</param>
/// <param name="Capacity">People present, moderators aside; 0: no bound.</param>
/// <param name="Retention">How long what was said is kept.</param>
/// <param name="EditWindow">Minutes in which an author may change what he said; −1: for ever.</param>
/// <param name="Archived">Everybody in it reads it, nobody writes, nobody new comes in, and only the lists of who is in it have it.</param>
/// <param name="History">Stored, and without effect yet. What somebody who comes in may read: `all`, or what is said from `now` on.</param>
/// <param name="Guard">What those who have come just now may not, and nobody many times.</param>
/// <param name="QuietUntil">Until then moderators alone write, and guests do not come in. Null, or past: it is not quiet.</param>
internal sealed record PolicyFields(
    string Visibility = "public",
    string Entry = "open",
    string Guests = "write",
    string Posting = "everyone",
    DataPolicy? Data = null,
    [property: JsonPropertyOrder(2)] int SlowMode = 0,
    [property: JsonPropertyOrder(2)] int Capacity = 0,
    RetentionPolicy? Retention = null,
    [property: JsonPropertyOrder(4)] int EditWindow = -1,
    [property: JsonPropertyOrder(4)] string History = "all",
    GuardPolicy? Guard = null,
    [property: JsonPropertyOrder(6), JsonConverter(typeof(TimestampJson)), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    DateTimeOffset? QuietUntil = null,
    [property: JsonPropertyOrder(6), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Archived = false)
{
    private const string PrivateVisibility = "private";

    [JsonPropertyOrder(1)]
    public DataPolicy Data { get; init; } = Data ?? new DataPolicy();

    [JsonPropertyOrder(3)]
    public RetentionPolicy Retention { get; init; } = Retention ?? new RetentionPolicy();

    [JsonPropertyOrder(5)]
    public GuardPolicy Guard { get; init; } = Guard ?? new GuardPolicy();

    [JsonIgnore]
    public bool IsPrivate => Visibility == PrivateVisibility;

    public static PolicyFields Of(bool isPrivate) => isPrivate ? new(PrivateVisibility) : new();

    /// <summary>Whether who may come in, speak or be there as a guest is the same, or fewer; and all else the same.</summary>
    public bool LetsNobodyDoMoreThan(PolicyFields before) =>
        this == before with
        {
            Visibility = Visibility, Entry = Entry, Guests = Guests, Posting = Posting, Guard = Guard, QuietUntil = QuietUntil, Archived = Archived,
        }
        && (Archived || !before.Archived)
        && (IsPrivate || !before.IsPrivate)
        && (Entry == before.Entry || before.Entry == "open")
        && (Posting == "moderators" || before.Posting == Posting)
        && (Guests == "none" || before.Guests == "write" || before.Guests == Guests)
        && Guard.LetsNobodyDoMoreThan(before.Guard)
        && (before.QuietUntil is not { } until || QuietUntil >= until);

    public PolicyFields With(PolicyChanges changes) => this with
    {
        Visibility = changes.Visibility ?? Visibility,
        Entry = changes.Entry ?? Entry,
        Guests = changes.Guests ?? Guests,
        Posting = changes.Posting ?? Posting,
        Data = new DataPolicy(changes.Data?.Read ?? Data.Read, changes.Data?.Write ?? Data.Write),
        SlowMode = changes.SlowMode ?? SlowMode,
        Capacity = changes.Capacity ?? Capacity,
        Retention = new RetentionPolicy(changes.Retention?.Days ?? Retention.Days, changes.Retention?.Messages ?? Retention.Messages),
        EditWindow = changes.EditWindow ?? EditWindow,
        History = changes.History ?? History,
        Guard = Guard.With(changes.Guard),
        QuietUntil = changes.QuietUntil is { } quiet ? quiet.Until : QuietUntil,
        Archived = changes.Archived ?? Archived,
    };
}

/// <summary>Who reads and writes data topics: `members`, `moderators`, or `tokens`: access tokens of members and nobody else.</summary>
internal sealed record DataPolicy(string Read = "members", string Write = "moderators");

/// <summary>How long what was said is kept; 0: for ever, and all.</summary>
/// <param name="Days">What is older goes.</param>
/// <param name="Messages">What is older than the newest so many messages goes; one that was deleted keeps its place among them.</param>
internal sealed record RetentionPolicy(int Days = 0, int Messages = 0)
{
    [JsonIgnore]
    public bool IsForEver => this is { Days: 0, Messages: 0 };

    /// <summary>What holds where the operator keeps nothing for longer; 0: he does.</summary>
    public RetentionPolicy Within(int daysAtMost) =>
        (/* guard: nothing is kept beyond the operator's days */ IsLess(daysAtMost, Days)) ? this with { Days = daysAtMost } : this;

    /// <summary>Something that was kept by the other is not kept by this.</summary>
    public bool KeepsLessThan(RetentionPolicy other) => IsLess(Days, other.Days) || IsLess(Messages, other.Messages);

    private static bool IsLess(int bound, int other) => bound > 0 && (other == 0 || bound < other);
}
