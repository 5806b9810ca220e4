using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>Where a <see cref="DataFeeder"/> writes. Called under the writer's gate.</summary>
internal interface IDataOutlet
{
    /// <summary>The window and the socket have room.</summary>
    bool MayWrite { get; }

    /// <summary>A packet id in data's turn. False: the window is full, or it is talk's turn.</summary>
    bool TryTakeId(out ushort packetId);

    /// <summary>A packet id was given back: what rooms say may take it.</summary>
    void Freed();

    /// <summary>The client has missed something of the room: what is retained of what it subscribed to there comes, marked.</summary>
    void ReplayAfterGap(DataPlace place);
}

/// <content>What is brought together.</content>
internal sealed partial class DataFeeder
{
    /// <param name="Place">Null: it was begun on an earlier connection.</param>
    private readonly record struct Planned(
        DataCursor Cursor, DataPlace? Place, string Topic, EncodedPublish Publish, ushort PacketId, bool IsRepeated);

    /// <summary>Null: there is nothing to do now. Whoever makes room, or something due, from here on starts anew.</summary>
    /// <param name="unstored">What comes first was sent before it was on disk, and is not there yet.</param>
    private Round? Next(out (DataCursor Cursor, long Seq)? unstored)
    {
        unstored = null;
        lock (writer.Gate)
        {
            Round round = new(_received);
            _received = [];
            if (!writer.IsSilent && outlet.MayWrite)
            {
                if (_again is { Count: > 0 })
                {
                    var (cursor, packetId) = _again.Peek();
                    unstored = cursor.Find(packetId) is { } sent && (/* guard: what is not on disk yet is not lost */ sent.Seq > cursor.Space.Log.Stored)
                        ? (cursor, sent.Seq) : null;
                    round.Again = unstored is null ? (cursor, packetId) : null;
                }
                else
                {
                    // A page for each room in turn.
                    for (var i = 0; i < _places.Count && round.Place is null; i++)
                    {
                        var place = _places[(_turn + i) % _places.Count];
                        if (place.Cursor is { IsDue: true } cursor)
                        {
                            (round.Place, round.After) = (place, cursor.Cursor);
                            _turn = (_turn + i + 1) % _places.Count;
                        }
                    }
                }
            }

            if (writer.IsSilent || (round.Received.Count == 0 && round.Again is null && round.Place is null))
            {
                _isRunning = false;
                if (!writer.IsSilent && HasWaiting && unstored is null)
                {
                    writer.Block();
                }

                return null;
            }

            return round;
        }
    }

    // A client that comes back within the time that a write takes.
    private void AwaitDisk((DataCursor Cursor, long Seq)? unstored)
    {
        if (unstored is var (cursor, seq) && !cursor.Space.Log.TellWhenStored(cursor, seq))
        {
            lock (writer.Gate)
            {
                Start();
            }
        }
    }

    /// <summary>What is brought together.</summary>
    private sealed class Round(List<(DataCursor Cursor, ushort PacketId)> received)
    {
        public List<(DataCursor Cursor, ushort PacketId)> Received => received;

        public (DataCursor Cursor, ushort PacketId)? Again { get; set; }

        public DataMessage? Message { get; set; }

        public DataPlace? Place { get; set; }

        public long After { get; set; }

        public long End { get; set; }

        public IReadOnlyList<(long Seq, DataMessage? Message)> Entries { get; set; } = [];

        public HashSet<DataCursor> Saves { get; } = [];

        public List<ushort> Releases { get; } = [];

        public List<Planned> Publishes { get; } = [];

        public int Bytes { get; set; }
    }
}
