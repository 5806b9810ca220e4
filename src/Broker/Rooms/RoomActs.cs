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
    LeftBehind left,
    ShortenedRooms shortened)
{
    private static readonly PublishRefusal _notAllowed =
        new(ReasonCode.NotAuthorized, "Only the owner of the room and administrators can do this.", "not_allowed");

    private static readonly PublishRefusal _notOwner =
        new(ReasonCode.NotAuthorized, "Only its owner makes a private room public.", "not_allowed");

    private static readonly PublishRefusal _isDefault = new(
        ReasonCode.NotAuthorized, "This room is one of WebMessenger:Rooms:Default; it stays public and cannot be deleted.", "default_room");

    private static readonly PublishRefusal _noSuchMember =
        new(ReasonCode.NotAuthorized, "There is no such member in this room.", "no_such_member");
    private static readonly PublishRefusal _noRoleForGuests = new(ReasonCode.NotAuthorized, "Guests have no roles.", "not_allowed");

    private static readonly PublishRefusal _higherRank =
        new(ReasonCode.NotAuthorized, "Nobody gives roles to who ranks as high, nor roles as high as his own.", "not_allowed");

    private static readonly PublishRefusal _notHis =
        new(ReasonCode.NotAuthorized, "A room is not given to somebody who is banned.", "not_allowed");

    private static readonly PublishRefusal _tooMany =
        new(ReasonCode.NotAuthorized, "This account has as many rooms as it may.", "too_many");

    /// <summary>Does what a command asks for. When it completes, it is on disk, and in effect, or refused.</summary>
    /// <param name="session">Who asks. What its token is limited to, the caller has looked at.</param>
    /// <param name="received">Stored with its event, or not at all.</param>
    public async Task<ActResult> ActAsync(
        Room room, Command command, LoginSession session, ulong publisherMark = 0, RecordChange? received = null)
    {
        // Before the room's: of two rooms that somebody is given at once, the second counts the first.
        using var owners = command.Act is RoomAct.Role { To: MemberRole.Owner } given && accounts.FindByUserName(given.User) is { } heir
            ? await turns.OfAccountAsync(heir.Id) : null;

        // Alone with the room: of two acts at once, the second sees what the first has changed, and who comes or goes is in or out.
        using var turn = await room.Turns.BeAloneAsync();
        if (room.IsDeleted || session.Account.IsErased)
        {
            return new ActResult(PublishRefusal.NoSuchRoom);
        }

        var plan = command.Act switch
        {
            RoomAct.Role role => PlanRole(room, role, session.Account),
            RoomAct.Policy policy => PlanPolicy(room, policy.Changes, session.Account),
            _ => throw new ArgumentException("No act.", nameof(command)),
        };
        if (command.Id is null && (plan.Refusal is not null || plan.Changes.Length == 0))
        {
            return new ActResult(plan.Refusal);
        }

        var ruling = plan.Refusal ?? (plan.Changes.Length == 0 ? ActResult.NothingToChange : null);
        StoragePayer? payer = plan.TakesAway ? null : new StoragePayer(quotas.Of(session), space);
        var author = Author.Of(session);
        var body = EventBody.Act(command.Act.Event, author, command.Id ?? EventBody.NewId(), plan.WriteFields, publisherMark);
        PendingAct pending = new(room, author, command, body, session, payer, publisherMark, ruling)
        {
            Apply = plan.Apply,
            Changes = received is { } record ? [.. plan.Changes, record] : plan.Changes,
            Conditions = plan.Conditions,
        };
        if (!room.TryAppend(pending))
        {
            return new ActResult(PublishRefusal.NoSuchRoom);
        }

        await pending.Told;
        if (pending.Outcome is AppendOutcome.Stored && plan.After is not null)
        {
            await plan.After();
        }

        return ActResult.Of(pending);
    }

    private Plan PlanRole(Room room, RoomAct.Role act, Account by)
    {
        // Before the name is looked up: whoever gives no roles learns nothing of names.
        if (!RoomPolicy.MayGiveRoles(room, by))
        {
            return Plan.No(_notAllowed);
        }

        if (accounts.FindByUserName(act.User) is not { } whom || room.MembershipOf(whom.Id) is not { } membership)
        {
            return Plan.No(_noSuchMember);
        }

        if (whom.IsGuest || !membership.IsStored)
        {
            return Plan.No(_noRoleForGuests);
        }

        if (!RoomPolicy.MayGive(room, by, whom, act.To))
        {
            return Plan.No(_higherRank);
        }

        if (act.To == MemberRole.Owner && room.OwnerId != whom.Id && WhyNotOwner(whom, by) is { } refusal)
        {
            return Plan.No(refusal);
        }

        var record = membership.Record with { Role = act.To };
        List<RecordChange> changes = [.. MembershipStore.ChangesOf(room.Key, whom.Id, record)];
        List<RecordCondition> conditions =
            [MembershipStore.Condition(room.Key, whom.Id, membership.Record), .. ActorIsAsSeen(room, by, whom)];
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
            apply += () => directory.BelongTo(room, whom.Id);
        }

        var target = Author.Of(whom, "person");
        return new Plan(
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
        };
    }

    // Whom a room is given to has it as if he had made it; in his turn, so that nothing is given to him meanwhile.
    private PublishRefusal? WhyNotOwner(Account whom, Account by) =>
        whom.IsErased || whom.Ban is not null ? _notHis
        : (/* guard: rooms that are given count */ limits.RoomsPerAccount is > 0 and var limit
            && !by.Profile.IsAdministrator
            && directory.OwnedBy(whom.Id).Count >= limit) ? _tooMany
        : null;

    private Plan PlanPolicy(Room room, PolicyChanges changes, Account by)
    {
        var before = room.Record;
        var record = before with
        {
            Title = changes.Title ?? before.Title,
            Topic = changes.Topic ?? before.Topic,
            Policy = before.Policy.With(changes),
        };
        if (!RoomPolicy.MayManage(room, by))
        {
            return Plan.No(_notAllowed);
        }

        if (before.IsPrivate && !record.IsPrivate && !RoomPolicy.MayOpen(room, by))
        {
            return Plan.No(_notOwner);
        }

        if (record.IsPrivate && !before.IsPrivate && settings.DefaultRooms.Contains(record.Id))
        {
            return Plan.No(_isDefault);
        }

        if (record == before)
        {
            return Plan.No(null) with { WriteFields = writer => WriteChanges(writer, changes) };
        }

        var takesAway = record == before with { Policy = record.Policy } && record.Policy.LetsNobodyDoMoreThan(before.Policy);
        record = record with { Revision = before.Revision + 1 };
        return new Plan(
            null,
            [ChangedRooms.ChangeTo(record)],
            [ChangedRooms.Is(before), .. ActorIsAsSeen(room, by, null)],
            writer => WriteChanges(writer, changes),
            () => room.Become(record),
            () => ChangedAsync(room, before, record))
        {
            TakesAway = takesAway,
        };
    }

    // Somebody whose role was taken by another node meanwhile acts no more. Administrators and owners without a place are known by
    // their account alone.
    private static RecordCondition[] ActorIsAsSeen(Room room, Account by, Account? whom) =>
        by != whom && room.MembershipOf(by.Id) is { IsStored: true } place
            ? [MembershipStore.Condition(room.Key, by.Id, place.Record)] : [];

    private async Task ChangedAsync(Room room, RoomRecord before, RoomRecord record)
    {
        // It is decided, and the next start brings the document up if it cannot be written now.
        await left.TryAsync(() => store.SaveAsync(record));
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

    private static void WriteChanges(Utf8JsonWriter writer, PolicyChanges changes)
    {
        using var fields = JsonSerializer.SerializeToDocument(RoomCommand.Changing(changes), RoomCommandJson.Default.RoomCommand);
        foreach (var field in fields.RootElement.EnumerateObject().Where(field => field.Name != "type"))
        {
            field.WriteTo(writer);
        }
    }

    /// <summary>What an act would do.</summary>
    /// <param name="Changes">Empty: there is nothing to change.</param>
    /// <param name="After">What follows when it is on disk, in the room's turn.</param>
    private sealed record Plan(
        PublishRefusal? Refusal,
        RecordChange[] Changes,
        RecordCondition[] Conditions,
        Action<Utf8JsonWriter> WriteFields,
        Action Apply,
        Func<Task>? After = null)
    {
        /// <summary>It gives nobody anything: it costs nobody's quota, and goes on while the disk is nearly full.</summary>
        public bool TakesAway { get; init; }

        public static Plan No(PublishRefusal? refusal) => new(refusal, [], [], _ => { }, () => { });
    }
}
