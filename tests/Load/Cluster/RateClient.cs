using System.Globalization;
using System.Net;
using System.Text;
using WebMessenger.Load.Generator;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Cluster;

/// <summary>Keeps a window of unacknowledged messages full.</summary>
/// <remarks>All of it is done by the task that reads.</remarks>
internal sealed class RateClient(int number, Login login, int room, int window) : IPacketHandler, IDisposable
{
    private const int TextLength = 100;

    private readonly List<byte> _written = [];
    private MqttLink? _link;
    private Task _reading = Task.CompletedTask;
    private long _acknowledged;
    private long _refused;
    private int _said;

    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    public long Refused => Interlocked.Read(ref _refused);

    public async Task StartAsync(IPEndPoint server, CancellationToken cancellation)
    {
        _link = await MqttLink.TryOpenAsync(server, cancellation) ?? throw new LoadException($"Nobody listens at {server}.");
        _link.Send(ConnectWish.Clean.ToPacket(MqttVersion.V311, string.Create(CultureInfo.InvariantCulture, $"rate-{number}"), login));
        _reading = Task.Run(() => _link.ReadAsync(this, 16 * 1024), cancellation);
    }

    public void Handle(in ServerPacket packet)
    {
        switch (packet.Type)
        {
            case PacketType.ConnAck when packet.ConnectCode == 0:
                for (var id = 1; id <= window; id++)
                {
                    Say((ushort)id);
                }

                break;
            case PacketType.PubAck:
                Interlocked.Increment(ref _acknowledged);
                Say(packet.PacketId);
                break;
            default:
                Interlocked.Increment(ref _refused);
                break;
        }
    }

    public void AllHandled()
    {
        if (_written.Count > 0)
        {
            _link!.Send(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_written));
            _written.Clear();
        }
    }

    public void Dispose()
    {
        _link?.Cut();
        _reading.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).Wait();
    }

    private void Say(ushort packetId)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{number} {++_said}").PadRight(TextLength, '.');
        _written.AddRange(ClientPackets.Publish(
            MqttVersion.V311, RoomTopic.Of(room), Encoding.UTF8.GetBytes($$"""{"type":"message","text":"{{text}}"}"""), 1, packetId: packetId));
    }
}
