using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// Brings a client that is kept what it is owed of the data logs of rooms, at the pace of its acknowledgements; first what it had not
/// acknowledged on an earlier connection, under the packet ids that it had [MQTT-4.4.0-1].
/// </summary>
/// <remarks>
/// One task at a time, which reads the disk outside of all locks. What is delivered at QoS 2 is noted on disk before it is written, and
/// PUBREC before PUBREL: so after a crash nothing comes twice. All fields are guarded by the writer's gate.
/// </remarks>
internal sealed partial class DataFeeder(
    Writer writer, PacketIdWindow window, DataInFlight inFlight, IDataOutlet outlet, Identity identity, ILife life, TimeProvider time)
    : IThreadPoolWorkItem
{
    /// <summary>Deliveries that are sent again together, unless their bytes are more than a page's.</summary>
    private const int MostAgain = 64;

    // Clients that are kept have them, one a room.
    private readonly List<DataPlace> _places = [];
    private Queue<(DataCursor Cursor, ushort PacketId)>? _again;
    private List<(DataCursor Cursor, ushort PacketId)> _received = [];
    private bool _isRunning;

    // The client's filters are taken again: what it is owed would be held against some of them.
    private bool _isResuming;
    private int _turn;

    /// <summary>Something is to be brought. Under the writer's gate.</summary>
    public bool HasWaiting => _again is { Count: > 0 } || (_places.Count > 0 && _places.Exists(place => place.Cursor is { IsDue: true }));

    /// <summary>There is nothing that it could ever bring, as things are. Under the writer's gate.</summary>
    public bool IsUnused => _places.Count == 0 && _again is null && _received.Count == 0;

    /// <summary>Nothing is before what is delivered now. Under the writer's gate.</summary>
    public bool IsIdle => !_isRunning && !_isResuming && _again is not { Count: > 0 };

    public void Add(DataPlace place)
    {
        lock (writer.Gate)
        {
            if (!_places.Contains(place))
            {
                _places.Add(place);
            }

            Start();
        }
    }

    public void Remove(DataPlace place)
    {
        lock (writer.Gate)
        {
            _places.Remove(place);
        }
    }

    /// <summary>The client is back: what it had not acknowledged goes first. Before anything is delivered to it.</summary>
    public void Resume(IReadOnlyList<DataCursor> cursors)
    {
        lock (writer.Gate)
        {
            _isResuming = true;
            foreach (var cursor in cursors)
            {
                foreach (var packetId in cursor.StaleIds)
                {
                    window.NoteStale(packetId, cursor.ForgetId);
                }

                foreach (var sent in cursor.Sent)
                {
                    window.Reserve(sent.PacketId);
                    (_again ??= new()).Enqueue((cursor, sent.PacketId));
                }
            }
        }
    }

    /// <summary>The client holds its filters again.</summary>
    public void EndResuming()
    {
        lock (writer.Gate)
        {
            _isResuming = false;
            Start();
        }
    }

    /// <summary>
    /// PUBREC has come: it counts from here on, though the connection may end before it is on disk. PUBREL goes out when it is. Under the
    /// writer's gate.
    /// </summary>
    public void Received(DataCursor cursor, ushort packetId)
    {
        // guard: PUBREC of a connection that ends
        cursor.Receive(packetId);
        _received.Add((cursor, packetId));
        Start();
    }

    /// <summary>A delivery is over, and its packet id free. Under the writer's gate.</summary>
    /// <param name="cursor">Of whose log it was; null: it is not kept.</param>
    public void Complete(DataCursor? cursor, ushort packetId)
    {
        window.Release(packetId);
        if (cursor?.Complete(packetId) == true)
        {
            window.NoteStale(packetId, cursor.ForgetId);
        }
    }

    /// <summary>Starts if there is something to bring, and room for it. Under the writer's gate.</summary>
    public void Start()
    {
        if (_isRunning || _isResuming || writer.IsSilent)
        {
            return;
        }

        if (_received.Count > 0 || (outlet.MayWrite && HasWaiting))
        {
            _isRunning = true;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
        else if (HasWaiting)
        {
            writer.Block();
        }
    }

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    private async Task RunAsync()
    {
        try
        {
            while (Next(out var again) is { } round)
            {
                await ReadAsync(round, again);
                Plan(round);
                if (round.Saves.Count > 0)
                {
                    await Task.WhenAll(round.Saves.Select(cursor => cursor.SaveSentAsync()));
                }

                Write(round);
                writer.Flush();
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // What cannot be read or noted is not skipped: the client comes back, and the operator has heard of it from the store.
            _ = life.EndAsync(ReasonCode.ServerUnavailable, "What devices have said could not be read. Try again later.");
        }
    }

    // Null: there is nothing to do now. Whoever makes room, or something due, from here on starts anew.
    private Round? Next(out List<(DataCursor Cursor, ushort PacketId)> again)
    {
        again = [];
        lock (writer.Gate)
        {
            Round round = new(_received);
            _received = [];
            if (!writer.IsSilent && outlet.MayWrite)
            {
                if (_again is { Count: > 0 })
                {
                    again = [.. _again.Take(MostAgain)];
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

            if (writer.IsSilent || (round.Received.Count == 0 && again.Count == 0 && round.Place is null))
            {
                _isRunning = false;
                if (!writer.IsSilent && HasWaiting)
                {
                    writer.Block();
                }

                return null;
            }

            return round;
        }
    }

    private static async Task ReadAsync(Round round, List<(DataCursor Cursor, ushort PacketId)> again)
    {
        var bytes = 0;
        foreach (var (cursor, packetId) in again.TakeWhile(_ => bytes <= Writer.EventBytesLimit))
        {
            DataMessage? message = null;
            if (cursor.Find(packetId) is { IsReceived: false, Seq: var seq })
            {
                // guard: what is not on disk yet is not lost
                await cursor.Space.Log.WhenStoredAsync(seq);
                message = cursor.Space.Log.Find(seq);
            }

            bytes += message?.Payload.Length ?? 0;
            round.Again.Add((cursor, packetId, message));
        }

        if (round.Place is { } place)
        {
            round.Entries = place.Space.Log.Read(round.After, out var end);
            round.End = end;
        }
    }

    private void Plan(Round round)
    {
        lock (writer.Gate)
        {
            if (writer.IsSilent)
            {
                return;
            }

            foreach (var (cursor, packetId) in round.Received)
            {
                round.Saves.Add(cursor);
                round.Releases.Add(packetId);
            }

            foreach (var (cursor, packetId, message) in round.Again)
            {
                if (!TryPlanAgain(round, cursor, packetId, message))
                {
                    break;
                }
            }

            if (round.Place is { Cursor: { } its } place)
            {
                PlanPage(round, place, its);
            }
        }
    }

    // Asked again when it is written, for the disk is waited for in between.
    private bool MayHear(DataCursor cursor, string topic) =>
        RoomPolicy.MayReadData(cursor.Space.Room, identity.Session!)
        && GrantedTopics.MayRead(identity.Session!.Scope, topic);

    private static DataGrant GrantOf(DataCursor cursor, in DataSent sent, DataMessage message) =>
        new(sent.QualityOfService, cursor.GrantOf(message, sent.Seq) is { Retain: true }, cursor.GrantOf(message, sent.Seq)?.SubscriptionIds ?? []);

    private void PlanPage(Round round, DataPlace place, DataCursor cursor)
    {
        // Trimmed meanwhile, what was read begins too late, and the client has missed what is between.
        var hasGap = cursor.HasGap(out var isNew);
        if (isNew)
        {
            outlet.ReplayAfterGap(place);
        }

        foreach (var (seq, message) in round.Entries)
        {
            if (seq <= cursor.Cursor)
            {
                continue;
            }

            if (message is null || !place.IsOpen || !place.MayHear(message.Topic) || cursor.GrantOf(message, seq) is not { } grant)
            {
                cursor.Advance(seq);
                continue;
            }

            var publish = new DataFrames(hasGap ? message.AfterGap() : message, place.Space.Prefix)
                .For(writer.IsVersion5, place.IsMounted, grant, time.GetUtcNow());

            // [MQTT-3.3.2-5], [MQTT-3.1.2-24], [MQTT-3.1.2-25] What has expired, or is larger than the client takes, counts as delivered.
            if (publish is null || publish.Length > writer.MaximumPacket)
            {
                cursor.Advance(seq);
                continue;
            }

            if (!outlet.TryTakeId(out var packetId))
            {
                return;
            }

            if (hasGap)
            {
                cursor.SayGap(packetId);
                hasGap = false;
            }

            inFlight.Add(packetId, grant, 0, cursor);
            cursor.Send(packetId, seq, grant.QualityOfService);
            round.Publishes.Add(new Planned(cursor, place, message.Topic, publish, packetId, IsRepeated: false));
            if (grant.QualityOfService == 2)
            {
                round.Saves.Add(cursor);
            }

            round.Bytes += publish.Length;
            if (round.Bytes > Writer.EventBytesLimit)
            {
                return;
            }
        }

        cursor.Advance(round.End);
    }

    private void Write(Round round)
    {
        lock (writer.Gate)
        {
            foreach (var packetId in round.Releases)
            {
                writer.WriteShort(PacketType.PubRel, packetId, ReasonCode.Success);
            }

            foreach (var planned in round.Publishes)
            {
                if (writer.IsSilent)
                {
                    return;
                }

                if (/* guard: rights are asked after the disk */ planned.Place is { IsOpen: false } || !MayHear(planned.Cursor, planned.Topic))
                {
                    // Its room is lost to the client: what was begun of it ends.
                    inFlight.Remove(planned.PacketId);
                    planned.Cursor.UnsayGap(planned.PacketId);
                    Complete(planned.Cursor, planned.PacketId);
                    outlet.Freed();
                    continue;
                }

                writer.Write(planned.Publish, planned.PacketId, planned.IsRepeated);
            }
        }
    }
}
