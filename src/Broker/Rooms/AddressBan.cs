using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
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

/// <summary>The address bans of one room, by the hash of the address. Each ends by itself: whoever asks looks at the clock.</summary>
/// <remarks>Thread-safe, and a look at memory.</remarks>
internal sealed class RoomAddressBans(TimeProvider time)
{
    // Null in nearly every room.
    private volatile ConcurrentDictionary<string, AddressBan>? _all;

    /// <summary>What holds by now.</summary>
    public IEnumerable<KeyValuePair<string, AddressBan>> Holding => Stored.Where(one => one.Value.Until > time.GetUtcNow());

    /// <summary>As they are stored, also those that are over.</summary>
    public IEnumerable<KeyValuePair<string, AddressBan>> Stored => _all is { } all ? all : Enumerable.Empty<KeyValuePair<string, AddressBan>>();

    public bool AreNone => _all is not { IsEmpty: false };

    /// <summary>Null: none holds.</summary>
    public AddressBan? Find(string hash) => _all is { } all && all.TryGetValue(hash, out var ban) && ban.Until > time.GetUtcNow() ? ban : null;

    /// <summary>It is on disk like this by now. Never blocks: the log thread calls it.</summary>
    public void Become(string hash, AddressBan? ban)
    {
        if (ban is not null)
        {
            (_all ??= new())[hash] = ban;
        }
        else
        {
            _all?.TryRemove(hash, out _);
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(AddressBan))]
internal sealed partial class AddressBanJson : JsonSerializerContext;
