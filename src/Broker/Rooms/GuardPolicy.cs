using System.Text.Json.Serialization;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>What a room keeps off by itself; all of it is off where nothing is said. Moderators, hooks and rules are not asked.</summary>
/// <param name="NewcomerMinutes">Who has been on the list, or here as a guest, for less writes no links; 0: everybody does.</param>
/// <param name="Repeats">The same text of one account is refused when it comes so many times within ten minutes; 0: never.</param>
/// <param name="GuestsPerMinute">More new guests than that do not come in within a minute; 0: as many as come.</param>
internal sealed record GuardPolicy(int NewcomerMinutes = 0, int Repeats = 0, int GuestsPerMinute = 0)
{
    /// <summary>It looks at what is written.</summary>
    [JsonIgnore]
    public bool ReadsTexts => NewcomerMinutes > 0 || Repeats > 0;

    public GuardPolicy With(GuardChanges? changes) => changes is null ? this : new(
        changes.NewcomerMinutes ?? NewcomerMinutes, changes.Repeats ?? Repeats, changes.GuestsPerMinute ?? GuestsPerMinute);

    public bool LetsNobodyDoMoreThan(GuardPolicy before) => NewcomerMinutes >= before.NewcomerMinutes
        && IsNotMore(Repeats, before.Repeats)
        && IsNotMore(GuestsPerMinute, before.GuestsPerMinute);

    private static bool IsNotMore(int bound, int before) => before == 0 || (bound > 0 && bound <= before);
}
