using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.Documents;
using static WebMessenger.Storage.Documents.DocumentChange;

namespace WebMessenger.Broker.Rooms;

/// <summary>What is read at start.</summary>
/// <param name="Erased">Ids of accounts that were erased and of which something may be left.</param>
internal sealed record StoredRooms(
    List<RoomRecord> Rooms,
    List<FormerRoom> Former,
    List<Invitation> Invitations,
    List<(string Account, DailyLeft Left)> Inviters,
    List<string> Erased);

/// <summary>
/// Rooms, the ids of those that were deleted, and invitations, as documents.
/// Read once at start; memory holds them after, and one caller at a time changes each (<see cref="ChangeTurns"/>): so most of it is put
/// whatever version is there. Who is in the rooms is kept in the other store (<see cref="MembershipStore"/>).
/// </summary>
internal sealed class RoomStore(IDocuments documents)
{
    /// <summary>The collection of the rooms themselves, by key.</summary>
    public const string Rooms = "rooms";

    private const string Members = "members";

    /// <summary>Of <see cref="FormerRoom"/>, by the id of the room.</summary>
    public const string Former = "formerRooms";

    /// <summary>See <see cref="PartsOf"/>.</summary>
    public const string Invitations = "invitations";

    /// <summary>By account.</summary>
    public const string Inviters = "inviters";

    // Which room has an id just now; claimed by the room's key.
    private const string Ids = "room";

    // Another node may be quicker, but not each time.
    private const int Tries = 32;

    /// <summary>A key that no room has had, but for a chance in 2^82.</summary>
    public static string NewKey() => "r" + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", 16);

    public async Task<StoredRooms> LoadAsync()
    {
        StoredRooms stored = new([], [], [], [], await ErasedAccounts.AllAsync(documents));
        await foreach (var document in documents.AllAsync(Rooms))
        {
            stored.Rooms.Add(Read(document.Id, document.Json));
        }

        await foreach (var document in documents.AllAsync(Former))
        {
            stored.Former.Add(ReadFormer(document.Id, document.Json));
        }

        await foreach (var document in documents.AllAsync(Invitations))
        {
            stored.Invitations.Add(ReadInvitation(document.Id, document.Json));
        }

        await foreach (var document in documents.AllAsync(Inviters))
        {
            stored.Inviters.Add((document.Id, ReadInviter(document.Id, document.Json)));
        }

        return stored;
    }

    /// <summary>Stores a new room, whose id is a former room's no more.</summary>
    /// <returns>
    /// Null: it is stored.
    /// Else the key of a room that has the id: a write that seemed to have failed has stored it, and nobody was ever in it.
    /// The caller removes what else is stored under that key, then it (<see cref="RemoveLeftoverAsync"/>), and tries again.
    /// </returns>
    public async Task<string?> CreateAsync(RoomRecord room)
    {
        var outcome = await documents.CommitAsync(
            [Put(room, expected: 0), new Claim(Ids, room.Id.Value, room.Key), new Delete(Former, room.Id.Value, null)]);
        return outcome.IsDone ? null
            : outcome.Conflicts.Select(conflict => conflict.Owner).FirstOrDefault(owner => owner is not null)
                ?? throw new IOException($"The key of the new room '{room.Id}' is another's.");
    }

    /// <summary>See <see cref="CreateAsync"/>.</summary>
    public Task RemoveLeftoverAsync(RoomId id, string key) =>
        documents.CommitAllAsync([new Delete(Rooms, key, null), new GiveBack(Ids, id.Value, key)]);

    /// <summary>The room of this key; null: there is none.</summary>
    public async Task<RoomRecord?> FindAsync(string key) => await documents.GetAsync(Rooms, key) is { } document ? Read(key, document.Json) : null;

