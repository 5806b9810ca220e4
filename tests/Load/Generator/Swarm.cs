using System.Diagnostics;
using WebMessenger.Load.Measuring;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Generator;

/// <summary>
/// All clients of one run: opens them, lets them publish, counts what arrives,
/// and says at the end whether anything was lost, repeated or out of order.
/// </summary>
/// <remarks>
/// <para>Threads. Every connection, counter and histogram of a swarm is guarded by <see cref="Gate"/>.
/// On Linux and macOS it is hardly ever contended: <see cref="RunInline"/> makes the runtime's one epoll thread run every completion
/// itself, so that this thread reads, checks, acknowledges and publishes, for all connections, and no work goes through the thread pool.
/// The scenario's own code takes the gate a few times a second at most.
/// Where completions come on other threads (Windows), the gate keeps it correct.</para>
/// <para>The hot path allocates nothing: every connection has a receive buffer and two send buffers from the start, packets are read where
/// they lie, and publishes are patched copies. One receive brings many deliveries;
/// their acknowledgements, and the publishes that these allow, leave in one send.</para>
/// </remarks>
internal sealed class Swarm : ITraffic, IDisposable
{
    private const int ProblemsTold = 10;
    private const int IdleBytes = 512;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<Member> _members = [];
    private readonly List<Publisher> _publishers = [];
    private readonly List<Replay> _replays = [];
    private readonly List<string> _problems = [];
    private readonly int[] _membersOfRoom;
    private readonly TaskCompletionSource _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _quiet;
    private Opening? _opening;
    private long _budget;
    private long _unacknowledged;
    private long _due;
    private int _problemCount;
    private int _pongsDue;
    private bool _closing;
    private long _goOnAt = -1;

    public Swarm(Door door, MqttVersion version, int rooms)
    {
        (Door, Version) = (door, version);
        _membersOfRoom = new int[rooms];
    }

    public object Gate { get; } = new();

    public Door Door { get; }

    /// <summary>Which of two ways the connection of a number takes; null: all take <see cref="Door"/>.</summary>
    public Func<int, Door>? Doors { get; init; }

    public MqttVersion Version { get; }

    /// <summary>Where its members hear and its publishers speak, and how.</summary>
    public Manner Manner { get; init; } = Manner.Talk;

    /// <summary>What the client ids of its connections begin with: another one's for two swarms at one server.</summary>
    public string ClientIds { get; init; } = "load";

    /// <summary>Members subscribe to the presence of everybody in their room, too.</summary>
    public bool WatchesPresence { get; init; }

    public int PublisherCount { get; private set; }

    public long Deliveries { get; private set; }

    public long Acknowledged { get; private set; }

    public Histogram EndToEnd { get; } = new();

    public Histogram Acknowledgement { get; } = new();

    /// <summary>
    /// Must come before the process uses its first socket. What it sets is not for child processes: see <see cref="Servers.ChildProcess"/>.
    /// </summary>
    public static void RunInline()
    {
        foreach (var (name, value) in InlineSettings)
        {
            Environment.SetEnvironmentVariable(name, value);
        }
    }

    /// <summary>The runtime's settings that <see cref="RunInline"/> changes.</summary>
    public static IReadOnlyDictionary<string, string> InlineSettings { get; } = new Dictionary<string, string>
    {
        ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1",
        ["DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT"] = "1",
    };

