using System.Text;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>The data topics of one room: who hears them, and the order in which everything is said there.</summary>
/// <remarks>
/// <para>Publishes stand in one queue. Whoever wakes the space says what is in it, one thread at a time and with no lock held, so that
/// everybody hears a room's publishes in one order, which is that of its retained values too.</para>
/// Thread-safe. <c>_treeGate</c> guards the subscriptions, <c>_queueGate</c> the queue; both are leaf locks.
/// </remarks>
internal sealed partial class DataSpace : IThreadPoolWorkItem, IGroupRoom
{
    /// <summary>So much is said on the thread of who said it, which has a client of its own to read.</summary>
    private const int SaidAtOnce = 256;

    /// <summary>
    /// To more subscriptions than these nothing is said on the thread of who brought it: that may be the one that waits for all sockets.
    /// </summary>
    private const int FewSubscriptions = 32;

    /// <summary>So many may wait for who says them, before those who bring more are not read on.</summary>
    private const int MostWaiting = 1024;

    private static readonly Task<RetainedOutcome> _stored = Task.FromResult(RetainedOutcome.Stored);

    private readonly Lock _treeGate = DiskReads.NoneUnder(new Lock());
    private readonly DataTree _tree = new();
    private readonly Lock _queueGate = DiskReads.NoneUnder(new Lock());
    private readonly Queue<DataPublish> _queue = new();
    private bool _isSaying;
    private TaskCompletionSource? _calm;

    // Of the one thread that says what is in the queue.
    private DataPublish? _undecided;
    private readonly List<DataSubscription> _matched = [];
    private readonly List<IMember> _touched = [];
    private readonly ILogger _logger;
    private long _number;
    private bool _hasToldOfFailure;

    public DataSpace(Room room, RateBudget rate, DataLog log, DataLogs logs, BrokerLimits limits, ILogger<DataSpace> logger)
    {
        _logger = logger;
        (Room, Rate, Log) = (room, rate, log);
        Prefix = Encoding.ASCII.GetBytes($"rooms/{room.Id.Value}/{DataTopic.Level}/");
        Groups = new DataGroups(this, logs, limits);
        Talk = new SharedTalk(room, logs, limits);
    }

    public Room Room { get; }

    /// <summary>Null: not in memory yet, and nothing is said here before; see <see cref="DataSpaces.OpenAsync"/>.</summary>
    public IRetainedValues? Retained { get; private set; }

    /// <summary>What clients that are kept are owed.</summary>
    public DataLog Log { get; }

    /// <summary>Publishes of everybody in the room together.</summary>
    public RateBudget Rate { get; }

    /// <summary>`rooms/{room}/data/`, which stands before every topic for who has no mount.</summary>
    public byte[] Prefix { get; }

    /// <summary>Clients that share what they hear.</summary>
    public DataGroups Groups { get; }

    /// <summary>Clients that share what people say in the room.</summary>
    public SharedTalk Talk { get; }

    IGroupLog IGroupRoom.Log => Log;

    bool IGroupRoom.MayRead(LoginSession session) => RoomPolicy.MayReadData(Room, session);

    byte[] IGroupRoom.KeyOf(DataGroupName name, string filter) => name.KeyFor(Room.Key, filter);

    void IGroupRoom.Subscribe(DataGroup group) => Subscribe(group.Its);

    void IGroupRoom.Unsubscribe(DataGroup group) => Unsubscribe(group.Its);

    /// <summary>Subscriptions; a group is one.</summary>
    public int Count
    {
        get
        {
            lock (_treeGate)
            {
                return _tree.Count;
            }
        }
    }

    /// <summary>The retained values are in memory.</summary>
    public void Open(IRetainedValues retained) => Retained = retained;

    /// <summary>One of a group is for <see cref="Groups"/>.</summary>
    public void Subscribe(DataSubscription subscription)
    {
        lock (_treeGate)
        {
            _tree.Add(subscription);
        }
    }

    /// <summary>What is said from here on is not delivered for it. False: it was not there.</summary>
    public bool Unsubscribe(DataSubscription subscription)
    {
        lock (_treeGate)
        {
            return _tree.Remove(subscription);
        }
    }

    /// <summary>Puts a publish behind the others. It is said when the space is woken.</summary>
    public void Enqueue(DataPublish publish)
    {
        lock (_queueGate)
        {
            _queue.Enqueue(publish);
        }
    }

    /// <summary>Says what is in the queue, unless somebody is at it.</summary>
    public void Wake()
    {
        lock (_queueGate)
        {
            if (_isSaying || _queue.Count == 0)
            {
                return;
            }

            _isSaying = true;
        }

        if (_tree.Count > FewSubscriptions)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
        else
        {
            SaySome();
        }
    }

    /// <summary>A publish of nobody's connection.</summary>
    /// <param name="may">Asked right before it is said.</param>
    /// <returns>Completes when it is decided on: stored, where it is retained, else handed out.</returns>
    public Task<DataOutcome> PublishAsync(DataMessage message, Func<bool> may) => SayAsync(message, may);

    /// <summary>Completes when what was put in the queue before is said.</summary>
    public Task SettleAsync()
    {
        lock (_queueGate)
        {
            if (!_isSaying && _queue.Count == 0)
            {
                return Task.CompletedTask;
            }
        }

        return SayAsync(null);
    }