    /// <summary>Stores a room that was changed.</summary>
    public async Task SaveAsync(RoomRecord room)
    {
        for (var tries = 0; tries < Tries; tries++)
        {
            var version = (await documents.GetAsync(Rooms, room.Key))?.Version ?? 0;
            if ((await documents.CommitAsync([Put(room, version)])).IsDone)
            {
                return;
            }
        }

        throw new IOException($"The room '{room.Id}' is changed by somebody else all the time.");
    }

    /// <summary>Takes a room away, and notes what of it is left to be removed.</summary>
    public Task DeleteAsync(FormerRoom room) =>
        documents.CommitAllAsync([new Delete(Rooms, room.Key, null), new GiveBack(Ids, room.Id, room.Key), Put(room)]);

    /// <summary>Removes a deleted room's invitations: then nothing of it is left here but its id.</summary>
    public async Task EndedAsync(FormerRoom room)
    {
        List<DocumentChange> changes = [];
        await foreach (var document in documents.AllAsync(Invitations, room.Key + "/"))
        {
            changes.Add(new Delete(Invitations, document.Id, null));
        }

        // Last of all, also where these are more than one commit.
        changes.Add(Put(room));
        await documents.CommitAllAsync(changes);
    }

    /// <summary>The lists of rooms as version 0.1 kept them.</summary>
    public async Task<List<StoredMembership>> FormerMembersAsync()
    {
        List<StoredMembership> members = [];
        await foreach (var document in documents.AllAsync(Members))
        {
            var (room, account) = PartsOf(document.Id);
            var since = document.As(RoomJson.Default.StoredMember).Since;
            members.Add(new StoredMembership(
                room, account, new MembershipRecord(MemberRole.Member, true, since is { } at ? Time(at) : null, null, 0)));
        }

        return members;
    }

