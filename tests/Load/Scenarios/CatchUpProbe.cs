using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// A client that connects once, takes what it missed of one room, acknowledges as it comes,
/// and checks that nothing is left out or out of order.
/// </summary>
internal sealed class CatchUpProbe : IPacketHandler
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly MqttVersion _version;
    private readonly MqttLink _link;
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<byte> _answers = [];
    private readonly byte[]? _subscribe;
    private readonly bool _needsSession;
    private readonly long _goal;
    private long _last;

    private CatchUpProbe(MqttVersion version, MqttLink link, byte[]? subscribe, bool needsSession, long after, long goal)
    {
        (_version, _link, _subscribe, _needsSession) = (version, link, subscribe, needsSession);
        (_last, _goal) = (after, goal);
    }

    /// <summary>Returns the time from opening the socket to the last event that was missed.</summary>
    /// <param name="subscribe">Null: its session, which then must be there, holds the filter.</param>
    /// <param name="after">The seq that it has.</param>
    /// <param name="goal">
    /// The seq that was newest when it came back. Equal to <paramref name="after"/>: it leaves when it is subscribed.
    /// </param>
    public static async Task<TimeSpan> RunAsync(
        IPEndPoint server, MqttVersion version, byte[] connect, byte[]? subscribe, long after, long goal, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        using var link = await MqttLink.TryOpenAsync(server, cancellation) ?? throw new LoadException("The server does not listen any more.");
        CatchUpProbe probe = new(version, link, subscribe, subscribe is null, after, goal);
        link.Send(connect);
        var reading = link.ReadAsync(probe, 64 * 1024);
        try
        {
            if (await Task.WhenAny(probe._done.Task, reading).WaitAsync(Patience, cancellation) == reading && !probe._done.Task.IsCompleted)
            {
                throw new LoadException($"The server closed the connection when {probe._last} of {goal} had come.");
            }

            await probe._done.Task;
        }
        catch (TimeoutException)
        {
            throw new LoadException($"After {Patience.TotalSeconds:0} s {probe._last} of {goal} had come.");
        }

        var took = Stopwatch.GetElapsedTime(start);
        link.Send(ClientPackets.Disconnect);
        return took;
    }

    void IPacketHandler.Handle(in ServerPacket packet)
    {
        switch (packet.Type)
        {
            case PacketType.ConnAck when packet.ConnectCode != 0:
                Fail($"CONNECT was refused with 0x{packet.ConnectCode:X2}");
                break;
            case PacketType.ConnAck when _needsSession && !packet.IsSessionPresent:
                Fail("The session is gone");
                break;
            case PacketType.ConnAck:
                _answers.AddRange(_subscribe ?? []);
                break;
            case PacketType.SubAck when packet.GrantedQualityOfService >= 0x80:
                Fail($"SUBSCRIBE was answered with 0x{packet.GrantedQualityOfService:X2}");
                break;
            case PacketType.SubAck when _goal == _last:
                _done.TrySetResult();
                break;
            case PacketType.Publish:
                Hear(packet);
                break;
        }
    }

    void IPacketHandler.AllHandled()
    {
        if (_answers.Count > 0)
        {
            _link.Send(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_answers));
            _answers.Clear();
        }
    }

    private void Hear(in ServerPacket packet)
    {
        var seq = SeqOf(packet.ReadPublish(_version, out var packetId));
        if (packetId != 0)
        {
            _answers.AddRange(ClientPackets.PubAck(packetId));
        }

        if (_done.Task.IsCompleted)
        {
            return;
        }

        if (seq != _last + 1)
        {
            Fail($"{seq} came when {_last + 1} was next");
            return;
        }

        if (++_last == _goal)
        {
            _done.TrySetResult();
        }
    }

    /// <summary>Of an event: its first `"seq":` is its own, for in texts the quotes are escaped.</summary>
    public static long SeqOf(ReadOnlySpan<byte> json)
    {
        var at = json.IndexOf("\"seq\":"u8);
        return at >= 0 && Utf8Parser.TryParse(json[(at + "\"seq\":".Length)..], out long seq, out _) ? seq : 0;
    }

    private void Fail(string why) => _done.TrySetException(new LoadException(why + "."));
}
