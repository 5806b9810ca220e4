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

    /// <summary>What is brought together.</summary>
    private sealed class Round(List<(DataCursor Cursor, ushort PacketId)> received)
    {
        public List<(DataCursor Cursor, ushort PacketId)> Received => received;

        /// <summary>What is sent again, in its order. A message that is null is not there any more, or not to be sent.</summary>
        public List<(DataCursor Cursor, ushort PacketId, DataMessage? Message)> Again { get; } = [];

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
