using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>Who is kicked, banned or muted where, as records of the event log, twice in one batch as places are (ADR 0074).</summary>
/// <remarks>
/// Keys are ASCII; the value is the JSON of <see cref="Restraint"/>:
/// <code>
/// out/ room key / account       by which a room finds whom it holds back
/// outof/ account / room key     by which an account that ends is forgotten
/// </code>
/// Thread-safe. Who changes one is alone with the room.
/// </remarks>
internal sealed class RestraintStore(IRecords records, RoomDirectory directory, AccountDirectory accounts, ChangeTurns turns, BanEnds ends)
    : IRoomRecords, IAccountRecords
{
    private const int PerPage = 1_000;

    /// <summary>For the batch of an event.</summary>
    /// <param name="restraint">Null: nothing is to be there.</param>
    public static RecordChange[] ChangesOf(string room, string account, Restraint? restraint)
    {
        var value = restraint?.Write();
        return [new(RoomKey(room, account), value), new(AccountKey(account, room), value)];
    }

    /// <summary>That it is stored like this still.</summary>
    /// <param name="bytes">See <see cref="RoomRestraints.BytesOf"/>.</param>
    public static RecordCondition Condition(string room, string account, byte[]? bytes) => new(RoomKey(room, account), bytes);

    /// <summary>Gives the rooms what is stored of them. What is over, or of nobody, goes. Before anything is served.</summary>
    /// <param name="tidies">False: what is over stays.</param>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public async Task RestoreAsync(bool tidies = true)
    {
        List<RecordChange> over = [];
        foreach (var (key, value) in PagesOf("out/"u8.ToArray()))
        {
            var account = MembershipRecord.SecondOf(key);
            var room = Encoding.ASCII.GetString(key.AsSpan("out/".Length, key.Length - "out/".Length - account.Length - 1));
            if (directory.FindByKey(room) is not { } found)
            {
                // The end of the room removes it.
                continue;
            }

            // What a later version wrote keeps out, for it did there too.
            var restraint = /* guard: a restraint that cannot be read keeps out */ Restraint.Read(value) ?? Restraint.Unreadable;
            if (accounts.Find(account) is null || restraint.At(found.Restraints.Now) is null)
            {
                over.AddRange(ChangesOf(room, account, null));
            }
            else
            {
                found.Restraints.Restore(account, restraint, value);
                ends.Set(room, account, restraint.Ban?.Until);
            }
        }

        if (!tidies)
        {
            return;
        }

        // What an erased account was to be told, and was not, for a log that cannot be read. Few wait at any time.
        over.AddRange(PagesOf(ActDue.Prefix)
            .Where(one => ActDue.Read(one.Value) is { } due && accounts.Find(due.Account) is null or { IsErased: true })
            .Select(one => new RecordChange(one.Key, null)));
        await records.WriteInPartsAsync(over);
    }

    public Task ForgetRoomAsync(string roomKey) => records.WriteInPartsAsync(PagesOf(Encoding.ASCII.GetBytes($"out/{roomKey}/"))
        .SelectMany(one =>
        {
            var account = MembershipRecord.SecondOf(one.Key);
            ends.Set(roomKey, account, null);
            return ChangesOf(roomKey, account, null);
        })
        .Concat(PagesOf(ActDue.PrefixOf(roomKey)).Select(one => new RecordChange(one.Key, null))));

    public async Task ForgetAsync(string accountId)
    {
        // A ban that was begun before the account was marked as erased is on disk first, and removed with the others.
        using var turn = await /* guard: an erased account's bans go in its turn */ turns.OfAccountAsync(accountId);
        foreach (var (key, _) in PagesOf(Encoding.ASCII.GetBytes($"outof/{accountId}/")))
        {
            var room = MembershipRecord.SecondOf(key);
            await records.WriteAsync(ChangesOf(room, accountId, null));
            directory.FindByKey(room)?.Restraints.Become(accountId, null);
            ends.Set(room, accountId, null);
        }
    }

    private static byte[] RoomKey(string room, string account) => Encoding.ASCII.GetBytes($"out/{room}/{account}");

    private static byte[] AccountKey(string account, string room) => Encoding.ASCII.GetBytes($"outof/{account}/{room}");

    private IEnumerable<KeyValuePair<byte[], byte[]>> PagesOf(byte[] prefix)
    {
        IReadOnlyList<KeyValuePair<byte[], byte[]>> page;
        byte[] last = [];
        do
        {
            page = records.ReadPage(prefix, last, PerPage);
            foreach (var one in page)
            {
                last = one.Key;
                yield return one;
            }
        }
        while (page.Count == PerPage);
    }
}
