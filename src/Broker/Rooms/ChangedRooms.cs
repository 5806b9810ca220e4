using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Rooms as they were last changed, as records in the batch of the event that tells of it: key `room/{room key}`, value as the
/// document. The document follows; where
/// the two differ, the one that was changed more often is right, so that neither a crash between them nor damage to one opens a room
/// that was closed.
/// </summary>
internal sealed class ChangedRooms(IRecords records)
{
    private static ReadOnlySpan<byte> Prefix => "room/"u8;

    public static RecordChange ChangeTo(RoomRecord room) => new(Key(room.Key), RoomStore.BytesOf(room));

    /// <summary>The room is there as it was last changed; one that was not has no record.</summary>
    public static RecordCondition Is(RoomRecord room) => new(Key(room.Key), room.Revision == 0 ? null : RoomStore.BytesOf(room));

    /// <summary>The rooms as they are, both stores taken together; what lags behind is brought up.</summary>
    /// <param name="writes">False: what lags behind stays as it is.</param>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public async Task<List<RoomRecord>> BringUpAsync(IEnumerable<RoomRecord> documents, RoomStore store, bool writes = true)
    {
        var changed =
            records.ReadAll(Prefix).ToDictionary(one => Encoding.ASCII.GetString(one.Key.AsSpan(Prefix.Length)), one => one.Value);
        List<RoomRecord> rooms = [];
        List<RecordChange> lagging = [];
        foreach (var document in documents)
        {
            var newest = changed.Remove(document.Key, out var value)
                && RoomStore.Read(document.Key, value) is { } record && record.Revision > document.Revision
                ? record
                : document;
            rooms.Add(newest);
            if (writes && newest != document)
            {
                await store.SaveAsync(newest);
            }

            if (newest.Revision > 0 && !RoomStore.BytesOf(newest).AsSpan().SequenceEqual(value))
            {
                lagging.Add(ChangeTo(newest));
            }
        }

        // Of rooms that are gone, or going.
        lagging.AddRange(changed.Keys.Select(key => new RecordChange(Key(key), null)));
        if (writes && lagging.Count > 0)
        {
            await records.WriteAsync(lagging);
        }

        return rooms;
    }

    /// <summary>For a change that no event tells of.</summary>
    public Task PutAsync(RoomRecord room) => records.WriteAsync([ChangeTo(room)]);

    public Task ForgetAsync(string room) =>
        records.Find(Key(room)) is null ? Task.CompletedTask : records.WriteAsync([new RecordChange(Key(room), null)]);

    private static byte[] Key(string room) => Encoding.ASCII.GetBytes("room/" + room);
}
