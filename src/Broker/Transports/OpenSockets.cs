using System.Net;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Transports;

/// <summary>
/// Counts the sockets of every kind (HTTP, https, WebSocket, MQTT, MQTT over TLS) from the moment they are accepted until their handles are
/// closed, so that strangers never take a handle that the stores or the runtime need (faults S1, B1; ADR 0032).
/// </summary>
/// <remarks>
/// An address may hold half as many sockets as there are free places, and no more than its limit.
/// So the first address that asks for all gets a third, eight of them together get four fifths,
/// and whoever comes from another address finds a place.
/// </remarks>
internal sealed partial class OpenSockets(
    HandleRoom room, BrokerLimits limits, IReadOnlyList<IPNetwork> proxies, TimeProvider time, ILogger<OpenSockets> log)
{
    /// <summary>
    /// One of so many new sockets of an address may be of no use (<see cref="CountedSocket.MarkUsed"/>).
    /// To make and close a connection is as much work as many messages, and a stranger can have it done without end; a page or a device
    /// says within milliseconds what it came for. Whoever has neighbours that are signed
    /// in shares with them all that their address may open.
    /// </summary>
    private const int UselessShare = 5;

    /// <summary>
    /// An address may take so many seconds' worth of new sockets at once: many pages behind one address come back together.
    /// Of its 2,000, as shipped, 400 are accepted before the first of them has said anything.
    /// Twice as many, from eight addresses, and everybody notices (ADR 0032).
    /// </summary>
    private const int BurstSeconds = 40;

    private static readonly TimeSpan ReportPeriod = TimeSpan.FromMinutes(1);

    private readonly AddressPlaces _places = new(
        limits.SocketsPerAddress,
        limits.SocketsPerSecondPerAddress,
        (int)Math.Min((long)limits.SocketsPerSecondPerAddress * BurstSeconds, int.MaxValue),
        time,
        UselessShare);

    private int _count;
    private long _refused;
    private long _failures;
    private long? _reportedAt;

    /// <summary>How many are open.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Counts a socket in; false: it is one too many, and is to be closed at once.</summary>
    /// <param name="isUseless">To be said with <see cref="Used"/>.</param>
    public bool TryEnter(IPAddress? address, out bool isUseless)
    {
        isUseless = false;
        var free = room.Sockets - Interlocked.Increment(ref _count);
        if ((/* guard: handles are kept for the stores */ free >= 0) && ((/* guard: a trusted proxy is not bounded as a stranger */ IsProxy(address)) || _places.TryEnter(address, Math.Max(1, (free + 1) / 2), free + 1, out isUseless)))
        {
            return true;
        }

        Interlocked.Decrement(ref _count);
        Interlocked.Increment(ref _refused);
        return false;
    }

    /// <summary>The handle of a socket that was counted in is closed.</summary>
    /// <param name="wasSignedIn">See <see cref="SignedIn"/>.</param>
    public void Leave(IPAddress? address, bool wasSignedIn = false)
    {
        if (!IsProxy(address))
        {
            _places.Leave(address, wasSignedIn);
        }

        Interlocked.Decrement(ref _count);
    }

    /// <summary>A socket that was counted in is of use: it does not count among those of no use. To be called once for each.</summary>
    public void Used(IPAddress? address, bool wasUseless)
    {
        if (!IsProxy(address))
        {
            _places.Used(address, wasUseless);
        }
    }

    /// <summary>By a socket that was counted in comes somebody who is signed in. To be called once for each.</summary>
    public void SignedIn(IPAddress? address)
    {
        if (!IsProxy(address))
        {
            _places.SignedIn(address);
        }
    }

    /// <summary>A socket could not be accepted for want of a handle or of memory, which the reserve is there to prevent.</summary>
    public void CouldNotAccept() => Interlocked.Increment(ref _failures);

    /// <summary>Forgets who has left, and says once a minute what was refused. Called now and then, by one at a time.</summary>
    public void Sweep()
    {
        _places.Sweep();
        if (_reportedAt is { } at && time.GetElapsedTime(at) < ReportPeriod)
        {
            return;
        }

        var refused = Interlocked.Exchange(ref _refused, 0);
        var failures = Interlocked.Exchange(ref _failures, 0);
        if (refused > 0 || failures > 0)
        {
            _reportedAt = time.GetTimestamp();
        }

        if (refused > 0)
        {
            LogRefused(log, refused, Count, room.Sockets);
        }

        if (failures > 0)
        {
            LogCouldNotAccept(log, failures);
        }
    }

    // Behind a proxy are all its clients. What each of them may have is counted by the address that the proxy names.
    private bool IsProxy(IPAddress? address) => TrustedProxies.AreAt(address, proxies);

    [LoggerMessage(4200, LogLevel.Warning,
        "{Count} connections were refused, because their addresses had as many as they may or there was no place for them. {Open} of {Room} places are taken. This is said once a minute at most")]
    private static partial void LogRefused(ILogger log, long count, int open, int room);

    [LoggerMessage(4201, LogLevel.Error,
        "{Count} times a connection could not be accepted for want of handles. Raise the limit of open files. This is said once a minute at most")]
    private static partial void LogCouldNotAccept(ILogger log, long count);
}
