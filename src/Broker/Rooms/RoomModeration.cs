using System.Globalization;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>Kicks, bans and mutes: what each changes, and who is told of it (ADR 0074).</summary>
internal sealed class RoomModeration(
    RoomDirectory directory, RoomMembers members, RoomInvitations invitations, IRoomClients clients, BrokerLimits limits, TimeProvider time)
{
    /// <summary>Who was kicked comes into a public room again after so long.</summary>
    public static readonly TimeSpan KickWait = TimeSpan.FromSeconds(60);

    // Of the store's memory of what is over, so many are removed with each act: there are never many more than hold.
    private const int TidiedAtOnce = 32;

    private static readonly PublishRefusal _notAllowed =
        new(ReasonCode.NotAuthorized, "Only moderators of the room can do this.", "not_allowed");

    private static readonly PublishRefusal _higherRank =
        new(ReasonCode.NotAuthorized, "Nobody does this to who ranks as high.", "not_allowed");

    private static readonly PublishRefusal _noSuchMember =
        new(ReasonCode.NotAuthorized, "There is no such member in this room.", "no_such_member");

    private static readonly PublishRefusal _notHeld =
        new(ReasonCode.NotAuthorized, "There is no such ban or mute in this room.", "no_such_member");

    private static readonly PublishRefusal _ownerStays = new(
        ReasonCode.NotAuthorized, "The owner of a room is not put out of it or muted: give the room to somebody else first.", "owner_leaves");

    // Who bans a name learns whether it is somebody's: names that are nobody's are counted as invitations are (fault S13).
    private readonly DailyBudget _misses = new(limits.InvitationsPerDay, time, isStored: false);

    /// <summary>Alone with the room, and in the turn of whom it is about.</summary>
    /// <param name="whom">Null: nobody has the name, or who asks had no right to ask.</param>
    public async Task<ActPlan> PlanAsync(Room room, ModerationAct act, LoginSession session, Account? whom)
    {
        var by = session.Account;
        if (WhyNot(room, act, by, whom) is { } refusal)
        {
            return ActPlan.No(refusal);
        }

        var now = room.Restraints.Now;
        var before = room.Restraints.StoredOf(whom!.Id);
        var held = HeldBy(act, by, now);
        var after = After(before?.At(now), act.Event, held);
        if (/* guard: bans and mutes of a room */ after?.IsLasting == true && before?.At(now)?.IsLasting != true && IsFull(room))
        {
            return ActPlan.No(TooMany());
        }

        // A kick that could not be noted takes effect all the same, and he may come again at once.
        if (act.Event == EventType.Kick && before is null && IsFull(room))
        {
            after = null;
        }

        var membership = act.Event is EventType.Kick or EventType.Ban ? room.MembershipOf(whom.Id) : null;
        var over = Over(room, whom.Id, now);
        List<RecordChange> changes = [.. RestraintStore.ChangesOf(room.Key, whom.Id, after)];
        changes.AddRange(over.SelectMany(account => RestraintStore.ChangesOf(room.Key, account, null)));
        List<RecordCondition> conditions =
            [RestraintStore.Condition(room.Key, whom.Id, before), .. ActPlan.ActorIsAsSeen(room, by, whom)];
        if (membership is not null)
        {
            changes.AddRange(await members.RemovalOfAsync(room, whom, membership));
            if (membership.IsStored)
            {
                conditions.Add(MembershipStore.Condition(room.Key, whom.Id, membership.Record));
            }
        }

        var forgotten = Task.CompletedTask;
        return new ActPlan(null, [.. changes], [.. conditions], writer => WriteFields(writer, act, whom, held), () =>
        {
            room.Restraints.Become(whom.Id, after);
            over.ForEach(account => room.Restraints.Become(account, null));
            if (membership is not null)
            {
                directory.RemoveMember(room, whom.Id);
            }
        })
        {
            TakesAway = TakesAway(act.Event, before?.At(now)),
            Words = WordsOf(act, by, whom),
            After = () =>
            {
                forgotten = membership is null ? forgotten : members.Lost(room, whom, RoomLoss.Removed);
                return Task.CompletedTask;
            },
            Settle = () => SettleAsync(room, act, by, whom, held, membership is not null, forgotten),
        };
    }

    private PublishRefusal? WhyNot(Room room, ModerationAct act, Account by, Account? whom)
    {
        // Before the name is looked at: who moderates nothing learns nothing of names.
        if (!RoomPolicy.MayModerate(room, by, null))
        {
            return _notAllowed;
        }

        var isBan = act.Event == EventType.Ban;
        var isKnown = whom is { IsErased: false } && act.Event switch
        {
            EventType.Ban => true,
            EventType.Unban => room.Restraints.BanOf(whom.Id) is not null,
            EventType.Unmute => room.Restraints.MuteOf(whom.Id) is not null,
            _ => room.IsMember(whom.Id),
        };
        if (!isKnown)
        {
            return isBan && !(/* guard: names that are nobody's, banned */ _misses.TryTake(by.Id)) ? TriedTooOften(by)
                : act.Event is EventType.Unban or EventType.Unmute ? _notHeld : _noSuchMember;
        }

        return !RoomPolicy.MayModerate(room, by, whom) ? _higherRank
            : (/* guard: a room's owner is not put out of it */ room.OwnerId == whom!.Id) ? _ownerStays
            : null;
    }

    private static Restriction HeldBy(ModerationAct act, Account by, DateTimeOffset now)
    {
        DateTimeOffset? until = act.Event == EventType.Kick ? now + KickWait : act.Minutes > 0 ? now.AddMinutes(act.Minutes) : null;
        return new Restriction(by.Id, now, until, act.Reason);
    }

    private static Restraint? After(Restraint? before, EventType type, Restriction held)
    {
        var now = before ?? new Restraint();
        now = type switch
        {
            EventType.Kick => now with { Kick = held },
            EventType.Ban => now with { Ban = held, Kick = null },
            EventType.Unban => now with { Ban = null },
            EventType.Mute => now with { Mute = held },
            _ => now with { Mute = null },
        };
        return now == new Restraint() ? null : now;
    }

    // What is held longer or otherwise costs as what is said: a moderator could else fill the disk by it.
    private static bool TakesAway(EventType type, Restraint? before) => type switch
    {
        EventType.Kick => true,
        EventType.Ban => before?.Ban is null,
        EventType.Mute => before?.Mute is null,
        _ => false,
    };

    private bool IsFull(Room room) => limits.BansPerRoom is > 0 and var limit && room.Restraints.Holding.Count(one => one.Value.IsLasting) >= limit;

    private PublishRefusal TooMany() => new(
        ReasonCode.NotAuthorized,
        string.Create(CultureInfo.InvariantCulture, $"In a room {limits.BansPerRoom} people may be banned or muted. Lift one first."),
        "too_many");

    private PublishRefusal TriedTooOften(Account by) => new(
        ReasonCode.QuotaExceeded,
        "You have named nobody as often today as you may. Try again later.",
        "too_many_attempts",
        (int)Math.Ceiling(_misses.WaitOf(by.Id).TotalSeconds));

    private static List<string> Over(Room room, string except, DateTimeOffset now) =>
        [.. room.Restraints.Stored.Where(one => one.Key != except && one.Value.At(now) is null).Select(one => one.Key).Take(TidiedAtOnce)];

    private static void WriteFields(Utf8JsonWriter writer, ModerationAct act, Account whom, Restriction held)
    {
        writer.WriteStartObject("target"u8);
        EventBody.WriteAuthor(writer, TargetOf(whom));
        writer.WriteEndObject();
        if (act.Event is EventType.Ban or EventType.Mute && held.Until is { } until)
        {
            writer.WriteString("until"u8, Timestamps.Format(until));
        }

        if (/* guard: a reason is for the person alone */ act.IsPublic && act.Reason is not null)
        {
            writer.WriteString("reason"u8, act.Reason);
        }
    }

    private async Task SettleAsync(
        Room room, ModerationAct act, Account by, Account whom, Restriction held, bool wasMember, Task forgotten)
    {
        if (act.Event == EventType.Ban)
        {
            // A crash before this leaves an invitation that opens nothing while the ban holds.
            await invitations.UseUpAsync(room.Key, whom.Id);
        }

        if (wasMember)
        {
            await members.SettleAsync(room, whom, forgotten);
        }
        else if (act.Event == EventType.Ban)
        {
            // Whoever watches the info of a public room without being on its list.
            clients.Place(whom.Id, room, replay: false);
        }

        // Who has no inbox yet has no client that could hear of it.
        directory.FindInbox(whom.Id)?.Enqueue(
            new InboxNotice(room, CodeOf(act.Event), NoticeOf(room, act, by, held), act.Event is EventType.Unban or EventType.Unmute ? held with { Until = null } : held));
    }

    private static string NoticeOf(Room room, ModerationAct act, Account by, Restriction held)
    {
        var title = room.Record.Title;
        var end = held.Until is { } until && act.Event != EventType.Kick ? " until " + Timestamps.Format(until) : "";
        var what = act.Event switch
        {
            EventType.Kick => $"took you out of {title}",
            EventType.Ban => $"banned you from {title}{end}",
            EventType.Unban => $"lifted your ban from {title}",
            EventType.Mute => $"muted you in {title}{end}",
            _ => $"lets you write in {title} again",
        };
        return PlainLine.Of($"{by.DisplayName} ({by.UserName}) {what}." + (act.Reason is { } reason ? " " + reason : ""));
    }

    private static string CodeOf(EventType type) => type switch
    {
        EventType.Kick => "kicked",
        EventType.Ban => "banned",
        EventType.Unban => "unbanned",
        EventType.Mute => "muted",
        _ => "unmuted",
    };

    private static string WordsOf(ModerationAct act, Account by, Account whom)
    {
        var (from, target) = (TargetOf(by).Name, TargetOf(whom).Name);
        var span = act.Minutes > 0 ? string.Create(CultureInfo.InvariantCulture, $" for {act.Minutes} minutes") : "";
        var line = act.Event switch
        {
            EventType.Kick => $"{from} removed {target}",
            EventType.Ban => $"{from} banned {target}{span}",
            EventType.Unban => $"{from} lifted the ban of {target}",
            EventType.Mute => $"{from} muted {target}{span}",
            _ => $"{from} lets {target} write again",
        };
        return act is { IsPublic: true, Reason: { } reason } ? $"{line}: {reason}" : line;
    }

    private static Author TargetOf(Account whom) => Author.Of(whom, whom.IsGuest ? "guest" : "person");
}