    /// <summary>
    /// Opens one client for each member and publisher, members first, and subscribes the members; nothing is published yet.
    /// </summary>
    /// <param name="roomOfMember">The room of each member; -1: none.</param>
    /// <param name="roomsOfPublisher">
    /// For each publisher the rooms that it speaks to, in turn. Members of other rooms hear nothing, and are given small buffers.
    /// </param>
    public async Task OpenAsync(
        IReadOnlyList<int> roomOfMember, IReadOnlyList<int[]> roomsOfPublisher, int window, int textLength, Func<int, Login?> login, CancellationToken cancellation)
    {
        var first = _members.Count + _publishers.Count;
        PublisherCount = roomsOfPublisher.Count;
        var spokenTo = roomsOfPublisher.SelectMany(rooms => rooms).ToHashSet();
        var busyBytes = roomOfMember.Count(spokenTo.Contains) > 2_000 ? 4 * 1024 : 16 * 1024;
        List<Member> members = [.. roomOfMember.Select((room, i) => new Member(this, first + i, room, spokenTo.Contains(room) ? busyBytes : IdleBytes))];
        List<Publisher> publishers = [.. roomsOfPublisher.Select((rooms, i) => new Publisher(this, first + members.Count + i, i, rooms, window, textLength))];
        _members.AddRange(members);
        _publishers.AddRange(publishers);
        foreach (var room in roomOfMember.Where(room => room >= 0))
        {
            _membersOfRoom[room]++;
        }

        foreach (IReadOnlyList<Connection> connections in new IReadOnlyList<Connection>[] { members, publishers })
        {
            await OpenAsync(connections, login, cancellation);
        }
    }

    /// <summary>Opens a client that subscribes to everything, and returns it when all values that are retained have come.</summary>
    /// <param name="values">How many there are.</param>
    public async Task<Replay> ReplayAsync(int values, Func<int, Login?> login, CancellationToken cancellation)
    {
        Replay replay = new(this, _members.Count + _publishers.Count + _replays.Count, values);
        _replays.Add(replay);
        await OpenAsync([replay], login, cancellation);
        return replay;
    }

    /// <summary>Lets every publisher keep its window full until so many messages were sent, all together.</summary>
    public void Publish(long count)
    {
        lock (Gate)
        {
            _budget = count;
            FillAll();
        }
    }

