using WebMessenger.Load.Generator;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Chat;

/// <summary>Somebody who has never been here: becomes a guest, connects as a page does, and says something in a room.</summary>
internal sealed class FirstEntry : IPacketHandler
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _acknowledged = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Returns with the PUBACK, which says that the guest's first message is on disk.</summary>
    /// <exception cref="LoadException">The server refused something.</exception>
    public static async Task RunAsync(Door door, Browser browser, string nickname, string room, CancellationToken cancellation)
    {
        var (cookie, user) = await browser.EnterAsync(nickname, cancellation);
        using var link = await MqttLink.TryOpenAsync(door, cookie, cancellation) ?? throw new LoadException("The server does not listen any more.");
        FirstEntry entry = new();
        _ = entry.ReadAsync(link);
        link.Send(ConnectWish.Clean.ToPacket(MqttVersion.V5, $"page-{user}", null));
        await entry._connected.Task.WaitAsync(Patience, cancellation);
        link.Send(ClientPackets.Publish(MqttVersion.V5, $"rooms/{room}", "Hello, I am new here."u8, qos: 1, packetId: 1));
        await entry._acknowledged.Task.WaitAsync(Patience, cancellation);
    }

    void IPacketHandler.Handle(in ServerPacket packet)
    {
        if (packet.Type is PacketType.ConnAck)
        {
            Settle(_connected, packet.ConnectCode, "CONNECT");
        }
        else if (packet.Type is PacketType.PubAck)
        {
            Settle(_acknowledged, packet.AnswerCode, "PUBLISH");
        }
    }

    void IPacketHandler.AllHandled()
    {
        // It answers nothing.
    }

    private static void Settle(TaskCompletionSource answered, byte code, string what)
    {
        if (code < 0x80)
        {
            answered.TrySetResult();
        }
        else
        {
            answered.TrySetException(new LoadException($"{what} was refused with 0x{code:X2}."));
        }
    }

    private async Task ReadAsync(MqttLink link)
    {
        await link.ReadAsync(this, 1024);
        LoadException end = new("The server closed a newcomer's connection.");
        _connected.TrySetException(end);
        _acknowledged.TrySetException(end);
        _ = (_connected.Task.Exception, _acknowledged.Task.Exception);
    }
}