    /// <summary>Removes them. The caller has them elsewhere, synced.</summary>
    public async Task RemoveFormerMembersAsync()
    {
        List<DocumentChange> changes = [];
        await foreach (var document in documents.AllAsync(Members))
        {
            changes.Add(new Delete(Members, document.Id, null));
        }

        await documents.CommitAllAsync(changes);
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

    /// <summary>Removes what is kept here of an erased account beside the account itself; what fails is done by the next start.</summary>
    /// <param name="invitations">Those that it has, or has made.</param>
    /// <param name="isAll">Nothing of the account is left elsewhere.</param>
    public Task RemoveAccountAsync(string account, IEnumerable<Invitation> invitations, bool isAll)
    {
        List<DocumentChange> changes = [.. invitations.Select(Remove), new Delete(Inviters, account, null)];
        if (isAll)
        {
            // Last of all, also where these are more than one commit.
            changes.Add(ErasedAccounts.StrikeOut(account));
        }

        return documents.CommitAllAsync(changes);
    }

    private static string Id(string room, string account) => room + "/" + account;

    /// <summary>Of the id of an invitation: the key of the room, and the account.</summary>
    /// <remarks>Neither a key nor an account id has a slash.</remarks>
    public static (string Room, string Account) PartsOf(string id) =>
        (id[..id.IndexOf('/', StringComparison.Ordinal)], id[(id.IndexOf('/', StringComparison.Ordinal) + 1)..]);

    private static DocumentChange Put(FormerRoom room) =>
        DocumentsReading.Put(
            Former, room.Id, null, new StoredFormerRoom(room.Key, room.OwnerId, room.IsEnding), RoomJson.Default.StoredFormerRoom);

    private static DocumentChange Put(string inviter, DailyLeft left) =>
        DocumentsReading.Put(
            Inviters, inviter, null, new StoredInviter(left.Left, left.At.ToUnixTimeMilliseconds()), RoomJson.Default.StoredInviter);

    private static DocumentChange Put(Invitation invitation) => DocumentsReading.Put(
        Invitations,
        Id(invitation.Room, invitation.Account),
        null,
        new StoredInvitation(invitation.By, invitation.At.ToUnixTimeMilliseconds(), invitation.IsDeclined),
        RoomJson.Default.StoredInvitation);

    private static DocumentChange Remove(Invitation invitation) => new Delete(Invitations, Id(invitation.Room, invitation.Account), null);

    /// <summary>A room as it is stored, in either store.</summary>
    public static byte[] BytesOf(RoomRecord room) => JsonSerializer.SerializeToUtf8Bytes(
        new StoredRoom(
            room.Id.Value, room.Title, room.Topic, null, room.MakerId, room.CreatedAt.ToUnixTimeMilliseconds(), room.Policy, room.Revision,
            room.Tags.Count == 0 ? null : [.. room.Tags]),
        RoomJson.Default.StoredRoom);

    /// <exception cref="InvalidDataException">It is not what it should be.</exception>
    public static RoomRecord Read(string key, ReadOnlyMemory<byte> json)
    {
        var stored = new Document(key, 1, json).As(RoomJson.Default.StoredRoom);
        return new RoomRecord(
            key,
            RoomId.TryParse(stored.Id, out var id) ? id : throw new InvalidDataException($"'{stored.Id}' of room {key} is no room id."),
            stored.Title,
            stored.Topic,
            stored.Policy ?? PolicyFields.Of(stored.Private ?? false),
            stored.Owner,
            Time(stored.CreatedAt))
        {
            Revision = stored.Revision,
            Tags = RoomTags.Of(stored.Tags ?? []),
        };
    }

    private static DocumentChange.Put Put(RoomRecord room, long? expected) =>
        new DocumentChange.Put(Rooms, room.Key, expected, BytesOf(room));

    /// <exception cref="InvalidDataException">It is not what it should be. So with those below.</exception>
    public static Invitation ReadInvitation(string id, ReadOnlyMemory<byte> json)
    {
        var (room, account) = PartsOf(id);
        var stored = new Document(id, 1, json).As(RoomJson.Default.StoredInvitation);
        return new Invitation(room, account, stored.By, Time(stored.At), stored.Declined);
    }

    public static FormerRoom ReadFormer(string id, ReadOnlyMemory<byte> json)
    {
        var former = new Document(id, 1, json).As(RoomJson.Default.StoredFormerRoom);
        return new FormerRoom(id, former.Key, former.Owner, former.Ending);
    }

    public static DailyLeft ReadInviter(string id, ReadOnlyMemory<byte> json)
    {
        var left = new Document(id, 1, json).As(RoomJson.Default.StoredInviter);
        return new DailyLeft(left.Left, Time(left.At));
    }

    private static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}

/// <summary>Documents of rooms. Times are milliseconds since 1970. `rooms` by key.</summary>
/// <param name="Owner">See <see cref="RoomRecord.MakerId"/>. Version 0.1 wrote here who has it.</param>
/// <param name="Tags">Null: none.</param>
/// <param name="Private">As version 0.1 wrote it, in place of a policy.</param>
internal sealed record StoredRoom(
    string Id, string Title, string Topic, bool? Private, string? Owner, long CreatedAt, PolicyFields? Policy = null, int Revision = 0,
    string[]? Tags = null);

/// <summary>`members` by `{room key}/{account}`: of version 0.1.</summary>
/// <param name="Since">Null: since version 0.1, which did not write it down.</param>
internal sealed record StoredMember(long? Since);

/// <summary>`formerRooms` by room id.</summary>
internal sealed record StoredFormerRoom(string Key, string? Owner, bool Ending);

/// <summary>`invitations` by `{room key}/{account}`.</summary>
internal sealed record StoredInvitation(string By, long At, bool Declined);

/// <summary>`inviters` by account.</summary>
internal sealed record StoredInviter(double Left, long At);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredRoom))]
[JsonSerializable(typeof(StoredMember))]
[JsonSerializable(typeof(StoredFormerRoom))]
[JsonSerializable(typeof(StoredInvitation))]
[JsonSerializable(typeof(StoredInviter))]
internal sealed partial class RoomJson : JsonSerializerContext;
