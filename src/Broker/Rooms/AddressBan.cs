using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>From the address of a guest who was banned no other guest comes into the room. What is stored names no address.</summary>
/// <param name="Account">Account id of the guest, who may be gone by now.</param>
/// <param name="User">User name of the guest, by which it is lifted.</param>
/// <param name="Name">As the guest was called then.</param>
/// <param name="By">Account id of who imposed it.</param>
/// <param name="At">In whole milliseconds, as <paramref name="Until"/>.</param>
/// <param name="Until">Within a day.</param>
internal sealed record AddressBan(string Account, string User, string Name, string By, DateTimeOffset At, DateTimeOffset Until)
{
    public byte[] Write() => ReadableJson.Write(this, AddressBanJson.Default.AddressBan);

    /// <summary>Null: this program did not write it.</summary>
    public static AddressBan? Read(byte[] value)
    {
        try
        {
            return JsonSerializer.Deserialize(value, AddressBanJson.Default.AddressBan);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Which address, and by the ban of which guest: of two guests from there each has a ban of his own.</summary>
/// <param name="Hash">Of the address.</param>
/// <param name="Account">Account id of the guest.</param>
internal readonly record struct BannedAddress(string Hash, string Account);

/// <summary>The address bans of one room. Each ends by itself: whoever asks looks at the clock.</summary>
/// <remarks>Thread-safe, and a look at memory.</remarks>
/// <param name="addresses">Null: no guest is known by his address.</param>
internal sealed class RoomAddressBans(string roomKey, GuestAddresses? addresses, TimeProvider time)
{
    /// <summary>Null: no guest is known by his address.</summary>
    public GuestStays? Stays { get; } = addresses is null ? null : new(roomKey, addresses, time);

    // Null in nearly every room.
    private volatile ConcurrentDictionary<BannedAddress, AddressBan>? _all;

    /// <summary>What holds by now.</summary>
    public IEnumerable<KeyValuePair<BannedAddress, AddressBan>> Holding => Stored.Where(one => one.Value.Until > time.GetUtcNow());

    /// <summary>As they are stored, also those that are over.</summary>
    public IEnumerable<KeyValuePair<BannedAddress, AddressBan>> Stored => _all is { } all ? all : Enumerable.Empty<KeyValuePair<BannedAddress, AddressBan>>();

    public bool AreNone => _all is not { IsEmpty: false };

    /// <summary>What keeps a guest out for where he comes from now; null: nothing does. Those with an account are never asked.</summary>
    public Restriction? Of(Account account) =>
        !AreNone
        && (/* guard: who has an account is no guest's neighbour */ account.IsGuest)
        && addresses?.HashesOf(roomKey, account).Select(Find).MaxBy(ban => ban?.Until) is { } ban
            ? new Restriction("", ban.At, ban.Until) : null;

    /// <summary>The one of the address that holds longest; null: none holds.</summary>
    private AddressBan? Find(string hash) => Holding.Where(one => one.Key.Hash == hash).Select(one => one.Value).MaxBy(ban => ban.Until);

    /// <summary>It is on disk like this by now. Never blocks: the log thread calls it.</summary>
    public void Become(BannedAddress address, AddressBan? ban)
    {
        if (ban is not null)
        {
            (_all ??= new())[address] = ban;
        }
        else
        {
            _all?.TryRemove(address, out _);
        }
    }

    /// <summary>It is over, and not on disk any more; but where another is in its place by now.</summary>
    public void Forget(BannedAddress address, AddressBan ban) => _all?.TryRemove(new(address, ban));
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(AddressBan))]
internal sealed partial class AddressBanJson : JsonSerializerContext;
