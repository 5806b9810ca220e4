using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

namespace WebMessenger.Broker.Tests.Clients;

public sealed class MutationTests
{
    [Theory]
    [InlineData("V5", 1)]
    [InlineData("V311", 2)]
    public async Task Attack_18_Mutated_packets_crash_nothing_and_leave_no_connection(string versionName, int seed)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var witness = await broker.ConnectAsync(ana, clientId: "witness");
        await witness.SubscribeAsync("rooms/lobby");
        var connect = ClientPackets.Connect(version, "ana", ana.Token, "mutant", will: new Will("rooms/lobby", "bye"));
        byte[][] packets = [connect, .. Conversation(version)];
        Random random = new(seed);

        for (var i = 0; i < 600; i++)
        {
            await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, version);
            try
            {
                // Most mutants are let in first; some break at the door.
                if (i % 4 != 0)
                {
                    await client.SendAsync(connect);
                }

                for (var n = 0; n < 8; n++)
                {
                    await client.SendAsync(Mutate(packets[random.Next(packets.Length)], random));
                }

                await client.Transport.FinishAsync();
            }
            catch (System.Net.Sockets.SocketException)
            {
                // Thrown out already.
            }

            await client.WaitForCloseAsync();
        }

        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 1);
        await witness.PublishAsync("rooms/lobby", "marker");
        var heard = await witness.PublishesUntilAsync(publish => publish.Text.Contains("\"marker\"", StringComparison.Ordinal));
        Assert.All(heard, publish => Assert.Equal("lobby", publish.Json.GetProperty("room").GetString()));
        Assert.Single(broker.Room("lobby").Subscribers.ToArray());
    }

    private static IEnumerable<byte[]> Conversation(MqttVersion version)
    {
        MqttProperties? properties = version == MqttVersion.V5 ? new MqttProperties { { PropertyId.TopicAlias, 3u }, { "id", "x" } } : null;
        yield return ClientPackets.Publish(version, "rooms/lobby", "hello"u8.ToArray(), 1, properties: properties, packetId: 5);
        yield return ClientPackets.Publish(version, "rooms/lobby", "{\"type\":\"message\",\"text\":\"x\",\"id\":\"1\"}"u8.ToArray(), 2, packetId: 6);
        yield return ClientPackets.Publish(version, "users/ana", "x"u8.ToArray());
        yield return new MqttWriter().UInt16(6).ToPacket(PacketType.PubRel, 2);
        yield return new MqttWriter().UInt16(1).ToPacket(PacketType.PubAck);
        yield return new MqttWriter().ToPacket(PacketType.PingReq);
        yield return Filters(version, PacketType.Subscribe, ["rooms/lobby", "rooms/+/presence/#", "users/ana"]);
        yield return Filters(version, PacketType.Unsubscribe, ["rooms/lobby", "users/ana"]);
        yield return new MqttWriter().ToPacket(PacketType.Disconnect);
    }

    private static byte[] Filters(MqttVersion version, PacketType type, string[] filters)
    {
        var packet = new MqttWriter().UInt16(9);
        if (version == MqttVersion.V5)
        {
            packet.Properties(null);
        }

        foreach (var filter in filters)
        {
            packet.String(filter);
            if (type == PacketType.Subscribe)
            {
                packet.Byte(1);
            }
        }

        return packet.ToPacket(type, 2);
    }

    private static byte[] Mutate(byte[] packet, Random random)
    {
        var bytes = packet.ToList();
        for (var n = random.Next(3); n > 0; n--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 3 when bytes.Count > 1:
                    bytes.RemoveAt(at);
                    break;
            }
        }

        // Half of them with a length that is right again, so that they are read to their end.
        if (bytes.Count is > 2 and < 129 && random.Next(2) == 0)
        {
            bytes[1] = (byte)(bytes.Count - 2);
        }

        return [.. bytes];
    }
}
