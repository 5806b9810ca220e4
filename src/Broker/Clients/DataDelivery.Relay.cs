using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <content>What waits of data topics: also of those that another node has, in a house of several.</content>
internal sealed partial class DataDelivery
{
    /// <summary>Null: the house has one node. Set when the parts of the client are put together.</summary>
    public DataRelay? Relay { get; set; }

    int IWaitingData.QueuedBytes => QueuedBytes + (Relay?.HeldBytes ?? 0);

    bool IWaitingData.IsOwed => IsOwed || Relay is { HeldBytes: > 0 };

    void IWaitingData.TalkTook()
    {
        _tookLast = false;
        Relay?.TalkTook();
    }

    void IWaitingData.WriteWaiting(bool yields)
    {
        Relay?.WriteWaiting(yields && _talk.HasWaiting);
        WriteWaiting(yields);
    }

    // Of what the home of the data delivered.
    private bool AnsweredToHome(PacketType type, ushort packetId, byte reason)
    {
        if (!Relay!.Answered(type, packetId, reason))
        {
            return false;
        }

        lock (_writer.Gate)
        {
            _talk.WriteWaiting();
            _writer.Progressed();
        }

        return true;
    }

    private void HeardLive(DataPlace place, DataMessage message)
    {
        foreach (var replay in _replays ?? [])
        {
            if (replay.Place == place)
            {
                replay.Hear(message);
            }
        }
    }

    private void Replace(DataPlace place, DataMessage message)
    {
        foreach (var replay in _replays ?? [])
        {
            replay.Replace(place, message);
        }
    }

    private void EndReplay(int at)
    {
        _replays![at].Dispose();
        _replays.RemoveAt(at);
    }
}