    /// <summary>
    /// Publishes at a steady rate, publisher after publisher, until it is enough.
    /// A message whose publisher's window is full is sent when there is room, and timed from then.
    /// </summary>
    public async Task PublishAtRateAsync(double perSecond, CancellationToken enough)
    {
        var clock = Stopwatch.StartNew();
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(1));
        for (long sent = 0; !enough.IsCancellationRequested; await timer.WaitForNextTickAsync(CancellationToken.None))
        {
            var due = (long)(clock.Elapsed.TotalSeconds * perSecond);
            for (; sent < due; sent++)
            {
                lock (Gate)
                {
                    _budget++;
                    _publishers[(int)(sent % _publishers.Count)].Fill();
                }
            }
        }
    }

    /// <summary>Lets it go on for so long, or until a connection is lost: see <see cref="Broken"/>.</summary>
    public async Task GoOnAsync(TimeSpan time, CancellationToken cancellation)
    {
        await Task.WhenAny(Broken, Task.Delay(time, cancellation));
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>No more is published; what is under way goes on.</summary>
    public void Stop()
    {
        lock (Gate)
        {
            _budget = 0;
            TellIfQuiet();
        }
    }

    /// <summary>
    /// Completes when all that was published is acknowledged and delivered.
    /// What is still missing when patience is over, or the loss of a connection, is a problem.
    /// </summary>
    public async Task QuietAsync(CancellationToken cancellation)
    {
        Task quiet;
        lock (Gate)
        {
            quiet = IsQuiet ? Task.CompletedTask : (_quiet = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        var first = await Task.WhenAny(quiet, _broken.Task, Task.Delay(Patience, cancellation));
        cancellation.ThrowIfCancellationRequested();
        if (first != quiet && first != _broken.Task)
        {
            lock (Gate)
            {
                Problem($"After {Patience.TotalSeconds:0} s, {_unacknowledged} acknowledgements and {_due} deliveries are still missing.");
                (_budget, _unacknowledged, _due) = (0, 0, 0);
            }
        }
    }

    /// <summary>Completes when a connection is lost: nothing that follows would mean anything.</summary>
    public Task Broken => _broken.Task;

    /// <summary>
    /// When quiet: asks every member for a PINGRESP, so that whatever was sent to it before has been read, and compares what each got with
    /// what was published and with what the others of its room got. Returns what is wrong.
    /// </summary>
    public async Task<IReadOnlyList<string>> VerifyAsync(CancellationToken cancellation)
    {
        if (!Broken.IsCompleted)
        {
            lock (Gate)
            {
                _pongsDue = _members.Count;
                foreach (var member in _members)
                {
                    member.Ping();
                }
            }

            await QuietAsync(cancellation);
        }

        lock (Gate)
        {
            foreach (var room in _members.Where(member => member.Room >= 0).GroupBy(member => member.Room))
            {
                VerifyRoom(room.Key, [.. room]);
            }

            return _problemCount <= ProblemsTold ? _problems : [.. _problems, $"… and {_problemCount - ProblemsTold} more."];
        }
    }

    /// <summary>Says goodbye on every connection and closes it.</summary>
    public void Dispose()
    {
        lock (Gate)
        {
            _closing = true;
            foreach (var connection in _members.Concat<Connection>(_publishers).Concat(_replays))
            {
                connection.Dispose();
            }
        }
    }

    public Door DoorOf(int number) => Doors?.Invoke(number) ?? Door;

    // From here on: for connections, under the gate.

    public void Opened() => _opening?.Opened();

    /// <summary>May one more message be sent? Counts it, to this room.</summary>
    public bool TakeMessage(int room)
    {
        if (_budget <= 0)
        {
            return false;
        }

        if (Manner.Behind > 0 && _due >= (long)Manner.Behind * _membersOfRoom[room] && _due > 0)
        {
            _goOnAt = _due / 2;
            return false;
        }

        _budget--;
        _unacknowledged++;
        _due += _membersOfRoom[room];
        return true;
    }

    public void CountAcknowledgement(long ticks)
    {
        Acknowledged++;
        _unacknowledged--;
        Acknowledgement.Record(ticks);
        TellIfQuiet();
    }

    public void CountDelivery(long ticks)
    {
        Deliveries++;
        _due--;
        EndToEnd.Record(ticks);
        if (_due <= _goOnAt)
        {
            _goOnAt = -1;
            FillAll();
        }

        if (_due == 0)
        {
            TellIfQuiet();
        }
    }

    /// <summary>So many deliveries will not come any more, for later ones came first.</summary>
    public void GiveUp(int deliveries)
    {
        _due -= deliveries;
        TellIfQuiet();
    }

    public void CountPong()
    {
        _pongsDue--;
        TellIfQuiet();
    }

    public void Problem(string what)
    {
        if (++_problemCount <= ProblemsTold)
        {
            _problems.Add(what);
        }
    }

    public void Lost(Connection connection, string why)
    {
        if (!_closing)
        {
            Problem($"{connection} lost its connection: {why}");
            _opening?.Failed($"{connection}: {why}");
            _broken.TrySetResult();
        }
    }

    private async Task OpenAsync(IReadOnlyList<Connection> connections, Func<int, Login?> login, CancellationToken cancellation)
    {
        _opening = new Opening(Gate, connections, login);
        await _opening.RunAsync(Patience, cancellation);
    }

    private void FillAll()
    {
        foreach (var publisher in _publishers)
        {
            publisher.Fill();
        }
    }

    private bool IsQuiet => _budget == 0 && _unacknowledged == 0 && _due == 0 && _pongsDue == 0;

    private void TellIfQuiet()
    {
        if (_quiet is not null && IsQuiet)
        {
            _quiet.SetResult();
            _quiet = null;
        }
    }

    private void VerifyRoom(int room, IReadOnlyList<Member> members)
    {
        foreach (var publisher in _publishers)
        {
            var sent = publisher.SentTo(room);
            foreach (var member in members)
            {
                if (member.NextOf(publisher.Index) != sent)
                {
                    Problem($"{member} got {member.NextOf(publisher.Index)} messages of {publisher} in room {room}, which sent {sent}.");
                }
            }
        }

        if (members.Any(member => member.Order != members[0].Order))
        {
            Problem($"The members of room {room} did not all get its messages in one order.");
        }
    }
}
