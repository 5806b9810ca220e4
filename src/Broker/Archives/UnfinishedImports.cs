using System.Text;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Archives;

/// <summary>What is imported and no room yet: a note of each, by which nothing of it is left when it fails, or the server dies.</summary>
/// <remarks>
/// Key `import/{room key}`, no value: written before all else of the room, and taken away when the room is there or nothing of it is.
/// Thread-safe.
/// </remarks>
internal sealed class UnfinishedImports(
    IEventLog log, IRecords records, RoomDirectory rooms, MembershipStore memberships, IRoomValues values, LeftBehind left, BrokerSettings settings)
{
    private const int AtOnce = 1_000;

    private static readonly byte[] _prefix = "import/"u8.ToArray();

    /// <summary>Where files lie while they are read; nobody's rights reach into it.</summary>
    public string Folder => Path.Combine(settings.DataFolder, "imports");

    public Task BeginAsync(string roomKey) => records.WriteAsync([new RecordChange(KeyOf(roomKey), [])]);

    /// <summary>The room is there. Where that cannot be noted, the next start sees it.</summary>
    public Task DoneAsync(string roomKey) => left.TryAsync(() => records.WriteAsync([new RecordChange(KeyOf(roomKey), null)]));

    /// <summary>Takes away what there is of a room that did not come about. What cannot be taken away now goes at the next start.</summary>
    public Task RemoveAsync(string roomKey) => left.TryAsync(async () =>
    {
        var name = LogName.OfRoom(roomKey);
        await log.DropAsync(name);
        await RemoveAllAsync(ReactionKey.PrefixOf(name));
        await RemoveAllAsync(AuditRecord.PrefixOf(roomKey));
        await records.WriteAsync([new RecordChange(Pins.Key(name), null)]);
        await values.ForgetAsync(roomKey);
        await memberships.RemoveRoomAsync(roomKey);
        await DoneAsync(roomKey);
    });

    /// <summary>Removes what an earlier run of the program has left. When all rooms are known, and before anything is served.</summary>
    public async Task RestoreAsync()
    {
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }

        foreach (var (key, _) in records.ReadAll(_prefix))
        {
            var roomKey = Encoding.ASCII.GetString(key.AsSpan(_prefix.Length));
            await (rooms.FindByKey(roomKey) is null
                ? (/* guard: an import that the server's end has cut off */ RemoveAsync(roomKey))
                : DoneAsync(roomKey));
        }
    }

    private static byte[] KeyOf(string roomKey) => [.. _prefix, .. Encoding.ASCII.GetBytes(roomKey)];

    // Each page from the last key on: from the prefix on it would read over all that was deleted just now.
    private async Task RemoveAllAsync(byte[] prefix)
    {
        for (byte[] last = []; records.ReadPage(prefix, last, AtOnce) is { Count: > 0 } page; last = page[^1].Key)
        {
            await records.WriteAsync([.. page.Select(one => new RecordChange(one.Key, null))]);
        }
    }
}
