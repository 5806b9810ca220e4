using System.Collections.Concurrent;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>Who may address an account that has not asked for it.</summary>
internal enum Callers : byte
{
    Anybody,

    /// <summary>Whoever is on the list of a room that the account is on the list of.</summary>
    PeopleOfRooms,

    Nobody,
}

/// <summary>By whom an account wants to be asked into rooms, and be written to.</summary>
internal sealed record CallersOf(Callers Inviters, Callers Whisperers)
{
    public static CallersOf Usual { get; } = new(Callers.Anybody, Callers.Anybody);
}

/// <summary>
/// Which accounts want to be left alone, and by whom. Whoever is kept away by it is answered as if there were nobody (decision 28).
/// </summary>
/// <remarks>
/// Records `alone/{account}`, one byte for inviters and one for whisperers, none where both are anybody; in the batch of the settings
/// that say so. All of them are in memory too, for they are asked for at each whisper, on the log thread. A byte that is not known counts
/// as nobody. Thread-safe; one account's changes are the caller's to put in order.
/// </remarks>
internal sealed class LeftAlone(IRecords records, IEventLog log)
{
    private static readonly byte[] _prefix = "alone/"u8.ToArray();

    private readonly ConcurrentDictionary<string, CallersOf> _byAccount = new();

    /// <summary>Reads what is stored. Before anything is served.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public void Load()
    {
        for (byte[] last = []; records.ReadPage(_prefix, last, RecordParts.WriteAtOnce) is { Count: > 0 } page; last = page[^1].Key)
        {
            foreach (var (key, value) in page)
            {
                _byAccount[Encoding.ASCII.GetString(key.AsSpan(_prefix.Length))] = Read(value);
            }
        }
    }

    /// <summary>What is to be stored with the settings that say so.</summary>
    public static RecordChange ChangeTo(string account, CallersOf callers) => new(
        Encoding.ASCII.GetBytes($"alone/{account}"), callers == CallersOf.Usual ? null : [(byte)callers.Inviters, (byte)callers.Whisperers]);

    /// <summary>It is on disk. When it completes, nothing gets a number any more that is not let through by it.</summary>
    public async Task BecomeAsync(string account, CallersOf callers)
    {
        if (callers == CallersOf.Usual)
        {
            _byAccount.TryRemove(account, out _);
            return;
        }

        var before = Of(account);
        _byAccount[account] = callers;
        if (before.Whisperers != callers.Whisperers)
        {
            await log.SettleAsync();
        }
    }

    /// <summary>It is on disk like this by another node.</summary>
    public void Heard(RecordChange change)
    {
        var account = Encoding.ASCII.GetString(change.Key.AsSpan(_prefix.Length));
        if (change.Value is { } value)
        {
            _byAccount[account] = Read(value);
        }
        else
        {
            _byAccount.TryRemove(account, out _);
        }
    }

    public CallersOf Of(string account) => _byAccount.GetValueOrDefault(account) ?? CallersOf.Usual;

    /// <summary>Whether an account that is asked into a room by the other is to hear of it.</summary>
    public bool MayInvite(RoomDirectory directory, Account by, Account whom) => IsAmong(Of(whom.Id).Inviters, directory, by, whom);

    /// <summary>Whether what the one says to the other alone is taken. In memory: the log thread asks.</summary>
    /// <param name="haveTalked">Whether the two have a conversation already, which goes on unless the other hears nobody.</param>
    public bool MayWhisper(RoomDirectory directory, Account by, Account whom, Func<bool> haveTalked)
    {
        var callers = Of(whom.Id).Whisperers;
        return by == whom || IsAmong(callers, directory, by, whom) || (callers == Callers.PeopleOfRooms && haveTalked());
    }

    private static bool IsAmong(Callers callers, RoomDirectory directory, Account by, Account whom) => callers switch
    {
        Callers.Anybody => true,
        Callers.PeopleOfRooms => /* guard: left alone but by people of one's rooms */ Array.Exists(directory.RoomsOf(by.Id), room => room.IsMember(whom.Id)),
        _ => /* guard: left alone by everybody */ false,
    };

    private static CallersOf Read(byte[] value) =>
        value is [var inviters, var whisperers] ? new(Known(inviters), Known(whisperers)) : new(Callers.Nobody, Callers.Nobody);

    private static Callers Known(byte callers) => callers <= (byte)Callers.Nobody ? (Callers)callers : Callers.Nobody;
}
