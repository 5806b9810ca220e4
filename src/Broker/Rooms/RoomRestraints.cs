using System.Collections.Concurrent;

namespace WebMessenger.Broker.Rooms;

/// <summary>Who is held back in one room, as it is stored. Each ends by itself: whoever asks looks at the clock.</summary>
/// <remarks>Thread-safe, and a look at memory: the log thread asks for each message.</remarks>
internal sealed class RoomRestraints(TimeProvider time)
{
    // Null in nearly every room.
    private volatile ConcurrentDictionary<string, Restraint>? _all;

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
    public IEnumerable<KeyValuePair<string, Restraint>> Stored => _all ?? Enumerable.Empty<KeyValuePair<string, Restraint>>();

    /// <summary>As it is stored; null: there is nothing.</summary>
    public Restraint? StoredOf(string accountId) => _all?.GetValueOrDefault(accountId);

    public Restriction? KickOf(string accountId) => Holds(StoredOf(accountId)?.Kick);

    public Restriction? BanOf(string accountId) => Holds(StoredOf(accountId)?.Ban);

    public Restriction? MuteOf(string accountId) => Holds(StoredOf(accountId)?.Mute);

    /// <summary>It is on disk like this by now. Never blocks: the log thread calls it.</summary>
    public void Become(string accountId, Restraint? restraint)
    {
        if (restraint is not null)
        {
            (_all ??= new())[accountId] = restraint;
        }
        else
        {
            _all?.TryRemove(accountId, out _);
        }
    }

    private Restriction? Holds(Restriction? one) => one?.HoldsAt(time.GetUtcNow()) == true ? one : null;
}
