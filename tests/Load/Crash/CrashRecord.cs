namespace WebMessenger.Load.Crash;

/// <summary>
/// All that clients did and saw in a run, as they did and saw it:
/// the checker judges nothing else but this and the log that is left at the end.
/// </summary>
/// <remarks>Publishers write under the gate; each listener writes its own list and nobody else does. Read when all have stopped.</remarks>
internal sealed class CrashRecord
{
    private readonly Lock _gate = new();
    private readonly List<Said> _said = [];
    private readonly List<Acknowledgement> _acknowledged = [];
    private readonly List<Fault> _noticed = [];
    private readonly Dictionary<int, long> _heads = [];
    private TaskCompletionSource _isThere = new();
    private int _wanted = int.MaxValue;

    public IReadOnlyList<Said> Said => _said;

    public IReadOnlyList<Acknowledgement> Acknowledged => _acknowledged;

    public List<Hearing> Hearings { get; } = [];

    /// <summary>What was seen to be wrong while it happened.</summary>
    public IReadOnlyList<Fault> Noticed => _noticed;

    public int SentAgain { get; private set; }

    public int Refused { get; private set; }

    public int Reconnects { get; private set; }

    /// <summary>Sent for the first time; before the first byte leaves.</summary>
    public void Say(Said said)
    {
        lock (_gate)
        {
            _said.Add(said);
        }
    }

    public void SayAgain()
    {
        lock (_gate)
        {
            SentAgain++;
        }
    }

    /// <summary>The highest seq in a room that a publisher was told.</summary>
    public long HeadOf(int room)
    {
        lock (_gate)
        {
            return _heads.GetValueOrDefault(room);
        }
    }

    public void Acknowledge(int room, Acknowledgement acknowledgement)
    {
        lock (_gate)
        {
            _acknowledged.Add(acknowledgement);
            _heads[room] = Math.Max(acknowledgement.Seq, _heads.GetValueOrDefault(room));
            if (_acknowledged.Count >= _wanted)
            {
                _wanted = int.MaxValue;
                _isThere.TrySetResult();
            }
        }
    }

    /// <summary>Completes when so many more are acknowledged.</summary>
    public Task AcknowledgedAsync(int more)
    {
        lock (_gate)
        {
            _isThere = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _wanted = _acknowledged.Count + Math.Max(1, more);
            return _isThere.Task;
        }
    }

    /// <summary>Refused for now, as a server does that is stopping: the sender tries again.</summary>
    public void Refuse()
    {
        lock (_gate)
        {
            Refused++;
        }
    }

    public void Reconnect()
    {
        lock (_gate)
        {
            Reconnects++;
        }
    }

    public void Notice(FaultKind kind, string what)
    {
        lock (_gate)
        {
            _noticed.Add(new Fault(kind, what));
        }
    }
}

/// <summary>A message as its sender meant it. No two have the same text.</summary>
/// <param name="Id">Its name in this record, and, with <paramref name="HasId"/>, for the server too.</param>
/// <param name="Number">Counts the messages of one publisher to one room, from 1.</param>
internal sealed record Said(string Id, int Publisher, string User, int Room, int Number, string Text, bool HasId = true);

/// <summary>The server's word that a message is stored.</summary>
/// <param name="Seq">0: the protocol version has no place for it.</param>
internal readonly record struct Acknowledgement(string Id, long Seq, string Epoch);

/// <summary>All that one listener heard, over all of its connections.</summary>
/// <param name="IsDurable">
/// The server keeps its place, and it acknowledges when it likes; otherwise it says itself after which seq to go on.
/// </param>
internal sealed record Hearing(string Name, bool IsDurable)
{
    public List<Moment> Moments { get; } = [];
}

internal enum MomentKind : byte
{
    /// <summary>CONNACK, without a session.</summary>
    Connected,

    /// <summary>CONNACK, and the server says that it knows the session.</summary>
    Resumed,

    /// <summary>A durable listener is subscribed, and the room's newest event has this seq: what comes later is its due.</summary>
    Subscribed,

    Event,

    /// <summary>The listener let go of an event: it need not come again.</summary>
    Acknowledged,

    /// <summary>The server told it to forget what it has.</summary>
    Reset,
}

/// <param name="Content">A hash of the payload, byte by byte.</param>
internal readonly record struct Moment(MomentKind Kind, int Room, long Seq, string Epoch, ulong Content);

/// <summary>A room's log as the server shows it when all is over.</summary>
internal sealed record StoredRoom(int Room, string Epoch, long Head, IReadOnlyList<StoredEvent> Events);

internal sealed record StoredEvent(long Seq, string Epoch, bool IsMessage, string Id, string User, string Text, ulong Content);

/// <summary>What a run can find.</summary>
internal enum FaultKind
{
    /// <summary>The server said that it is stored, and it is not.</summary>
    AcknowledgedLost,

    /// <summary>One message is in the log more than once.</summary>
    StoredTwice,

    /// <summary>A number is missing in a room's log, or there twice.</summary>
    Hole,

    /// <summary>A listener got an event that is not in the log, or not like that.</summary>
    DeliveredBeforeDurable,

    /// <summary>A listener got an event after a later one.</summary>
    OutOfOrder,

    /// <summary>A listener that keeps its own place got an event twice.</summary>
    Repeated,

    /// <summary>A listener never got an event, or got later ones first.</summary>
    Missed,

    /// <summary>The server acknowledged a message under a number that is not its own.</summary>
    WrongNumber,

    /// <summary>The log has a message that nobody sent, or not like that.</summary>
    NeverSaid,

    /// <summary>What one publisher sent to one room is not stored in the order sent.</summary>
    StoredOutOfOrder,

    /// <summary>A listener was told to forget what it has, though the log is whole.</summary>
    ResetForNothing,

    /// <summary>The server forgot a durable client.</summary>
    SessionLost,

    /// <summary>A message or a subscription was refused that is allowed.</summary>
    Refused,

    /// <summary>The server did not start again, or did not end in order when asked to.</summary>
    BadLife,

    /// <summary>At the end, something was still on its way when patience was over.</summary>
    Unfinished,
}

internal sealed record Fault(FaultKind Kind, string What)
{
    public override string ToString() => $"{Kind}: {What}";
}
