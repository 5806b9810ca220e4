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

/// <content>What is brought together, and what of it is sent again.</content>
internal sealed partial class DataFeeder
{
    /// <param name="Place">Null: it was begun on an earlier connection.</param>
    private readonly record struct Planned(
        DataCursor Cursor, DataPlace? Place, string Topic, EncodedPublish Publish, ushort PacketId, bool IsRepeated);

    // False: the window is full.
    private bool TryPlanAgain(Round round, DataCursor cursor, ushort packetId, DataMessage? message)
    {
        if (cursor.Find(packetId) is not { } sent)
        {
            _again!.Dequeue();
            window.Unreserve(packetId);
            return true;
        }

        if (!sent.IsReceived && message is null)
        {
            cursor.Miss();
        }

        // [MQTT-4.3.3-7] What was sent at QoS 2 expires no more.
        var publish = sent.IsReceived || message is null || !MayHear(cursor, message.Topic) ? null
            : new DataFrames(cursor.IsSayingGap(packetId) ? message.AfterGap() : message, cursor.Space.Prefix).For(
                writer.IsVersion5, identity.Mount is not null, GrantOf(cursor, sent, message), time.GetUtcNow(), expires: sent.QualityOfService < 2);
        publish = publish?.Length > writer.MaximumPacket ? null : publish;
        if (publish is null)
        {
            // It may have been lost on its way, and with it that something is missing.
            cursor.UnsayGap(packetId);
        }

        if (publish is null && sent.QualityOfService == 1)
        {
            _again!.Dequeue();
            window.Unreserve(packetId);
            if (cursor.Complete(packetId))
            {
                window.NoteStale(packetId, cursor.ForgetId);
            }

            return true;
        }

        if (window.IsFull && publish is not null)
        {
            return false;
        }

        _again!.Dequeue();
        window.Use(packetId);
        inFlight.Add(packetId, new DataGrant(sent.QualityOfService, false, []), 0, cursor, isReceived: publish is null);
        if (publish is null)
        {
            // The client has it, or may have it, while there is nothing left to send again: it forgets the id.
            cursor.Receive(packetId);
            round.Releases.Add(packetId);
        }
        else
        {
            round.Publishes.Add(new Planned(cursor, null, message!.Topic, publish, packetId, IsRepeated: true));
        }

        if (sent.QualityOfService == 2)
        {
            round.Saves.Add(cursor);
        }

        return true;
    }

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
