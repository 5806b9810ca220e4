using System.Net;
using System.Text;
using WebMessenger.Load.Generator;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Hardships;

/// <summary>Fills a room that nobody is checked in with long texts until the server has no place for one, and says no.</summary>
internal sealed class Ballast(IPEndPoint server, Login login) : IPacketHandler, IDisposable
{
    private const int UnderWay = 32;
    private const int TextLength = 4000;
    private const int TextsAtMost = 100_000;

    private static readonly byte[] Text = Encoding.ASCII.GetBytes(new string('x', TextLength));

    private readonly TaskCompletionSource _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MqttLink? _link;
    private int _said;

    /// <summary>Completes when a text was refused; fails when none was.</summary>
    public async Task RefusedAsync(TimeSpan patience, CancellationToken cancellation)
    {
        _link = await MqttLink.TryOpenAsync(server, cancellation) ?? throw new LoadException("The server is gone.");
        _link.Send(ConnectWish.Clean.ToPacket(MqttVersion.V5, "ballast", login));
        var reading = _link.ReadAsync(this, 64 * 1024);
        await Task.WhenAny(_refused.Task, reading).WaitAsync(patience, cancellation);
        if (!_refused.Task.IsCompleted)
        {
            throw new LoadException("The disk was never full for the server.");
        }
    }

    public void Handle(in ServerPacket packet)
    {
        switch (packet.Type)
        {
            case PacketType.ConnAck:
                for (ushort id = 1; id <= UnderWay; id++)
                {
                    Say(id);
                }

                break;
            case PacketType.PubAck when packet.AnswerCode >= 0x80:
                _refused.TrySetResult();
                break;
            case PacketType.PubAck when _said < TextsAtMost:
                Say(packet.PacketId);
                break;
        }
    }

    public void AllHandled()
    {
    }

    public void Dispose() => _link?.Dispose();

    private void Say(ushort packetId)
    {
        _said++;
        _link!.Send(ClientPackets.Publish(MqttVersion.V5, "rooms/" + RoomTopic.IdOf(HardshipRun.SpareRoom), Text, 1, packetId: packetId));
    }
}
