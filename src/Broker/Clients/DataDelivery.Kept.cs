using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <content>
/// To a client that is kept and to a member of a group: what it does not take at once waits in the room's log, and is brought by the
/// feeder, or dealt by the group. And what waits of data topics that another node has.
/// </content>
internal sealed partial class DataDelivery : IDataOutlet, IDataReader
{
    void IDataReader.Stored()
    {
        lock (_writer.Gate)
        {
            Feeder.Start();
        }
    }

    bool IDataOutlet.MayWrite => !_window.IsFull && HasRoom && !(_talk.HasWaiting && _tookLast);

    bool IDataOutlet.TryTakeId(out ushort packetId)
    {
        packetId = 0;
        if ((_talk.HasWaiting && _tookLast) || !_window.TryTake(out packetId))
        {
            return false;
        }

        _tookLast = true;
        return true;
    }

    void IDataOutlet.Freed() => _talk.WriteWaiting();

    void IDataOutlet.ReplayAfterGap(DataPlace place) => place.ReplayAfterGap();

    // What is kept for the client is in the room's log: it waits there, and comes at QoS 2 when it is on disk.
    private void HearKept(DataPlace place, DataCursor cursor, DataFrames frames, in DataGrant grant, List<IMember> touched)
    {
        // Without a seq the disk takes nothing: its publisher is told, and says it again.
        if (frames.Seq == 0)
        {
            return;
        }

        var isNext = cursor.Hear(frames.Seq);
        lock (_writer.Gate)
        {
            if (isNext && grant.QualityOfService == 1 && !_writer.IsSilent && Feeder.IsIdle && _queue is not { Count: > 0 }
                && TryWrite(place.IsMounted, frames, grant, cursor: cursor))
            {
                HeardLive(place, frames.Message);
                _writer.Touch(touched);
                return;
            }
        }

        place.Space.Log.TellWhenStored(cursor);
    }

    // That the client is a member of now: each is woken by each acknowledgement. Most clients have none.
    private HashSet<DataGroup>? _groups;

    /// <summary>Groups that the client is a member of.</summary>
    public int GroupCount
    {
        get
        {
            lock (_writer.Gate)
            {
                return _groups?.Count ?? 0;
            }
        }
    }

    /// <summary>Deliveries that the client takes at once now, at QoS 1 or 2.</summary>
    public int FreePlaces
    {
        get
        {
            lock (_writer.Gate)
            {
                if (!_writer.IsSilent && _window.IsFull)
                {
                    // Something may be owed that others cannot take: a member that acknowledges nothing is closed, as any client is.
                    _writer.Block();
                }

                return _writer.IsSilent || _queue is { Count: > 0 } || !((IDataOutlet)this).MayWrite ? 0 : _window.Free;
            }
        }
    }

    /// <summary>The client is a member: it takes what the group deals to it, and the group is told when there is room.</summary>
    public void Join(DataGroup group)
    {
        lock (_writer.Gate)
        {
            if (!_writer.IsSilent)
            {
                (_groups ??= []).Add(group);
            }
        }

        // What it was offered before, it did not take.
        group.Wake();
    }

    /// <summary>It is none any more: nothing that the group deals is written to it from here on. What it has, it acknowledges.</summary>
    public void Leave(DataGroup group)
    {
        lock (_writer.Gate)
        {
            // guard: groups that a client has left
            _groups?.Remove(group);
        }
    }

    // There may be room. Under the writer's gate.
    private void WakeGroups()
    {
        foreach (var group in _groups ?? [])
        {
            group.Wake();
        }
    }

    /// <inheritdoc cref="IGroupMember.TryTake"/>
    public bool TryTake(bool isMounted, DataFrames frames, in DataGrant grant, bool isRepeated, List<IMember> touched)
    {
        lock (_writer.Gate)
        {
            // Asked under the gate under which UNSUBACK is written: nothing of the group comes after that.
            if (_groups?.Contains(grant.Group!) != true
                || _writer.IsSilent
                || _queue is { Count: > 0 }
                || !TryWrite(isMounted, frames, grant, isRepeated: isRepeated))
            {
                return false;
            }

            _writer.Touch(touched);
            return true;
        }
    }

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
