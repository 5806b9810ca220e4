namespace WebMessenger.Broker.Devices;

/// <summary>A delivery from a data log that a client has not acknowledged.</summary>
/// <param name="QualityOfService">1 or 2.</param>
/// <param name="IsReceived">At QoS 2: PUBREC has come, and PUBREL is owed (MQTT 5.0, 4.3.3).</param>
internal readonly record struct DataSent(ushort PacketId, long Seq, byte QualityOfService, bool IsReceived);

/// <content>
/// What was sent, and is not acknowledged; what the client might not read when it was said, and what it has missed and is to be told.
/// </content>
internal sealed partial class DataCursor
{
    private readonly List<DataSent> _sent = [];

    // Packet ids in the record that was handed to the store last.
    private HashSet<ushort> _written = [];

    // That record; and whether a delivery at QoS 2 has begun, or was received, since.
    private Task _writing = Task.CompletedTask;
    private bool _isUnwritten;

    /// <summary>What was sent on earlier connections, in its order.</summary>
    public IReadOnlyList<DataSent> Sent
    {
        get
        {
            lock (_gate)
            {
                return [.. _sent];
            }
        }
    }

    /// <summary>An entry is sent under a packet id.</summary>
    public void Send(ushort packetId, long seq, byte qualityOfService)
    {
        lock (_gate)
        {
            _sent.Add(new DataSent(packetId, seq, qualityOfService, IsReceived: false));
            _isUnwritten |= qualityOfService == 2;
            _cursor = Math.Max(_cursor, seq);
            Note();
        }
    }

    /// <summary>As it is now; null: it is completed.</summary>
    public DataSent? Find(ushort packetId)
    {
        lock (_gate)
        {
            return _sent.FindIndex(sent => sent.PacketId == packetId) is >= 0 and var at ? _sent[at] : null;
        }
    }

    /// <summary>PUBREC has come.</summary>
    public void Receive(ushort packetId)
    {
        lock (_gate)
        {
            if (_sent.FindIndex(sent => sent.PacketId == packetId) is >= 0 and var at && !_sent[at].IsReceived)
            {
                _sent[at] = _sent[at] with { IsReceived = true };
                _isUnwritten = true;
                Note();
            }
        }
    }

    /// <summary>
    /// As <see cref="SaveAsync"/>, but what the last record says of deliveries at QoS 2 is not written again: a client that comes back is
    /// sent hundreds, none of which has changed.
    /// </summary>
    public Task SaveSentAsync()
    {
        lock (_gate)
        {
            if (!_isUnwritten && !_writing.IsFaulted && !_writing.IsCanceled)
            {
                return _writing;
            }
        }

        return SaveAsync();
    }

    /// <summary>PUBACK or PUBCOMP has come, or it is not sent again.</summary>
    /// <returns>
    /// True: the id may stand in its record. Whoever gives it to something else calls <see cref="ForgetId"/> before.
    /// </returns>
    public bool Complete(ushort packetId)
    {
        lock (_gate)
        {
            _sent.RemoveAll(sent => sent.PacketId == packetId);
            _gap.Acknowledge(packetId);
            Note();
            return _written.Contains(packetId);
        }
    }

    /// <summary>Packet ids that are completed, and may stand in its record.</summary>
    public IReadOnlyList<ushort> StaleIds
    {
        get
        {
            lock (_gate)
            {
                return [.. _written.Except(_sent.Select(sent => sent.PacketId))];
            }
        }
    }

    /// <summary>
    /// Its packet id is about to be given to something else. The record without it is handed to the store before that of the other, so that
    /// after a crash the id never stands in two.
    /// </summary>
    public void ForgetId(ushort packetId)
    {
        lock (_gate)
        {
            if (!_isEnded && _written.Contains(packetId) && !_sent.Exists(sent => sent.PacketId == packetId))
            {
                _ = WatchAsync(Write());
            }
        }
    }

    /// <summary>What it had not acknowledged is not there any more, and is not sent again.</summary>
    public void Miss()
    {
        lock (_gate)
        {
            Gap();
            Note();
        }
    }

    private readonly WithheldStretches _withheld = new();

    /// <summary>A publish under this seq matches a filter, and the client may not read it: it is never owed. The saying thread's.</summary>
    public void Skip(long seq)
    {
        lock (_gate)
        {
            if (_isEnded || _cursor == FromOpening || seq <= _cursor || seq <= _owed)
            {
                return;
            }

            if (_owed <= _cursor)
            {
                _cursor = seq;
            }
            else if (!_withheld.Add(seq))
            {
                Gap();
            }

            Note();
        }
    }

    /// <summary>The client has missed something: the next publish is to say so.</summary>
    /// <param name="isNew">What is retained was not sent because of it yet, on this connection; the caller does.</param>
    public bool HasGap(out bool isNew)
    {
        lock (_gate)
        {
            isNew = _gap.IsThere && !_hasReplayed;
            _hasReplayed |= _gap.IsThere;
            return _gap.MustBeSaid;
        }
    }

    /// <summary>A publish is sent that says it, under this packet id.</summary>
    public void SayGap(ushort packetId)
    {
        lock (_gate)
        {
            _gap.SayBy(packetId);
        }
    }

    /// <summary>What is sent again under this packet id says it.</summary>
    public bool IsSayingGap(ushort packetId)
    {
        lock (_gate)
        {
            return _gap.IsSaidBy(packetId);
        }
    }

    /// <summary>What was to be sent under this packet id has not gone out: another publish says it.</summary>
    public void UnsayGap(ushort packetId)
    {
        lock (_gate)
        {
            _gap.UnsayBy(packetId);
        }
    }

    // Under the gate.
    private void Gap()
    {
        _gap.Open();
        _hasReplayed = false;
    }
}
