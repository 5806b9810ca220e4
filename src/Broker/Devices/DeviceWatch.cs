using System.Buffers;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// What is noted of one connection of a device, for those who look after the room: since when it is there, how much it publishes, and its
/// packets while it is traced.
/// </summary>
/// <remarks>
/// What is received is told by the connection's receive loop, what is sent under its write lock. <c>_gate</c> guards the count of
/// publishes, and is a leaf lock.
/// </remarks>
internal sealed class DeviceWatch(string clientId, bool isVersion5, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly long _began = time.GetTimestamp();

    // Null: it is not traced, as nearly always.
    private volatile DeviceTrace? _trace;

    // The receive loop's: publishes since it was last told the time, and that a packet is brought again that was told already.
    private int _untold;
    private bool _comesAgain;

    // Publishes of this minute, and of the one before it.
    private long _minuteBegan = time.GetTimestamp();
    private int _thisMinute;
    private int _lastMinute;

    public DateTimeOffset Since { get; } = time.GetUtcNow();

    /// <summary>Null: the login session is no device's.</summary>
    public static DeviceWatch? Of(LoginSession session, string clientId, bool isVersion5, TimeProvider time) =>
        session.Scope.Mount is null ? null : new(clientId, isVersion5, time);

    /// <summary>Publishes a second that came in the last minute, or since it is there.</summary>
    public double Rate
    {
        get
        {
            lock (_gate)
            {
                Turn();
                var inMinute = time.GetElapsedTime(_minuteBegan).TotalSeconds;
                var counted = _thisMinute + (_lastMinute * Math.Max(0, 60 - inMinute) / 60);
                return counted / Math.Clamp(time.GetElapsedTime(_began).TotalSeconds, 1, 60);
            }
        }
    }

    /// <summary>Its packets are noted from here on.</summary>
    public void Trace(DeviceTrace trace) => _trace = trace;

    /// <summary>The same of one that has just connected.</summary>
    public void Connected(DeviceTrace trace)
    {
        _trace = trace;
        if (trace.Wants())
        {
            trace.Add(new TracedPacket(time.GetUtcNow(), clientId, IsSent: false, PacketType.Connect, Bytes: 0));
        }
    }

    /// <summary>A packet has come, and is dealt with next.</summary>
    public void Received(in Frame frame)
    {
        if (_comesAgain)
        {
            _comesAgain = false;
            return;
        }

        _untold += frame.Type == PacketType.Publish ? 1 : 0;
        if (_trace is { } trace && IsWanted(trace))
        {
            Note(trace, frame);
        }
    }

    /// <summary>The packet that was told last could not be dealt with yet, and is brought again.</summary>
    public void ComesAgain() => _comesAgain = true;

    /// <summary>The receive loop has dealt with what there was.</summary>
    public void Heard()
    {
        if (_untold == 0)
        {
            return;
        }

        lock (_gate)
        {
            Turn();
            _thisMinute += _untold;
        }

        _untold = 0;
    }

    /// <summary>A whole packet is sent.</summary>
    public void Sent(ReadOnlySpan<byte> packet)
    {
        if (_trace is not { } trace || !IsWanted(trace))
        {
            return;
        }

        // The Remaining Length ends with the first byte below 128.
        var body = 1 + packet[1..].IndexOfAnyInRange((byte)0, (byte)127) + 1;
        trace.Add(Read(isSent: true, packet[0], packet[body..Math.Min(packet.Length, body + TracedPacket.HeadBytes)], packet.Length));
    }

    // The receive loop's.
    private void Note(DeviceTrace trace, in Frame frame)
    {
        var length = (int)Math.Min(frame.Body.Length, TracedPacket.HeadBytes);
        Span<byte> head = stackalloc byte[TracedPacket.HeadBytes];
        frame.Body.Slice(0, length).CopyTo(head);
        var size = (int)frame.Body.Length;
        trace.Add(Read(isSent: false, frame.Header, head[..length], 1 + LengthBytes(size) + size));
    }

    private TracedPacket Read(bool isSent, byte header, ReadOnlySpan<byte> head, int bytes) =>
        TracedPacket.Read(time.GetUtcNow(), clientId, isSent, header, head, bytes, isVersion5);

    // What has ended is let go, so that it costs nothing and can be forgotten.
    private bool IsWanted(DeviceTrace trace)
    {
        if (trace.IsOver)
        {
            // But not one that has just begun.
            Interlocked.CompareExchange(ref _trace, null, trace);
        }

        return trace.Wants();
    }

    // Under _gate.
    private void Turn()
    {
        var minutes = (int)(time.GetElapsedTime(_minuteBegan).TotalSeconds / 60);
        if (minutes > 0)
        {
            (_lastMinute, _thisMinute) = (minutes == 1 ? _thisMinute : 0, 0);
            _minuteBegan += minutes * 60 * time.TimestampFrequency;
        }
    }

    private static int LengthBytes(int length) => length < 128 ? 1 : length < 128 * 128 ? 2 : length < 128 * 128 * 128 ? 3 : 4;
}
