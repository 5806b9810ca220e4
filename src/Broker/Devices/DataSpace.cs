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

        if (_tree.Count > FewSubscriptions || /* guard: who looks into payloads hears on no thread that waits for sockets */ _tree.LooksInside)
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
    public Task<DataOutcome> PublishAsync(DataMessage message, Func<bool> may) => PublishAsync(new AwaitedPublish(message, may));

    /// <summary>The same.</summary>
    public Task<DataOutcome> PublishAsync(AwaitedPublish publish)
    {
        Enqueue(publish);
        Wake();
        return publish.Outcome;
    }

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

        return PublishAsync(new AwaitedPublish(message: null));
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

    [LoggerMessage(4330, LogLevel.Error, "A {Listener} failed as it heard what a device said in room {Room}; said once, however often it fails")]
    private static partial void LogFailed(ILogger logger, string room, string listener, Exception error);

    [LoggerMessage(4331, LogLevel.Error,
        "Something that a device said in room {Room} failed, and what comes after it goes on; said once, however often it fails")]
    private static partial void LogPublishFailed(ILogger logger, string room, Exception error);
}
