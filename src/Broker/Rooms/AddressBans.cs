using System.Security.Cryptography;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Keeps guests out of a room who come from the address of one who was banned there: another nickname is else another account
/// (ADR 0076, decision 28).
/// </summary>
/// <remarks>
/// Records, keys in ASCII:
/// <code>
/// oa/ room key / hash / account of the guest     the JSON of <see cref="AddressBan"/>
/// ok                                             the key of the hashes: 32 random bytes
/// </code>
/// The hash is 16 bytes of HMAC-SHA256 of room key and address, an IPv6 address as its /64: what is stored tells nobody an address, and of
/// two rooms nobody that it is the same.
/// Thread-safe. Who changes them is alone with the room.
/// </remarks>
internal sealed class AddressBans(IRecords records, RoomDirectory directory, GuestAddresses addresses, BrokerLimits limits)
    : IRoomRecords
{
    /// <summary>An address is somebody else's tomorrow.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    private const int KeyBytes = 32;

    private const int TidiedAtOnce = 32;
    private const int PerPage = 1_000;

    private static readonly byte[] _keyName = "ok"u8.ToArray();

    private static readonly Dictionary<BannedAddress, AddressBan> _none = [];

    /// <summary>Gives the rooms what is stored of them. What is over, or of no room, goes. Before anything is served.</summary>
    /// <param name="tidies">False: nothing is written, and the key of the hashes is another node's to make.</param>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public async Task RestoreAsync(bool tidies = true)
    {
        List<RecordChange> changes = [];
        if (records.Find(_keyName) is { Length: KeyBytes } known)
        {
            addresses.Begin(known);
        }
        else if (tidies)
        {
            var key = RandomNumberGenerator.GetBytes(KeyBytes);
            addresses.Begin(key);
            changes.Add(new RecordChange(_keyName, key));
        }

        foreach (var (key, value) in All())
        {
            var (room, address) = PlaceOf(key);
            var found = directory.FindByKey(room);
            if (found is null)
            {
                changes.Add(new RecordChange(key, null));
            }
            else if (AddressBan.Read(value) is not { } ban)
            {
                // What a later version wrote is left to it.
                continue;
            }
            else if (ban.Until > found.Restraints.Now)
            {
                found.AddressBans.Become(address, ban);
            }
            else
            {
                changes.Add(new RecordChange(key, null));
            }
        }

        if (tidies)
        {
            await records.WriteInPartsAsync(changes);
        }
    }

    /// <summary>Another node has written one, or taken it away; or has made the key of the hashes.</summary>
    public void Heard(RecordChange change)
    {
        if (change is { Value: { Length: KeyBytes } known } && change.Key.AsSpan().SequenceEqual(_keyName))
        {
            addresses.Begin(known);
        }
        else if (change.Key.AsSpan().StartsWith("oa/"u8) && PlaceOf(change.Key) is var (room, address) && directory.FindByKey(room) is { } found)
        {
            found.AddressBans.Become(address, change.Value is { } value ? AddressBan.Read(value) : null);
        }
    }

    /// <summary>Takes those off the disk that are over: of nobody's address anything is kept for longer than it holds.</summary>
    /// <exception cref="IOException">It cannot be read or written now.</exception>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        foreach (var room in directory.All)
        {
            room.AddressBans.Stays?.Tidy(room.IsMember);
        }

        foreach (var (key, value) in All())
        {
            cancellation.ThrowIfCancellationRequested();
            var (roomKey, address) = PlaceOf(key);
            if (directory.FindByKey(roomKey) is not { } room || AddressBan.Read(value) is not { } ban || ban.Until > room.Restraints.Now)
            {
                continue;
            }

            // Who bans the guest anew meanwhile has written another.
            if (await records.WriteAsync([new RecordChange(key, null)], [new RecordCondition(key, value)]) == WriteOutcome.Written)
            {
                room.AddressBans.Forget(address, ban);
            }
        }
    }

    public Task ForgetRoomAsync(string roomKey) => records.WriteInPartsAsync(
        records.ReadAll(Encoding.ASCII.GetBytes($"oa/{roomKey}/")).Select(one => new RecordChange(one.Key, null)));

    /// <summary>What keeps a guest out for where he comes from, as he is told: not whom it was about. Null: nothing does.</summary>
    public static PublishRefusal? WhyNot(Room room, Account account) =>
        (/* guard: guests from the address of one who is banned */ room.AddressBans.Of(account)) is { } ban ? TalkRefusals.Banned(ban) : null;

    /// <summary>What a ban of the account does about its addresses. Of who is no guest: nothing.</summary>
    /// <param name="by">Who bans, from where: an address that he has as well is that of a proxy, or of a house, and is not banned.</param>
    public AddressPlan PlanBan(Room room, Account whom, LoginSession by, Restriction held)
    {
        // Of the guest's own the new ones take the place. Those of other guests from there stay: who imposed them may rank above.
        var over = room.AddressBans.Stored.Where(one => one.Value.Until <= held.At).Select(one => one.Key).Take(TidiedAtOnce)
            .Union(AddressesOf(room, whom.Id)).ToList();
        if (!whom.IsGuest)
        {
            return AddressPlan.Of(room, over, _none, null);
        }

        var end = held.At + Longest;
        AddressBan ban = new(whom.Id, whom.UserName, whom.DisplayName, by.Account.Id, held.At, held.Until < end ? held.Until.Value : end);
        var free = (/* guard: addresses that are banned from a room */ limits.BansPerRoom > 0) ? limits.BansPerRoom - room.AddressBans.Holding.Count(one => one.Value.Account != whom.Id) : int.MaxValue;
        var own = addresses.HashOf(room.Key, by.Address);
        var hashes = (room.AddressBans.Stays?.HashesOf(whom) ?? [])
            .Where(hash => !(/* guard: an address that moderators share */ hash == own))
            .Take(Math.Clamp(free, 0, GuestStays.AddressesOfGuest))
            .ToDictionary(hash => new BannedAddress(hash, whom.Id), _ => ban);
        return AddressPlan.Of(room, over.Where(address => !hashes.ContainsKey(address)), hashes, hashes.Count > 0);
    }

    /// <summary>Lifts those that came with a ban of the account.</summary>
    public static AddressPlan PlanLift(Room room, string accountId) =>
        AddressPlan.Of(room, [.. AddressesOf(room, accountId)], _none, null);

    public static byte[] Key(string room, BannedAddress address) => Encoding.ASCII.GetBytes($"oa/{room}/{address.Hash}/{address.Account}");

    private static (string Room, BannedAddress Address) PlaceOf(byte[] key)
    {
        var parts = Encoding.ASCII.GetString(key).Split('/', 4);
        return (parts[1], new BannedAddress(parts[2], parts.Length > 3 ? parts[3] : ""));
    }

    private static IEnumerable<BannedAddress> AddressesOf(Room room, string accountId) =>
        room.AddressBans.Stored.Where(one => one.Key.Account == accountId).Select(one => one.Key);

    private IEnumerable<KeyValuePair<byte[], byte[]>> All()
    {
        for (byte[] last = []; records.ReadPage("oa/"u8, last, PerPage) is { Count: > 0 } page; last = page[^1].Key)
        {
            foreach (var one in page)
            {
                yield return one;
            }
        }
    }
}

/// <summary>What an act changes of a room's address bans.</summary>
/// <param name="Apply">Makes memory as the disk is by then, on the log thread: must not block.</param>
/// <param name="ByAddress">A guest's ban holds by address, too; null: it is about no guest's ban.</param>
internal sealed record AddressPlan(RecordChange[] Changes, Action Apply, bool? ByAddress)
{
    public static AddressPlan Nothing { get; } = new([], static () => { }, null);

    public static AddressPlan Of(
        Room room, IEnumerable<BannedAddress> gone, IReadOnlyDictionary<BannedAddress, AddressBan> bans, bool? byAddress)
    {
        List<(BannedAddress Address, AddressBan? Ban)> all = [.. gone.Select(address => (address, (AddressBan?)null)), .. bans.Select(one => (one.Key, (AddressBan?)one.Value))];
        return new AddressPlan(
            [.. all.Select(one => new RecordChange(AddressBans.Key(room.Key, one.Address), one.Ban?.Write()))],
            () => all.ForEach(one => room.AddressBans.Become(one.Address, one.Ban)),
            byAddress);
    }
}
