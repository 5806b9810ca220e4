using System.Globalization;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>Kicks, bans and mutes: what each changes, and who is told of it (ADR 0074).</summary>
internal sealed class RoomModeration(
    RoomDirectory directory,
    RoomMembers members,
    RoomInvitations invitations,
    AccountDirectory accounts,
    IgnoredPeople ignored,
    IRoomClients clients,
    BanEnds ends,
    DeletingWork deleting,
    AddressBans addresses,
    BrokerLimits limits,
    TimeProvider time)
{
    /// <summary>Who was kicked comes into a public room again after so long.</summary>
    public static readonly TimeSpan KickWait = TimeSpan.FromSeconds(60);

    // Of the store's memory of what is over, so many are removed with each act: there are never many more than hold.
    private const int TidiedAtOnce = 32;

    private static readonly PublishRefusal _notAllowed =
        new(ReasonCode.NotAuthorized, "Only moderators of the room can do this.", "not_allowed");

    private static readonly PublishRefusal _higherRank =
        new(ReasonCode.NotAuthorized, "Nobody does this to who ranks as high.", "not_allowed");

    private static readonly PublishRefusal _byHigherRank =
        new(ReasonCode.NotAuthorized, "Who imposed it ranks above you: it is not yours to lift or change.", "not_allowed");

    private static readonly PublishRefusal _noSuchTarget =
        new(ReasonCode.NotAuthorized, "This person is not in the room, or there is nobody of that name.", "no_such_target");

    private static readonly PublishRefusal _notHeld =
        new(ReasonCode.NotAuthorized, "There is no such ban or mute in this room.", "no_such_ban");

    private static readonly PublishRefusal _ownerStays = new(
        ReasonCode.NotAuthorized, "The owner of a room is not put out of it or muted: give the room to somebody else first.", "owner_stays");

    /// <summary>Who bans a name learns whether it is somebody's, and bans strangers that never heard of the room: counted as invitations
    /// are (S13).</summary>
    public DailyBudget BansOfStrangers { get; } = new(limits.InvitationsPerDay, time, isStored: false);

    /// <summary>Alone with the room, and in the turn of whom it is about.</summary>
    /// <param name="whom">Null: nobody has the name, or who asks had no right to ask.</param>
    public async Task<ActPlan> PlanAsync(Room room, ModerationAct act, LoginSession session, Account? whom)
    {
        var (by, now) = (session.Account, room.Restraints.Now);

        // Before the name is looked at: who moderates nothing learns nothing of names.
        if (!RoomPolicy.MayModerate(room, by, null))
        {
            return ActPlan.No(_notAllowed);
        }

        var before = whom is null ? null : room.Restraints.StoredOf(whom.Id)?.At(now);
        if (act.Event == EventType.Unban && before?.Ban is null && AddressBanOf(room, act.User) is { } left)
        {
            return PlanAddressLift(room, act, by, left);
        }

        var membership = whom is null ? null : room.MembershipOf(whom.Id);

        // Before rank, room or the name itself change the answer: each of these tells whose name it is.
        var isStranger = act.Event == EventType.Ban && membership is null && before is null;
        if (isStranger && !(/* guard: strangers who are banned, a day */ BansOfStrangers.TryTake(by.Id)))
        {
            return ActPlan.No(TriedTooOften(by));
        }

        if (WhyNot(room, act, by, whom, before) is { } refusal)
        {
            return ActPlan.No(refusal);
        }

        var isTold = IsTold(act.Event, membership, before);
        var held = HeldBy(act, by, now) with { IsTold = isTold || Of(act.Event, before)?.IsTold == true };
        var after = After(before, act.Event, held);
        if (/* guard: bans and mutes of a room */ after?.IsLasting == true && before?.IsLasting != true && IsFull(room))
        {
            return ActPlan.No(TooMany());
        }

        // A kick that could not be noted takes effect all the same, and he may come again at once.
        if (act.Event == EventType.Kick && before is null && IsFull(room))
        {
            after = null;
        }

        var going = act.Event is EventType.Kick or EventType.Ban ? membership : null;
        var address = act.Event == EventType.Ban ? addresses.PlanBan(room, whom!, session, held)
            : act.Event == EventType.Unban ? AddressBans.PlanLift(room, whom!.Id)
            : AddressPlan.Nothing;
        return await PlanAsync(room, act, by, whom!, going, after, held, isTold, address) with
        {
            TakesAway = act.Event is EventType.Kick or EventType.Ban or EventType.Mute,
            Undone = isStranger ? () => BansOfStrangers.Give(by.Id) : () => { },
        };
    }

    /// <param name="membership">That goes; null: none does.</param>
    private async Task<ActPlan> PlanAsync(
        Room room, ModerationAct act, Account by, Account whom, Membership? membership, Restraint? after, Restriction held, bool isTold, AddressPlan address)
    {
        var over = Over(room, whom.Id, held.At);
        List<RecordChange> changes = [.. RestraintStore.ChangesOf(room.Key, whom.Id, after), .. address.Changes];
        changes.AddRange(over.SelectMany(account => RestraintStore.ChangesOf(room.Key, account, null)));
        List<RecordCondition> conditions =
        [
            RestraintStore.Condition(room.Key, whom.Id, room.Restraints.BytesOf(whom.Id)), .. ActPlan.ActorIsAsSeen(room, by, whom),
        ];
        if (membership is not null)
        {
            changes.AddRange(await members.RemovalOfAsync(room, whom, membership));
            if (membership.IsStored)
            {
                conditions.Add(MembershipStore.Condition(room.Key, whom.Id, membership.Record));
            }
        }

        // Whoever ignores another hears no words of his.
        var reason = /* guard: who is ignored gives no reasons */ ignored.Ignores(whom.Id, by.Id) ? null : act.Reason;
        ActDue due = new(whom.Id, room.Record.Title, held.Until, reason);
        var forgotten = Task.CompletedTask;
        return new ActPlan(null, [.. changes], [.. conditions], writer => WriteFields(writer, act, whom, held), () =>
        {
            room.Restraints.Become(whom.Id, after);
            over.ForEach(account => room.Restraints.Become(account, null));
            address.Apply();
            if (membership is not null)
            {
                directory.RemoveMember(room, whom.Id);
            }
        })
        {
            ByAddress = address.ByAddress,
            Words = ModerationWords.LineOf(act, by, ModerationWords.AuthorOf(whom)),
            Audit = new AuditRecord(
                ModerationAct.NameOf(act.Event), AuditPerson.Of(by), AuditPerson.Of(whom), act.Reason, act.Event == EventType.Kick ? null : held.Until)
            {
                DeleteSince = act.DeleteSince == 0 ? null : act.DeleteSince,
            },
            Beside = body =>
            [
                .. isTold ? [new RecordChange(ActDue.Key(room.Key, by.Id, body), due.Write()), NoticesDue.Of(room.Log, body)] : Array.Empty<RecordChange>(),
                .. act.DeleteSince == 0 ? Array.Empty<RecordChange>() : [DeletingDue.Of(room.Key, by, whom, held.At, act.DeleteSince, body)],
            ],
            After = () =>
            {
                forgotten = membership is null ? forgotten : members.Lost(room, whom, RoomLoss.Removed);
                return Task.CompletedTask;
            },
            Settle = () => SettleAsync(room, act, by, whom, isTold ? held with { Reason = reason } : null, membership is not null, forgotten),
        };
    }

    // A guest who was banned may be gone by now, and is remembered by the ban of his address alone.
    private static AddressBan? AddressBanOf(Room room, string user) => UserName.TryParse(user, out var name)
        ? room.AddressBans.Holding.FirstOrDefault(one => one.Value.User == name.Value).Value : null;

    private ActPlan PlanAddressLift(Room room, ModerationAct act, Account by, AddressBan ban)
    {
        if (/* guard: nobody lifts of an address what a higher rank imposed */ !RoomPolicy.MayOverrule(room, by, accounts.Find(ban.By)))
        {
            return ActPlan.No(_byHigherRank);
        }

        var plan = AddressBans.PlanLift(room, ban.Account);
        Author target = new(ban.Account, ban.User, ban.Name, "guest");
        return new ActPlan(null, plan.Changes, ActPlan.ActorIsAsSeen(room, by, null), writer => WriteTarget(writer, target), plan.Apply)
        {
            Words = ModerationWords.LineOf(act, by, target),
            Audit = new AuditRecord(ModerationAct.NameOf(act.Event), AuditPerson.Of(by), AuditPerson.Of(target)),
        };
    }

    private PublishRefusal? WhyNot(Room room, ModerationAct act, Account by, Account? whom, Restraint? before)
    {
        var isBan = act.Event == EventType.Ban;
        var isLift = act.Event is EventType.Unban or EventType.Unmute;
        var isKnown = whom is { IsErased: false } && (isBan || (isLift ? Of(act.Event, before) is not null : room.IsMember(whom.Id)));
        if (!isKnown)
        {
            return isLift ? _notHeld : _noSuchTarget;
        }

        return !(isLift ? RoomPolicy.MayLift(room, by, whom!) : RoomPolicy.MayModerate(room, by, whom)) ? _higherRank
            : (/* guard: a room's owner is not put out of it */ !isLift && room.OwnerId == whom!.Id) ? _ownerStays
            : (/* guard: nobody lifts what a higher rank imposed */ Of(act.Event, before) is { } imposed
                && !RoomPolicy.MayOverrule(room, by, accounts.Find(imposed.By))) ? _byHigherRank
            : null;
    }

    // What the act would change or lift. A kick changes none.
    private static Restriction? Of(EventType type, Restraint? before) => type switch
    {
        EventType.Ban or EventType.Unban => before?.Ban,
        EventType.Mute or EventType.Unmute => before?.Mute,
        _ => null,
    };

    // Who was in the room is told, and by a ban right after a kick as well; of what he was told of, he is told the end.
    // Nobody else: a room that he never saw could else be a way to write to somebody who wants no word of its people.
    private static bool IsTold(EventType type, Membership? membership, Restraint? before) => type is EventType.Unban or EventType.Unmute
        ? Of(type, before)?.IsTold == true
        : membership is not null || /* guard: strangers are not told of bans */ before?.Kick is not null;

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

    private bool IsFull(Room room) =>
        limits.BansPerRoom is > 0 and var limit && room.Restraints.Holding.Count(one => one.Value.IsLasting) >= limit;

    private PublishRefusal TooMany() => new(
        ReasonCode.NotAuthorized,
        string.Create(CultureInfo.InvariantCulture, $"In a room {limits.BansPerRoom} people may be banned or muted. Lift one first."),
        "too_many_bans");

    private PublishRefusal TriedTooOften(Account by) => new(
        ReasonCode.QuotaExceeded,
        "You have banned as many today who were not in the room as you may. Try again later.",
        "too_many_attempts",
        (int)Math.Ceiling(BansOfStrangers.WaitOf(by.Id).TotalSeconds));

    private static List<string> Over(Room room, string except, DateTimeOffset now) =>
        [.. room.Restraints.Stored.Where(one => one.Key != except && one.Value.At(now) is null).Select(one => one.Key).Take(TidiedAtOnce)];

    private static void WriteTarget(Utf8JsonWriter writer, Author target)
    {
        writer.WriteStartObject("target"u8);
        EventBody.WriteAuthor(writer, target);
        writer.WriteEndObject();
    }

    private static void WriteFields(Utf8JsonWriter writer, ModerationAct act, Account whom, Restriction held)
    {
        WriteTarget(writer, ModerationWords.AuthorOf(whom));
        if (act.Event is EventType.Ban or EventType.Mute && held.Until is { } until)
        {
            writer.WriteString("until"u8, Timestamps.Format(until));
        }

        if (/* guard: a reason is for the person alone */ act.IsPublic && act.Reason is not null)
        {
            writer.WriteString("reason"u8, act.Reason);
        }
    }

    /// <param name="told">As it is told to him; null: he is not told.</param>
    private async Task SettleAsync(
        Room room, ModerationAct act, Account by, Account whom, Restriction? told, bool wasMember, Task forgotten)
    {
        if (act.DeleteSince > 0)
        {
            deleting.Note();
        }

        if (act.Event == EventType.Ban)
        {
            // A crash before this leaves an invitation that opens nothing while the ban holds.
            await invitations.UseUpAsync(room.Key, whom.Id);
        }

        if (act.Event is EventType.Ban or EventType.Unban)
        {
            ends.Set(room.Key, whom.Id, room.Restraints.BanOf(whom.Id)?.Until);
        }

        if (wasMember)
        {
            await members.SettleAsync(room, whom, forgotten);
        }
        else if (act.Event is EventType.Ban or EventType.Unban)
        {
            // Whoever watches the info of a public room without being on its list: who still asks for it has it again.
            clients.Place(whom.Id, room, replay: act.Event == EventType.Unban);
        }

        if (told is not null)
        {
            // On the clients that are connected. Who has no inbox yet has none, and finds it among his notices.
            directory.FindInbox(whom.Id)?.Enqueue(new InboxNotice(
                room,
                ModerationAct.NameOf(act.Event),
                ModerationWords.NoticeOf(room, act.Event, by, told.Until, told.Reason),
                told));
        }
    }
}
