using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using WebMessenger.EndToEnd.Tests.Servers;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>
/// The whole program on a disk without space: a small file system in memory, for which the test must be allowed to mount.
/// </summary>
public sealed class FullDiskTests
{
    // RocksDB takes space for its log in advance, a little more than 16 MB, and goes on only when as much is free.
    private const string DiskSize = "64m";
    private const int TextLength = 60_000;
    private const int EventsRead = 20;

    // Or it would be refused before the disk is full.
    private static readonly string[] ToTheLastByte = ["WebMessenger:Limits:FreeDiskMegabytes=0"];

    [Fact]
    public async Task Attack_72_On_a_full_disk_no_PUBACK_says_yes_history_is_read_and_it_goes_on_by_itself()
    {
        await using var disk = await SmallDisk.MountAsync(DiskSize);
        await using var server = await ServerProcess.StartInAsync(Path.Combine(disk.Folder, "data"), [.. SharedServer.NoLimits, .. ToTheLastByte, "WebMessenger:Limits:TextLength=0"]);
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

    [Fact]
    public async Task Fault_B36_On_a_full_disk_whatever_would_be_stored_is_answered_503_not_stored_and_told_in_few_lines()
    {
        await using var disk = await SmallDisk.MountAsync(DiskSize);
        await using var server = await ServerProcess.StartInAsync(Path.Combine(disk.Folder, "data"), [.. SharedServer.NoLimits, .. ToTheLastByte, "WebMessenger:Limits:RoomsPerAccount=0", "WebMessenger:Limits:TextLength=0"]);
        using var ana = await Person.RegisterAsync(server);
        using var bob = await Person.RegisterAsync(server);
        using var stranger = new HttpClient { BaseAddress = server.Address };
        var token = await ana.NewTokenAsync();
        (HttpClient Who, string Path, Func<int, object> Body)[] calls =
        [
            (stranger, "/api/session/guest", number => new { nickname = $"Eve {number}" }),
            (stranger, "/api/session", _ => new { login = ana.UserName, password = Person.Password }),
            (stranger, "/api/accounts", number => new { email = $"walt{number}@example.org", userName = $"walt{number}", displayName = $"Walt {number}", password = Person.Password }),
            (ana.Http, "/api/rooms", number => new { id = $"den-{number}", title = "Den" }),
            (ana.Http, "/api/tokens", number => new { name = $"bot {number}" }),
        ];
        foreach (var (who, path, body) in calls)
        {
            using var answer = await who.PostAsJsonAsync(path, body(0), TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode, $"{path}: {answer.StatusCode}");
        }

        await using var talker = await server.TcpAsync();
        Assert.True((await talker.ConnectAsync(ana.UserName, token)).Accepted);
        disk.Fill();

        // What the files have room for ahead is used up first, of both stores.
        await SayUntilAsync(talker, [], accepted: false);
        using PeriodicTimer again = new(TimeSpan.FromMilliseconds(1));
        for (var number = 1; ; number++)
        {
            using var answer = await ana.Http.PostAsJsonAsync("/api/rooms", new { id = $"room-{number}", title = "Room" }, TestContext.Current.CancellationToken);
            if (!answer.IsSuccessStatusCode)
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
                break;
            }

            await again.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        for (var number = 1; number <= 10; number++)
        {
            foreach (var (who, path, body) in calls)
            {
                using var answer = await who.PostAsJsonAsync(path, body(number), TestContext.Current.CancellationToken);
                Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, $"{path}: {answer.StatusCode}");
                Assert.Contains("\"not_stored\"", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
            }

            using var joined = await bob.Http.PutAsJsonAsync("/api/rooms/den-0/members/me", new { }, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, joined.StatusCode);
            await using var client = await server.TcpAsync();
            Assert.True((await client.ConnectAsync(ana.UserName, token)).Accepted);
        }

        Assert.DoesNotContain("\n   at ", server.Log, StringComparison.Ordinal);
        string[] told = [.. server.Log.Split('\n')
            .Where(line => line.Contains(" ERR ", StringComparison.Ordinal) || line.Contains(" WRN ", StringComparison.Ordinal))];
        // Of the log, of all requests together, and of each of the four that follow the log.
        Assert.True(told.Length is >= 1 and <= 6, string.Join('\n', told));

        disk.Free();
        await SayUntilAsync(talker, [], accepted: true);
        foreach (var (who, path, body) in calls)
        {
            using var answer = await who.PostAsJsonAsync(path, body(100), TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode, $"{path}: {answer.StatusCode}");
        }
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
