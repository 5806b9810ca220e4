using WebMessenger.Auth.Accounts;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Where the guests of one room have come from, until a day after they left: who signs out, or moves on, is banned by it all the same.
/// </summary>
/// <remarks>
/// In memory: of at most <see cref="MostGuests"/>, the latest <see cref="AddressesOfGuest"/> hashes each. Of more guests, who came or left
/// longest ago is forgotten first. Thread-safe.
/// </remarks>
internal sealed class GuestStays(string roomKey, GuestAddresses addresses, TimeProvider time)
{
    public const int MostGuests = 1_000;

    /// <summary>A guest has one browser, or a few.</summary>
    public const int AddressesOfGuest = 4;

    private readonly Lock _gate = new();

    // In the order in which they came or left. Most rooms have none.
    private OrderedDictionary<string, Stay>? _stays;

    /// <summary>The guest comes, stays or leaves now.</summary>
    /// <param name="isMember">Whether an account is in the room, as it is after that.</param>
    public void Note(Account guest, Func<string, bool> isMember)
    {
        if (!guest.IsGuest)
        {
            return;
        }

        var hashes = HashesOf(guest);
        lock (_gate)
        {
            var stays = _stays ??= new(StringComparer.Ordinal);
            stays.Remove(guest.Id);
            stays.Add(guest.Id, new Stay([.. hashes.Take(AddressesOfGuest)], time.GetUtcNow()));
            ForgetOld(stays, isMember);
        }
    }

    /// <summary>Forgets who left more than a day ago.</summary>
    public void Tidy(Func<string, bool> isMember)
    {
        lock (_gate)
        {
            if (_stays is { } stays)
            {
                ForgetOld(stays, isMember);
            }
        }
    }

    /// <summary>Those of now, then those of before, the latest first.</summary>
    public IReadOnlyList<string> HashesOf(Account guest)
    {
        List<string> hashes = [.. addresses.HashesOf(roomKey, guest)];
        lock (_gate)
        {
            return _stays?.TryGetValue(guest.Id, out var stay) == true ? [.. hashes.Union(stay.Hashes)] : hashes;
        }
    }

    private void ForgetOld(OrderedDictionary<string, Stay> stays, Func<string, bool> isMember)
    {
        var old = time.GetUtcNow() - AddressBans.Longest;
        foreach (var gone in stays.TakeWhile(one => one.Value.At <= old).Where(one => !isMember(one.Key)).Select(one => one.Key).ToList())
        {
            stays.Remove(gone);
        }

        while (/* guard: guests whose addresses a room remembers */ stays.Count > MostGuests)
        {
            stays.RemoveAt(0);
        }
    }

    private readonly record struct Stay(string[] Hashes, DateTimeOffset At);
}
