namespace WebMessenger.Broker.Devices;

/// <summary>A minute of the packets of one device, on all its connections.</summary>
/// <remarks>Thread-safe. <c>_gate</c> is a leaf lock, which is taken under clients' write locks.</remarks>
/// <param name="token">Id of the access token whose connections are traced.</param>
/// <param name="room">Key of the room of its mount.</param>
/// <param name="by">Id of the account that has begun it.</param>
/// <param name="most">Packets that are remembered; beyond it they are counted. 0: no limit.</param>
internal sealed class DeviceTrace(string token, string room, string by, int most, TimeProvider time)
{
    public static readonly TimeSpan Length = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly List<TracedPacket> _packets = [];
    private readonly long _began = time.GetTimestamp();
    private long _more;

    public string Token => token;

    public string Room => room;

    public string By => by;

    public DateTimeOffset Began { get; } = time.GetUtcNow();

    /// <summary>Nothing is added any more.</summary>
    public bool IsOver => /* guard: a trace ends by itself */ Age >= Length;

    /// <summary>Since its beginning.</summary>
    public TimeSpan Age => time.GetElapsedTime(_began);

    // Under _gate.
    private bool IsFull => /* guard: packets of a trace */ most > 0 && _packets.Count >= most;

    /// <summary>Whether a packet that comes now is to be added. One for which there is no room is counted.</summary>
    public bool Wants()
    {
        lock (_gate)
        {
            if (IsOver)
            {
                return false;
            }

            _more += IsFull ? 1 : 0;
            return !IsFull;
        }
    }

    public void Add(TracedPacket packet)
    {
        lock (_gate)
        {
            if (IsFull)
            {
                _more++;
            }
            else
            {
                _packets.Add(packet);
            }
        }
    }

    /// <summary>The packets behind the first so many, and how many more there were than are remembered.</summary>
    public (IReadOnlyList<TracedPacket> Packets, long More) Read(int after, int atMost)
    {
        lock (_gate)
        {
            return ([.. _packets.Skip(after).Take(atMost)], _more);
        }
    }
}