    /// <summary>Null: more may be put in the queue. Else it may be asked again after the task.</summary>
    public Task? Calm()
    {
        lock (_queueGate)
        {
            return _queue.Count < MostWaiting || !_isSaying ? null
                : (_calm ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    void IThreadPoolWorkItem.Execute() => SaySome();

    private Task<DataOutcome> SayAsync(DataMessage? message, Func<bool>? may = null)
    {
        AwaitedPublish publish = new(message, may);
        Enqueue(publish);
        Wake();
        return publish.Outcome;
    }

    private void SaySome()
    {
        for (var said = 0; said < SaidAtOnce; said++)
        {
            if (Next() is not { } publish)
            {
                Log.Flush();
                IMember.FlushAll(_touched);
                if (IsOver())
                {
                    return;
                }

                continue;
            }

            _undecided = publish;
            try
            {
                Say(publish);
            }
            catch (Exception error) when (/* guard: a publish that fails does not end what is said after it */ error is not OutOfMemoryException)
            {
                Failed(error);
            }
        }

        Log.Flush();
        IMember.FlushAll(_touched);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private DataPublish? Next()
    {
        lock (_queueGate)
        {
            if (_queue.Count <= MostWaiting / 2)
            {
                _calm?.TrySetResult();
                _calm = null;
            }

            return _queue.TryDequeue(out var publish) ? publish : null;
        }
    }

    // False: more has come since.
    private bool IsOver()
    {
        lock (_queueGate)
        {
            _isSaying = _queue.Count > 0;
            return !_isSaying;
        }
    }

    private void Say(DataPublish publish)
    {
        if (publish.Message is not { } message)
        {
            Decide(publish, DataOutcome.Said);
            return;
        }

        if (!publish.MayBeSaid)
        {
            Decide(publish, DataOutcome.NotAllowed);
            return;
        }

        var retained = message.Retain ? Retained!.SetAsync(message).AsTask() : _stored;
        if (retained is { IsCompleted: true, Result: RetainedOutcome.Full })
        {
            Decide(publish, DataOutcome.Full);
            return;
        }

        var logged = Deliver(message, publish.Received);
        if (retained.IsCompleted && logged is null)
        {
            Decide(publish, OutcomeOf(retained.Result));
        }
        else
        {
            _undecided = null;
            _ = FinishAsync(publish, retained, logged);
        }
    }

    // It is told once, also when that fails.
    private void Decide(DataPublish publish, DataOutcome outcome)
    {
        _undecided = null;
        publish.Done(outcome, _touched);
    }

    private void Failed(Exception error)
    {
        if (!_hasToldOfFailure)
        {
            _hasToldOfFailure = true;
            LogPublishFailed(_logger, Room.Id.Value, error);
        }

        if (_undecided is { } publish)
        {
            try
            {
                Decide(publish, DataOutcome.NotStored);
            }
            catch (Exception again) when (again is not OutOfMemoryException)
            {
                LogPublishFailed(_logger, Room.Id.Value, again);
            }
        }
    }

    private static DataOutcome OutcomeOf(RetainedOutcome kept) => kept switch
    {
        RetainedOutcome.Stored => DataOutcome.Said,
        RetainedOutcome.Full => DataOutcome.Full,
        _ => DataOutcome.NotStored,
    };

    private static async Task FinishAsync(DataPublish publish, Task<RetainedOutcome> retained, Task<bool>? logged)
    {
        var outcome = OutcomeOf(await retained);
        if (logged is not null && !await logged)
        {
            outcome = DataOutcome.NotStored;
        }

        List<IMember> touched = [];
        publish.Done(outcome, touched);
        IMember.FlushAll(touched);
    }

    // Null: nothing of it is to be stored. Else whether it was; those who are kept hear it at QoS 2 when it is.
    private Task<bool>? Deliver(DataMessage message, RecordChange? received)
    {
        _number++;
        _matched.Clear();
        lock (_treeGate)
        {
            _tree.Match(message.Topic, _matched);
        }

        // Those that hear it, each by the first of its subscriptions, to the front of the list.
        var members = 0;
        for (var i = 0; i < _matched.Count; i++)
        {
            var subscription = _matched[i];
            var isOwn = subscription.NoLocal && message.PublisherMark != 0 && subscription.Member.PublisherMark == message.PublisherMark;
            if (!(/* guard: No Local on data topics */ isOwn) && subscription.Member.Match.Add(_number, subscription))
            {
                _matched[members++] = subscription;
            }
        }

        long seq = 0;
        var isOwed = message.QualityOfService > 0 && Log.HasCursors && IsOwed(members);
        var logged = isOwed || received is not null ? Log.Append(isOwed ? message : null, received, out seq) : null;
        DataFrames? frames = null;
        for (var i = 0; i < members; i++)
        {
            Tell(_matched[i].Member, frames ??= new DataFrames(message, Prefix) { Seq = seq });
        }

        _matched.Clear();
        return logged;
    }

    // Whoever throws is at fault himself: the others hear it, and what comes after.
    private void Tell(IDataMember member, DataFrames frames)
    {
        try
        {
            member.Hear(frames, member.Match.Grant(frames.Message), _touched);
        }
        catch (Exception error) when (/* guard: one who hears data does not end the others' */ error is not OutOfMemoryException)
        {
            if (!_hasToldOfFailure)
            {
                _hasToldOfFailure = true;
                LogFailed(_logger, Room.Id.Value, member.GetType().Name, error);
            }
        }
    }

    private bool IsOwed(int members)
    {
        for (var i = 0; i < members; i++)
        {
            if (_matched[i].Member is { IsLogged: true } member && member.Match.QualityOfService > 0)
            {
                return true;
            }
        }

        return false;
    }

    [LoggerMessage(4330, LogLevel.Error, "A {Listener} failed as it heard what a device said in room {Room}; said once, however often it fails")]
    private static partial void LogFailed(ILogger logger, string room, string listener, Exception error);

    [LoggerMessage(4331, LogLevel.Error,
        "Something that a device said in room {Room} failed, and what comes after it goes on; said once, however often it fails")]
    private static partial void LogPublishFailed(ILogger logger, string room, Exception error);
}
