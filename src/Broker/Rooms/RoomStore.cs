using System.Security.Cryptography;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.Documents;
using static WebMessenger.Storage.Documents.DocumentChange;

namespace WebMessenger.Broker.Rooms;

/// <summary>What is read at start.</summary>
/// <param name="Members">Keys of rooms, with the accounts on their lists. Some may be of rooms that are ending.</param>
/// <param name="Erased">Ids of accounts that were erased and of which something may be left.</param>
internal sealed record StoredRooms(
    List<RoomRecord> Rooms,
    List<(string Room, string Account)> Members,
    List<FormerRoom> Former,
    List<Invitation> Invitations,
    List<(string Account, DailyLeft Left)> Inviters,
    List<string> Erased);

/// <summary>
/// Rooms, their member lists, the ids of those that were deleted, and invitations, as documents. Read once at start; the directory holds
/// them in memory after, and
/// writes from under one gate: so most of it is put whatever version is there.
/// </summary>
internal sealed class RoomStore(IDocuments documents)
{
    private const string Rooms = "rooms";
    private const string Members = "members";
    private const string Former = "formerRooms";
    private const string Invitations = "invitations";
    private const string Inviters = "inviters";

    // Which room has an id just now; claimed by the room's key.
    private const string Ids = "room";

    // Another node may be quicker, but not each time.
    private const int Tries = 32;

    /// <summary>A key that no room has had, but for a chance in 2^82.</summary>
    public static string NewKey() => "r" + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", 16);

    public async Task<StoredRooms> LoadAsync()
    {
        StoredRooms stored = new([], [], [], [], [], await ErasedAccounts.AllAsync(documents));
        await foreach (var document in documents.AllAsync(Rooms))
        {
            stored.Rooms.Add(ReadRoom(document));
        }

        await foreach (var document in documents.AllAsync(Members))
        {
            stored.Members.Add(Parts(document.Id));
        }

        await foreach (var document in documents.AllAsync(Former))
        {
            var former = document.As(RoomJson.Default.StoredFormerRoom);
            stored.Former.Add(new FormerRoom(document.Id, former.Key, former.Owner, former.Ending));
        }

        await foreach (var document in documents.AllAsync(Invitations))
        {
            stored.Invitations.Add(ReadInvitation(document));
        }

        await foreach (var document in documents.AllAsync(Inviters))
        {
            var left = document.As(RoomJson.Default.StoredInviter);
            stored.Inviters.Add((document.Id, new DailyLeft(left.Left, Time(left.At))));
        }

        return stored;
    }

    /// <summary>Stores a new or changed room and, with it, a first member. Its id is a former room's no more.</summary>
    /// <returns>
    /// The room as it is stored. A new one has the key of what is there, if a write that seemed to have failed has stored a room of this
    /// id before: nobody was ever in it.
    /// </returns>
    public async Task<RoomRecord> SaveAsync(RoomRecord room, string? firstMember)
    {
        for (var tries = 0; tries < Tries; tries++)
        {
            var version = (await documents.GetAsync(Rooms, room.Key))?.Version ?? 0;
            List<DocumentChange> changes = [Put(room, version), new Claim(Ids, room.Id.Value, room.Key), new Delete(Former, room.Id.Value, null)];
            if (firstMember is not null)
            {
                changes.Add(PutMember(room.Key, firstMember, room.CreatedAt));
            }

            var outcome = await documents.CommitAsync(changes);
            if (outcome.IsDone)
            {
                return room;
            }

            room = outcome.Conflicts.FirstOrDefault(conflict => conflict.Owner is not null) is { Owner: { } key } ? room with { Key = key } : room;
        }

        throw new IOException($"The room '{room.Id}' is changed by somebody else all the time.");
    }

    /// <summary>Takes a room away, and notes what of it is left to be removed.</summary>
    public Task DeleteAsync(FormerRoom room) =>
        documents.CommitAllAsync([new Delete(Rooms, room.Key, null), new GiveBack(Ids, room.Id, room.Key), Put(room)]);

