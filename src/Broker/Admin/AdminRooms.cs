using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Admin;

/// <summary>
/// All rooms, as those who look after the server see them: how large and how busy they are, and nothing that was said there.
/// </summary>
/// <remarks>Thread-safe. A page looks at all rooms in memory, and reads of the log for those it shows alone.</remarks>
internal sealed class AdminRooms(
    RoomDirectory directory,
    RoomActs acts,
    RoomEndings endings,
    AccountDirectory accounts,
    IEventLog log,
    ILogSpace space,
    BrokerSettings settings,
    AdminProofs proofs,
    ServerAudit audit,
    TimeProvider time)
{
    /// <summary>By id.</summary>
    /// <param name="query">Words that the id, the title or the topic has, without regard to case and accents; null: any.</param>
    /// <param name="after">An id; null: from the first.</param>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public RoomsPage Page(string? query, RoomsWanted filter, string? after, int most)
    {
        var words = SearchText.WordsOf(query);

        // One more than is shown tells whether there are more.
        var found = directory.All
            .Where(room => !room.IsDeleted && IsWanted(room, filter) && SearchText.HasAll(room.Searched.Text, words))
            .Where(room => after is null || string.CompareOrdinal(room.Id.Value, after) > 0)
            .OrderBy(room => room.Id.Value, StringComparer.Ordinal)
            .Take(most + 1)
            .ToList();
        var shown = found.Take(most).ToList();
        return new RoomsPage([.. shown.Select(ViewOf)], found.Count > most ? shown[^1].Id.Value : null);
    }

    public RoomCounts Count()
    {
        var (open, hidden, archived) = (0, 0, 0);
        foreach (var room in directory.All)
        {
            _ = IsArchived(room) ? archived++ : room.Record.IsPrivate ? hidden++ : open++;
        }

        return new RoomCounts(open, hidden, archived);
    }

    /// <summary>Gives a room to somebody on its list: an event there.</summary>
    public async Task<AdminOutcome<AdminRoomView>> GiveAsync(AdminActor by, string id, string? user)
    {
        if (string.IsNullOrEmpty(user))
        {
            return AdminRefusal.Field("user", FieldCodes.Required, "Name somebody who is in the room.");
        }

        if (Find(by, id, out var room, out var session) is { } refused)
        {
            return refused;
        }

        var done = await acts.ActAsync(room, new Command("", null, null, new RoomAct.Role(user, MemberRole.Owner)), session);
        if (done.Refusal is { } refusal)
        {
            return AdminRefusal.Of(refusal);
        }

        await audit.NoteAsync(by, "room-owner", id, user);
        return ViewOf(room);
    }

    /// <summary>Archives a room, or opens it again: an event there.</summary>
    public async Task<AdminOutcome<AdminRoomView>> ArchiveAsync(AdminActor by, string id, bool isArchived)
    {
        if (Find(by, id, out var room, out var session) is { } refused)
        {
            return refused;
        }

        var done = await acts.ActAsync(room, new Command("", null, null, new RoomAct.Policy(new PolicyChanges { Archived = isArchived })), session);
        if (done.Refusal is { } refusal)
        {
            return AdminRefusal.Of(refusal);
        }

        await audit.NoteAsync(by, isArchived ? "room-archive" : "room-unarchive", id);
        return ViewOf(room);
    }

    public async Task<AdminOutcome<Nothing>> DeleteAsync(AdminActor by, string id, string? password)
    {
        if ((Find(by, id, out var room, out var session) ?? await proofs.AskAsync(by, password)) is { } refused)
        {
            return refused;
        }

        var outcome = await endings.DeleteAsync(room, session.Account);
        if (outcome != RoomChange.Done)
        {
            return outcome switch
            {
                RoomChange.IsDefault => new AdminRefusal("default_room", "This room is one of WebMessenger:Rooms:Default; it stays public and cannot be deleted."),
                RoomChange.NotAllowed => AdminRefusal.NotInOffice,
                _ => AdminRefusal.NoSuchRoom,
            };
        }

        await audit.NoteAsync(by, "room-delete", id);
        return Nothing.More;
    }

    // Null: there is such a room, and the session is of an administrator. The operator acts in the name of the first of them who is
    // not shut out: an event is by somebody.
    private AdminRefusal? Find(AdminActor by, string id, out Room room, out LoginSession session)
    {
        (room, session) = (directory.Find(id)!, by.Session!);
        if (room is null or { IsDeleted: true })
        {
            return AdminRefusal.NoSuchRoom;
        }

        if (!by.IsInOffice)
        {
            return AdminRefusal.NotInOffice;
        }

        if (session is null)
        {
            if (accounts.All.Where(account => account is { Profile.IsAdministrator: true, IsErased: false, Ban: null }).MinBy(account => account.CreatedAt) is not { } first)
            {
                return new AdminRefusal("not_allowed", "There is no administrator in whose name it could be done: account admin USER makes one.");
            }

            session = new LoginSession(AdminActor.OperatorName, LoginSessionKind.Browser, first, Scope.Everything, time.GetUtcNow(), AdminActor.OperatorName, null);
        }

        return null;
    }

    private bool IsWanted(Room room, RoomsWanted filter) => filter switch
    {
        RoomsWanted.Public => !room.Record.IsPrivate,
        RoomsWanted.Private => room.Record.IsPrivate,
        RoomsWanted.Archived => IsArchived(room),
        RoomsWanted.Orphaned => IsOrphaned(room),
        _ => true,
    };

    // Nobody has it who could be there. The rooms of the settings never had anybody.
    private bool IsOrphaned(Room room) => room.OwnerId is { } owner
        ? accounts.Find(owner) is not { IsErased: false, Ban: null }
        : !settings.DefaultRooms.Contains(room.Id);

    private static bool IsArchived(Room room) => room.Record.Policy.Archived;

    private AdminRoomView ViewOf(Room room)
    {
        var head = log.Head(room.Log);
        var newest = log.ReadBefore(room.Log, long.MaxValue, 1).Entries is [var entry] ? Timestamps.Format(entry.At) : null;
        return new AdminRoomView(
            room.Id.Value,
            room.Record.Title,
            room.Record.Visibility,
            room.Record.Policy.Entry,
            room.OwnerId is { } owner ? accounts.Find(owner)?.UserName : null,
            room.Members.Count(),
            room.People,
            head.Head == 0 ? 0 : head.Head - head.First + 1,
            space.SizeOf(room.Log),
            Timestamps.Format(room.Record.CreatedAt),
            newest,
            IsArchived(room),
            IsOrphaned(room));
    }
}

/// <summary>Which rooms are wanted.</summary>
internal enum RoomsWanted
{
    All,
    Public,
    Private,
    Orphaned,
    Archived,
}
