using System.Collections.Concurrent;

namespace WebMessenger.Broker.Rooms;

/// <summary>Who is held back in one room, as it is stored. Each ends by itself: whoever asks looks at the clock.</summary>
/// <remarks>Thread-safe, and a look at memory: the log thread asks for each message.</remarks>
internal sealed class RoomRestraints(TimeProvider time)
{
    // Null in nearly every room. The bytes are those of the record, which another version may have written otherwise.
    private volatile ConcurrentDictionary<string, (Restraint Restraint, byte[] Bytes)>? _all;

    /// <summary>In whole milliseconds.</summary>
    public DateTimeOffset Now => DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>What holds by now; null: nothing.</summary>
    public IEnumerable<KeyValuePair<string, Restraint>> Holding
    {
        get
        {
            var now = Now;
            foreach (var (account, restraint) in Stored)
            {
                if (restraint.At(now) is { } holds)
                {
                    yield return new(account, holds);
                }
            }
        }
    }

    /// <summary>As they are stored, also those that are over.</summary>
    public IEnumerable<KeyValuePair<string, Restraint>> Stored => _all is { } all
        ? all.Select(one => new KeyValuePair<string, Restraint>(one.Key, one.Value.Restraint))
        : Enumerable.Empty<KeyValuePair<string, Restraint>>();

    /// <summary>As it is stored; null: there is nothing.</summary>
    public Restraint? StoredOf(string accountId) => _all is { } all && all.TryGetValue(accountId, out var one) ? one.Restraint : null;

    /// <summary>The record of it: the condition of who changes it. Null: there is none.</summary>
    public byte[]? BytesOf(string accountId) => _all is { } all && all.TryGetValue(accountId, out var one) ? one.Bytes : null;

    public Restriction? KickOf(string accountId) => Holds(StoredOf(accountId)?.Kick);

    public Restriction? BanOf(string accountId) => Holds(StoredOf(accountId)?.Ban);

    /// <summary>Asked by <see cref="RoomPolicy.MuteOf"/>, which knows whom nobody mutes.</summary>
    public Restriction? MuteOf(string accountId) => Holds(StoredOf(accountId)?.Mute);

    /// <summary>It is on disk like this by now. Never blocks: the log thread calls it.</summary>
    public void Become(string accountId, Restraint? restraint)
    {
        if (restraint is not null)
        {
            Restore(accountId, restraint, restraint.Write());
        }
        else
        {
            _all?.TryRemove(accountId, out _);
        }
    }

    /// <summary>As it was found on disk.</summary>
    public void Restore(string accountId, Restraint restraint, byte[] bytes) => (_all ??= new())[accountId] = (restraint, bytes);

    private Restriction? Holds(Restriction? one) => one?.HoldsAt(time.GetUtcNow()) == true ? one : null;
}
