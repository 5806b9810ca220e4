using System.Globalization;
using WebMessenger.Broker.Tests.Log;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>The whole program on a disk without space: a small file system in memory, for which the test must be allowed to mount.</summary>
public sealed class FullDiskTests
{
    // RocksDB takes space for its log in advance, a little more than 16 MB, and goes on only when as much is free.
    private const string DiskSize = "64m";
    private const int TextLength = 60_000;
    private const int EventsRead = 20;

    [Fact]
    public async Task Attack_72_On_a_full_disk_no_PUBACK_says_yes_history_is_read_and_it_goes_on_by_itself()
    {
        await using var disk = await SmallDisk.MountAsync(DiskSize);
        await using var server = await ServerProcess.StartInAsync(Path.Combine(disk.Folder, "data"), [.. SharedServer.NoLimits, "WebMessenger:Limits:TextLength=0"]);
        using var ana = await Person.RegisterAsync(server);
        var token = await ana.NewTokenAsync();
        await using var client = await server.TcpAsync();
        Assert.True((await client.ConnectAsync(ana.UserName, token)).Accepted);
        Dictionary<string, long> acknowledged = [];
        await SayUntilAsync(client, acknowledged, accepted: true);
        var epoch = await EpochAsync(ana);

        disk.Fill();
        var refused = await SayUntilAsync(client, acknowledged, accepted: false);
        Assert.Equal(0x97, refused.ReasonCode);
        Assert.Equal(acknowledged.Keys.TakeLast(5), (await MessagesAsync(ana)).Keys.TakeLast(5));
        // 3.1.1 has no word for it: the connection is closed without a PUBACK.
        await using (var old = await server.TcpAsync(MqttVersion.V311))
        {
            Assert.True((await old.ConnectAsync(ana.UserName, token)).Accepted);
            await old.SendPublishAsync(Lobby.Topic, System.Text.Encoding.UTF8.GetBytes("to a full disk"), 1, packetId: old.NextPacketId());
            await old.WaitForCloseAsync();
        }

        disk.Free();
        await SayUntilAsync(client, acknowledged, accepted: true);
        await server.KillAsync();
        await server.StartAgainAsync();

        Assert.Equal(epoch, await EpochAsync(ana));
        var stored = await MessagesAsync(ana);
        Assert.DoesNotContain("to a full disk", stored.Keys);
        Assert.Equal(acknowledged.TakeLast(stored.Count), stored);
    }

    private static async Task<string> EpochAsync(Person person) => (await person.EventsAsync(limit: 1))[0].GetProperty("epoch").GetString()!;

    private static async Task<Dictionary<string, long>> MessagesAsync(Person person)
    {
        var events = await person.EventsAsync(limit: EventsRead);
        var seqs = events.Select(@event => @event.GetProperty("seq").GetInt64()).ToArray();
        Assert.Equal(Enumerable.Range(0, seqs.Length).Select(i => seqs[0] + i), seqs);
        return events.Where(@event => @event.GetProperty("type").GetString() == "message")
            .ToDictionary(@event => @event.GetProperty("text").GetString()!.TrimEnd(), @event => @event.GetProperty("seq").GetInt64());
    }

    /// <summary>Says one thing after the other until one is acknowledged, or refused.</summary>
    private static async Task<PubAck> SayUntilAsync(RawMqttClient client, Dictionary<string, long> acknowledged, bool accepted)
    {
        using PeriodicTimer again = new(TimeSpan.FromMilliseconds(20));
        PubAck ack;
        do
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"message {acknowledged.Count}");
            ack = await client.PublishAsync(Lobby.Topic, text.PadRight(TextLength));
            if (ack.Accepted)
            {
                acknowledged.Add(text, ack.Seq);
            }
        }
        while (ack.Accepted != accepted && (ack.Accepted || await again.WaitForNextTickAsync(TestContext.Current.CancellationToken)));
        return ack;
    }
}
