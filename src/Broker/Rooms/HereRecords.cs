using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Rooms;

/// <summary>Who is in which room with which node, as records that all nodes hear.</summary>
/// <remarks>
/// <para>Keys: `here/{room key}/{account}/{node}`, while the node has clients of the account there or waits for them, and
/// `said/{room key}/{account}`, while the room's last word of the account is join. Values are a <see cref="PresentNote"/>.</para>
/// <para>Thread-safe. Alone nothing is written, and rooms have no <see cref="SharedPresence"/>.</para>
/// </remarks>
internal sealed class HereRecords(
    IRecords records, INodeLinks links, IDuties duties, IReplication replication, AccountDirectory accounts, TimeProvider time) : IRoomRecords
{
    /// <summary>Whose it is says who went with a node that died.</summary>
    public const string Duty = "sweep";

    public const string HerePrefix = "here/";
    public const string SaidPrefix = "said/";

    // Refused by the store: written anew with the next second.
    private readonly ConcurrentQueue<(Room Room, string Account, string Node)> _refused = new();
    private volatile FrozenSet<string> _there = [];

    public bool IsAlone => replication.IsAlone;

    public string Self => links.Self;

    public DateTimeOffset Now => time.GetUtcNow();

    public bool IsMine => duties.Has(Duty);

    public static byte[] HereKey(string roomKey, string accountId, string node) => Encoding.ASCII.GetBytes($"here/{roomKey}/{accountId}/{node}");

    public static byte[] SaidKey(string roomKey, string accountId) => Encoding.ASCII.GetBytes($"said/{roomKey}/{accountId}");

    public static byte[] ValueOf(PresentNote note) => JsonSerializer.SerializeToUtf8Bytes(note, PresenceJson.Default.PresentNote);

    public static PresentNote NoteIn(byte[] value) => JsonSerializer.Deserialize(value, PresenceJson.Default.PresentNote)!;

    /// <summary>Whether the node runs, as far as this one knows.</summary>
    public bool IsThere(string node) => _there.Contains(node);

    public Account? AccountOf(string accountId) => accounts.Find(accountId);

    /// <summary>
    /// Handed to the store before it returns; under the room's gate, so that it is written in the order of what happened.
    /// </summary>
    public void Put(Room room, PresentNote note) => Write(room, note.Account, Self, ValueOf(note));

    /// <inheritdoc cref="Put"/>
    public void Remove(Room room, string accountId, string node) => Write(room, accountId, node, null);

    /// <summary>What was said of an account that is erased.</summary>
    public void Forget(Room room, string accountId) => _ = records.WriteAsync([new(SaidKey(room.Key, accountId), null)]).ContinueWith(
        static written => _ = written.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    /// <summary>About once a second, before the rooms are swept.</summary>
    public void Sweep()
    {
        if (IsAlone)
        {
            return;
        }

        _there = links.Others.ToFrozenSet();
        for (var count = _refused.Count; count > 0 && _refused.TryDequeue(out var refused); count--)
        {
            if (refused.Node == Self)
            {
                refused.Room.WriteHereAgain(refused.Account);
            }
            else
            {
                Remove(refused.Room, refused.Account, refused.Node);
            }
        }
    }

    public async Task ForgetRoomAsync(string roomKey)
    {
        if (!IsAlone)
        {
            byte[][] prefixes = [Encoding.ASCII.GetBytes($"{HerePrefix}{roomKey}/"), Encoding.ASCII.GetBytes($"{SaidPrefix}{roomKey}/")];
            await records.WriteInPartsAsync(prefixes.SelectMany(prefix => records.ReadAll(prefix)).Select(record => new RecordChange(record.Key, null)));
        }
    }

    private void Write(Room room, string accountId, string node, byte[]? value) =>
        _ = IsWrittenAsync(records.WriteAsync([new(HereKey(room.Key, accountId, node), value)]), room, accountId, node);

    private async Task IsWrittenAsync(Task written, Room room, string accountId, string node)
    {
        try
        {
            await written;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // Told by the log. Of a room that is deleted nothing is written again.
            _refused.Enqueue((room, accountId, node));
        }
    }
}