    /// <summary>Removes a deleted room's list and invitations: then nothing of it is left but its id.</summary>
    public async Task EndedAsync(FormerRoom room)
    {
        foreach (var collection in new[] { Members, Invitations })
        {
            List<DocumentChange> changes = [];
            await foreach (var document in documents.AllAsync(collection, room.Key + "/"))
            {
                changes.Add(new Delete(collection, document.Id, null));
            }

            await documents.CommitAllAsync(changes);
        }

        await documents.CommitAllAsync([Put(room)]);
    }

    /// <summary>Puts an account on a room's list; an invitation is used up by it.</summary>
    public Task AddMemberAsync(string room, string account, DateTimeOffset since) =>
        documents.CommitAllAsync([PutMember(room, account, since), new Delete(Invitations, Id(room, account), null)]);

    public Task RemoveMemberAsync(string room, string account) => documents.CommitAllAsync([new Delete(Members, Id(room, account), null)]);

    /// <summary>The accounts on a room's list, those who have been on it for longest first.</summary>
    public async Task<List<string>> LongestMembersAsync(string room)
    {
        List<(string Account, long Since)> members = [];
        await foreach (var document in documents.AllAsync(Members, room + "/"))
        {
            // A place of version 0.1 has no date, and is older than any that has.
            members.Add((Parts(document.Id).Account, document.As(RoomJson.Default.StoredMember).Since ?? 0));
        }

        return [.. members.OrderBy(member => member.Since).ThenBy(member => member.Account, StringComparer.Ordinal).Select(member => member.Account)];
    }

    /// <summary>
    /// Stores what is left to who invites, and an invitation if there is one: one write either way, so that its time does not tell
    /// whether there is anybody to
    /// invite (fault S13).
    /// </summary>
    public Task InviteAsync(string inviter, DailyLeft left, Invitation? invitation) =>
        documents.CommitAllAsync(invitation is null ? [Put(inviter, left)] : [Put(inviter, left), Put(invitation)]);

    public Task SaveInvitationAsync(Invitation invitation) => documents.CommitAllAsync([Put(invitation)]);

    /// <summary>Removes an invitation, if there is one; one write either way, as in <see cref="InviteAsync"/>.</summary>
    public Task WithdrawAsync(string by, DailyLeft left, Invitation? invitation) =>
        documents.CommitAllAsync(invitation is null ? [Put(by, left)] : [Put(by, left), Remove(invitation)]);

    public Task RemoveInvitationsAsync(IReadOnlyCollection<Invitation> invitations) => documents.CommitAllAsync(invitations.Select(Remove));

    /// <summary>Removes an erased account from all lists; a write that fails in between is finished by the next start.</summary>
    /// <param name="rooms">Keys of the rooms on whose lists it is; null: not known, and all lists are looked through.</param>
    /// <param name="handedOver">The rooms that it had, as they are from now on.</param>
    /// <param name="isAll">Nothing of the account is left elsewhere.</param>
    public async Task RemoveAccountAsync(string account, IReadOnlyCollection<string>? rooms, IReadOnlyCollection<RoomRecord> handedOver, bool isAll)
    {
        List<DocumentChange> changes = [.. (rooms ?? await RoomsOfAsync(account)).Select(room => new Delete(Members, Id(room, account), null))];
        await foreach (var document in documents.AllAsync(Invitations))
        {
            if (ReadInvitation(document) is var one && (one.Account == account || one.By == account))
            {
                changes.Add(Remove(one));
            }
        }

        changes.Add(new Delete(Inviters, account, null));
        changes.AddRange(handedOver.Select(room => Put(room, expected: null)));
        if (isAll)
        {
            // Last of all, also where these are more than one commit.
            changes.Add(ErasedAccounts.StrikeOut(account));
        }

        await documents.CommitAllAsync(changes);
    }

