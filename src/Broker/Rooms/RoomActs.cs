using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>Acts on rooms and on people in them: each is an event, and what it changes is in the batch of its event (ADR 0047).</summary>
internal sealed class RoomActs(
    RoomDirectory directory,
    RoomStore store,
    AccountDirectory accounts,
    IRoomClients clients,
    ChangeTurns turns,
    BrokerSettings settings,
    BrokerLimits limits,
    StorageQuotas quotas,
    DiskSpace space,
    RoomModeration moderation,
    LeftBehind left,
    ShortenedRooms shortened,
    AuditPlaces audits,
    JoinRequestStore asked,
    TimeProvider time)
{
    private static readonly PublishRefusal _notAllowed =
        new(ReasonCode.NotAuthorized, "Only the owner of the room and administrators can do this.", "not_allowed");

    private static readonly PublishRefusal _notOwner =
        new(ReasonCode.NotAuthorized, "Only its owner makes a private room public.", "not_allowed");

    private static readonly PublishRefusal _isDefault = new(
        ReasonCode.NotAuthorized, "This room is one of WebMessenger:Rooms:Default; it stays public and cannot be deleted.", "default_room");

    private static readonly PublishRefusal _staysOpen = new(
        ReasonCode.NotAuthorized, "This room is one of WebMessenger:Rooms:Default; it is not archived.", "default_room");

    private static readonly PublishRefusal _noSuchMember =
        new(ReasonCode.NotAuthorized, "There is no such member in this room.", "no_such_member");

    private static readonly PublishRefusal _noRoleForGuests = new(ReasonCode.NotAuthorized, "Guests have no roles.", "not_allowed");

    private static readonly PublishRefusal _higherRank =
        new(ReasonCode.NotAuthorized, "Nobody gives roles to who ranks as high, nor roles as high as his own.", "not_allowed");

    private static readonly PublishRefusal _notHis =
        new(ReasonCode.NotAuthorized, "A room is not given to somebody who is banned.", "not_allowed");

    private static readonly PublishRefusal _tooMany =
        new(ReasonCode.NotAuthorized, "This account has as many rooms as it may.", "too_many");

    /// <summary>What only takes rights away is never refused for want of room, so often that no moderator fills the disk by it.</summary>
    public DailyBudget BeyondQuota { get; } = new(limits.ActsBeyondQuotaPerDay, time, isStored: false);

    /// <summary>Does what a command asks for. When it completes, it is on disk, and in effect, or refused.</summary>
    /// <param name="session">Who asks. What its token is limited to, the caller has looked at.</param>
    public Task<ActResult> ActAsync(Room room, Command command, LoginSession session) => ActAsync(room, new AskedAct(command, session));

    /// <inheritdoc cref="ActAsync(Room, Command, LoginSession)"/>
    public async Task<ActResult> ActAsync(Room room, AskedAct wanted)
    {
        var (command, session) = (wanted.Command, wanted.Session);
        var by = session.Account;
        var whom = WhoseTurn(room, command.Act, by) is { } user ? accounts.FindByUserName(user) : null;

        // Before the room's: of two rooms that somebody is given at once, the second counts the first, and who is put out waits for his
        // coming in.
        using var turn = whom is null ? null : await turns.OfAccountAsync(whom.Id);
        ActPlan plan;
        ActResult result;

        // Alone with the room: of two acts at once, the second sees what the first has changed, and who comes or goes is in or out.
        using (await room.Turns.BeAloneAsync())
        {
            if (room.IsDeleted || by.IsErased)
            {
                return new ActResult(PublishRefusal.NoSuchRoom);
            }

            plan = command.Act switch
            {
                // Each act says something to all: who is quiet would else write in reasons, titles and topics.
                _ when (/* guard: who is muted does not act in the room's voice */ RoomPolicy.WhyMuted(room, by)) is { } muted => ActPlan.No(muted),
                RoomAct.Role role => PlanRole(room, role, by),
                RoomAct.Policy policy => PlanPolicy(room, policy.Changes, by),
                ModerationAct act => await moderation.PlanAsync(room, act, session, whom),
                _ => throw new ArgumentException("No act.", nameof(wanted)),
            };
            if (command.Id is null && (plan.Refusal is not null || plan.Changes.Length == 0))
            {
                return new ActResult(plan.Refusal);
            }

            var pending = await AppendAsync(room, wanted, plan);
            if (pending?.Outcome is not AppendOutcome.Stored)
            {
                plan.Undone();
                return pending is null ? new ActResult(PublishRefusal.NoSuchRoom) : ActResult.Of(pending);
            }

            result = ActResult.Of(pending) with { ByAddress = plan.ByAddress };
            await plan.After();
        }

        await plan.Settle();
        return result;
    }

    // The user name of the account whose turn an act takes; null: it takes none. Who moderates nothing makes by his kicks, bans and mutes
    // nobody wait.
    private static string? WhoseTurn(Room room, RoomAct? act, Account by) => act switch
    {
        RoomAct.Role { To: MemberRole.Owner } given => given.User,
        ModerationAct moderates when RoomPolicy.MayModerate(room, by, null) => moderates.User,
        _ => null,
    };

    // Null: the room has ended.
    private async Task<PendingAct?> AppendAsync(Room room, AskedAct wanted, ActPlan plan)
    {
        var (command, session) = (wanted.Command, wanted.Session);
        var ruling = plan.Refusal ?? (plan.Changes.Length == 0 ? ActResult.NothingToChange : null);
        StoragePayer payer = new(quotas.Of(session), space);
        var author = Author.Of(session);
        var body = EventBody.Act(command.Act!.Event, author, command.Id ?? EventBody.NewId(), plan.WriteFields, wanted.PublisherMark);
        var audit = plan.Audit is { } done ? await audits.PlaceAsync(room.Key, done) : default;
        PendingAct pending = new(room, author, command, body, session, payer, wanted.PublisherMark, ruling)
        {
            Receiver = wanted.Receiver,
            Apply = plan.Apply,
            Changes =
            [
                .. plan.Changes,
                .. plan.Beside(body),
                .. plan.Audit is null ? Array.Empty<RecordChange>() : [audit],
                .. wanted.Received is { } record ? [record] : Array.Empty<RecordChange>(),
            ],
            BeyondQuota = plan.TakesAway ? BeyondQuota : null,
            Conditions = plan.Conditions,
            Words = plan.Words,
        };
        if (!room.TryAppend(pending))
        {
            return null;
        }

        await pending.Told;
        return pending;
    }

    private ActPlan PlanRole(Room room, RoomAct.Role act, Account by)
    {
        // Before the name is looked up: whoever gives no roles learns nothing of names.
        if (!RoomPolicy.MayGiveRoles(room, by))
        {
            return ActPlan.No(_notAllowed);
        }

        if (accounts.FindByUserName(act.User) is not { } whom || room.MembershipOf(whom.Id) is not { } membership)
        {
            return ActPlan.No(_noSuchMember);
        }

        if (whom.IsGuest || !membership.IsStored)
        {
            return ActPlan.No(_noRoleForGuests);
        }

        if (!RoomPolicy.MayGive(room, by, whom, act.To))
        {
            return ActPlan.No(_higherRank);
        }

        if (act.To == MemberRole.Owner && room.OwnerId != whom.Id && WhyNotOwner(whom, by) is { } refusal)
        {
            return ActPlan.No(refusal);
        }

        var record = membership.Record with { Role = act.To };
        List<RecordChange> changes = [.. MembershipStore.ChangesOf(room.Key, whom.Id, record)];
        List<RecordCondition> conditions =
            [MembershipStore.Condition(room.Key, whom.Id, membership.Record), .. ActPlan.ActorIsAsSeen(room, by, whom)];
        var apply = () => membership.Become(record);
        if (act.To == MemberRole.Owner && room.OwnerId is { } former && former != whom.Id)
        {
            // One owner: who gives it away is a moderator, or not in the room at all.
            var place = room.MembershipOf(former);
            var after = place is null ? null : place.Record with { Role = /* guard: one owner */ MemberRole.Moderator };
            changes.AddRange(MembershipStore.ChangesOf(room.Key, former, after));
            if (former != by.Id)
            {
                conditions.Add(MembershipStore.Condition(room.Key, former, place?.Record ?? MembershipRecord.AwayOwner));
            }

            apply += () => place?.Become(after!);
        }

        if (act.To == MemberRole.Owner)
        {
            // Nobody could lift it from who has the room.
            // guard: who is given a room is not muted there
            changes.AddRange(RestraintStore.ChangesOf(room.Key, whom.Id, null));
            conditions.Add(RestraintStore.Condition(room.Key, whom.Id, room.Restraints.BytesOf(whom.Id)));
            apply += () =>
            {
                room.Restraints.Become(whom.Id, null);
                directory.BelongTo(room, whom.Id);
            };
        }

        var target = Author.Of(whom, "person");
        return new ActPlan(
            null,
            record == membership.Record ? [] : [.. changes],
            [.. conditions],
            writer =>
            {
                writer.WriteStartObject("target"u8);
                EventBody.WriteAuthor(writer, target);
                writer.WriteEndObject();
                writer.WriteString("role"u8, MemberRoles.NameOf(act.To));
            },
            apply)
        {
            TakesAway = act.To < membership.Role,
            Audit = new AuditRecord("role", AuditPerson.Of(by), AuditPerson.Of(target), Role: MemberRoles.NameOf(act.To)),
        };
    }

    // Whom a room is given to has it as if he had made it; in his turn, so that nothing is given to him meanwhile.
    private PublishRefusal? WhyNotOwner(Account whom, Account by) =>
        whom.IsErased || whom.Ban is not null ? _notHis
        : (/* guard: rooms that are given count */ limits.RoomsPerAccount is > 0 and var limit
            && !by.Profile.IsAdministrator
            && directory.OwnedBy(whom.Id).Count >= limit) ? _tooMany
        : null;

    private ActPlan PlanPolicy(Room room, PolicyChanges changes, Account by)
    {
        var before = room.Record;
        if (Quiet.AsOf(changes, before.Policy, room.Restraints.Now) is not { } asOfNow)
        {
            return ActPlan.No(RoomPolicy.MayQuiet(room, by) ? Quiet.TooLong : _notAllowed);
        }

        var isForHosts = changes.IsQuietAlone && RoomPolicy.MayQuiet(room, by);
        changes = asOfNow;
        var record = before with
        {
            Title = changes.Title ?? before.Title,
            Topic = changes.Topic ?? before.Topic,
            Policy = before.Policy.With(changes),
            Tags = changes.Tags is { } tags ? RoomTags.Of(tags) : before.Tags,
        };
        if (!RoomPolicy.MayManage(room, by) && !isForHosts)
        {
            return ActPlan.No(_notAllowed);
        }

        if (before.IsPrivate && !record.IsPrivate && !RoomPolicy.MayOpen(room, by))
        {
            return ActPlan.No(_notOwner);
        }

        if (record.IsPrivate && !before.IsPrivate && settings.DefaultRooms.Contains(record.Id))
        {
            return ActPlan.No(_isDefault);
        }

        if (record.Policy.Archived && settings.DefaultRooms.Contains(record.Id))
        {
            return ActPlan.No(_staysOpen);
        }

        if (record == before)
        {
            return ActPlan.No(null) with { WriteFields = writer => WriteChanges(writer, changes) };
        }

        var takesAway = record == before with { Policy = record.Policy } && record.Policy.LetsNobodyDoMoreThan(before.Policy);
        record = record with { Revision = before.Revision + 1 };
        return new ActPlan(
            null,
            [ChangedRooms.ChangeTo(record)],
            [ChangedRooms.Is(before), .. ActPlan.ActorIsAsSeen(room, by, null)],
            writer => WriteChanges(writer, changes),
            () => room.Become(record))
        {
            TakesAway = takesAway,
            Words = LinesOf(
                Quiet.LineOf(changes, by.DisplayName),
                record.Policy.Archived == before.Policy.Archived ? null : ModerationWords.LineOf(record.Policy.Archived, by)),
            Audit = new AuditRecord("policy", AuditPerson.Of(by), Changes: ChangesOf(changes)),
            After = () => ChangedAsync(room, before, record),
        };
    }

    private async Task ChangedAsync(Room room, RoomRecord before, RoomRecord record)
    {
        // It is decided, and the next start brings the document up if it cannot be written now.
        await left.TryAsync(() => store.SaveAsync(record));
        Became(room, before, record);
        if (/* guard: requests end with the rule that takes them */ before.Policy.Entry == "request" && !RoomPolicy.TakesRequests(room))
        {
            await left.TryAsync(() => asked.ForgetRoomAsync(room.Key));
        }
    }

    /// <summary>
    /// A room was changed, by this node or another: tells who is here, and ends places that nobody has a right to any more.
    /// </summary>
    public void Became(Room room, RoomRecord before, RoomRecord record)
    {
        room.Changed();
        if (record.Policy.Retention.KeepsLessThan(before.Policy.Retention))
        {
            shortened.Note(room);
        }

        if (before.Policy.Guests != record.Policy.Guests)
        {
            foreach (var guest in room.MemberIds.Select(accounts.Find).OfType<Account>().Where(account => account.IsGuest).ToList())
            {
                clients.Place(guest.Id, room, replay: record.Policy.Guests != "none");
            }
        }
    }

    // Each is a line of its own.
    private static string? LinesOf(string? quiet, string? archive) =>
        quiet is null ? archive : archive is null ? quiet : quiet + "\n" + archive;

    private static JsonElement ChangesOf(PolicyChanges changes)
    {
        using MemoryStream json = new();
        using (Utf8JsonWriter writer = new(json))
        {
            writer.WriteStartObject();
            WriteChanges(writer, changes);
            writer.WriteEndObject();
        }

        return JsonElement.Parse(json.ToArray());
    }

    private static void WriteChanges(Utf8JsonWriter writer, PolicyChanges changes)
    {
        using var fields = JsonSerializer.SerializeToDocument(RoomCommand.Changing(changes), RoomCommandJson.Default.RoomCommand);
        foreach (var field in fields.RootElement.EnumerateObject().Where(field => field.Name != "type"))
        {
            field.WriteTo(writer);
        }
    }
}