    private async Task<List<string>> RoomsOfAsync(string account)
    {
        List<string> rooms = [];
        await foreach (var document in documents.AllAsync(Members))
        {
            if (Parts(document.Id) is var member && member.Account == account)
            {
                rooms.Add(member.Room);
            }
        }

        return rooms;
    }

    private static string Id(string room, string account) => room + "/" + account;

    // Neither a key nor an account id has a slash.
    private static (string Room, string Account) Parts(string id) => (id[..id.IndexOf('/', StringComparison.Ordinal)], id[(id.IndexOf('/', StringComparison.Ordinal) + 1)..]);

    private static DocumentChange PutMember(string room, string account, DateTimeOffset since) =>
        DocumentsReading.Put(Members, Id(room, account), null, new StoredMember(since.ToUnixTimeMilliseconds()), RoomJson.Default.StoredMember);

    private static DocumentChange Put(FormerRoom room) =>
        DocumentsReading.Put(Former, room.Id, null, new StoredFormerRoom(room.Key, room.OwnerId, room.IsEnding), RoomJson.Default.StoredFormerRoom);

    private static DocumentChange Put(string inviter, DailyLeft left) =>
        DocumentsReading.Put(Inviters, inviter, null, new StoredInviter(left.Left, left.At.ToUnixTimeMilliseconds()), RoomJson.Default.StoredInviter);

    private static DocumentChange Put(Invitation invitation) => DocumentsReading.Put(
        Invitations,
        Id(invitation.Room, invitation.Account),
        null,
        new StoredInvitation(invitation.By, invitation.At.ToUnixTimeMilliseconds(), invitation.IsDeclined),
        RoomJson.Default.StoredInvitation);

    private static DocumentChange Remove(Invitation invitation) => new Delete(Invitations, Id(invitation.Room, invitation.Account), null);

    private static DocumentChange Put(RoomRecord room, long? expected) => DocumentsReading.Put(
        Rooms,
        room.Key,
        expected,
        new StoredRoom(room.Id.Value, room.Title, room.Topic, room.IsPrivate, room.OwnerId, room.CreatedAt.ToUnixTimeMilliseconds()),
        RoomJson.Default.StoredRoom);

    private static RoomRecord ReadRoom(Document document)
    {
        var stored = document.As(RoomJson.Default.StoredRoom);
        return new RoomRecord(
            document.Id,
            RoomId.TryParse(stored.Id, out var id) ? id : throw new InvalidDataException($"'{stored.Id}' in the rooms collection is no room id."),
            stored.Title,
            stored.Topic,
            stored.Private,
            stored.Owner,
            Time(stored.CreatedAt));
    }

    private static Invitation ReadInvitation(Document document)
    {
        var (room, account) = Parts(document.Id);
        var stored = document.As(RoomJson.Default.StoredInvitation);
        return new Invitation(room, account, stored.By, Time(stored.At), stored.Declined);
    }

    private static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}

/// <summary>Documents of rooms. Times are milliseconds since 1970. `rooms` by key.</summary>
internal sealed record StoredRoom(string Id, string Title, string Topic, bool Private, string? Owner, long CreatedAt);

/// <summary>`members` by `{room key}/{account}`.</summary>
/// <param name="Since">Null: since version 0.1, which did not write it down.</param>
internal sealed record StoredMember(long? Since);

/// <summary>`formerRooms` by room id.</summary>
internal sealed record StoredFormerRoom(string Key, string? Owner, bool Ending);

/// <summary>`invitations` by `{room key}/{account}`.</summary>
internal sealed record StoredInvitation(string By, long At, bool Declined);

/// <summary>`inviters` by account.</summary>
internal sealed record StoredInviter(double Left, long At);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredRoom))]
[JsonSerializable(typeof(StoredMember))]
[JsonSerializable(typeof(StoredFormerRoom))]
[JsonSerializable(typeof(StoredInvitation))]
[JsonSerializable(typeof(StoredInviter))]
internal sealed partial class RoomJson : JsonSerializerContext;
