using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>Backup and restore by the commands that an operator types, beside a server that works.</summary>
public sealed class BackupTests : IDisposable
{
    private const int Publishers = 4;

    /// <summary>Acknowledged before the backup begins, so that it begins amid the load.</summary>
    private const int WarmUp = 400;

    private readonly string _folder = Directory.CreateTempSubdirectory("webmessenger-backup-").FullName;

    private string Backup => Path.Combine(_folder, "backup");

    private string Restored => Path.Combine(_folder, "restored");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Attack_75_A_backup_made_under_load_has_all_that_was_acknowledged_and_begins_new_epochs()
    {
        Companion.LeaveOut("a backup of its files.");
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        var token = await ana.NewTokenAsync();
        var room = await ana.NewRoomAsync();
        ConcurrentDictionary<string, Said> acknowledged = new();
        using CancellationTokenSource enough = new();
        SemaphoreSlim warm = new(0);
        var load = Enumerable.Range(0, Publishers)
            .Select(number => PublishAsync(server, ana, token, number % 2 == 0 ? "lobby" : room, number, acknowledged, warm, enough.Token))
            .ToList();
        for (var i = 0; i < WarmUp; i++)
        {
            await warm.WaitAsync(TestContext.Current.CancellationToken);
        }

        using var bia = await Person.RegisterAsync(server, "bia");
        var before = acknowledged.ToArray();
        var made = await ProgramRun.ToEndAsync("backup", Backup, $"--WebMessenger:DataFolder={server.DataFolder}");
        Assert.True(made.ExitCode == 0, made.Error);
        Assert.Contains($"process {server.ProcessId}", made.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(server.DataFolder, "backup-snapshot")));

        // The load went on during and after it.
        for (var i = 0; i < WarmUp; i++)
        {
            await warm.WaitAsync(TestContext.Current.CancellationToken);
        }

        await enough.CancelAsync();
        await Task.WhenAll(load);
        await server.TerminateAsync();

        var back = await ProgramRun.ToEndAsync("restore", Backup, $"--WebMessenger:DataFolder={Restored}");
        Assert.True(back.ExitCode == 0, back.Error);
        await using var again = await ServerProcess.StartInAsync(Restored, SharedServer.NoLimits);
        using var signedIn = await SignInAsync(again, ana);
        using var other = await SignInAsync(again, bia);
        foreach (var place in new[] { "lobby", room })
        {
            var (epoch, events) = await AllEventsAsync(signedIn, place);
            Assert.Equal(Enumerable.Range(1, events.Count).Select(seq => (long)seq), events.Select(@event => @event.GetProperty("seq").GetInt64()));
            var stored = events.Where(@event => @event.GetProperty("type").GetString() == "message")
                .ToDictionary(@event => @event.GetProperty("text").GetString()!, @event => @event.GetProperty("seq").GetInt64());
            var expected = before.Where(said => said.Value.Room == place).ToList();
            Assert.NotEmpty(expected);
            Assert.All(expected, said => Assert.Equal(said.Value.Seq, stored[said.Key]));
            Assert.All(expected, said => Assert.NotEqual(said.Value.Epoch, epoch));

            // A client that comes back with what it knows of the life before is told to read anew, and then has everything.
            await using var client = await again.TcpAsync();
            Assert.True((await client.ConnectAsync(ana.UserName, token)).Accepted);
            var last = expected.MaxBy(said => said.Value.Seq).Value;
            await client.SubscribeAsync(
                $"rooms/{place}",
                properties: new MqttProperties { { "after", last.Seq.ToString(CultureInfo.InvariantCulture) }, { "epoch", last.Epoch } });
            var heard = await client.PublishesUntilAsync(publish => publish.Json.TryGetProperty("seq", out var seq) && seq.GetInt64() == events.Count);
            Assert.Equal("reset", heard[0].Json.GetProperty("type").GetString());
            Assert.Equal(epoch, heard[0].Json.GetProperty("epoch").GetString());
            // A reset brings the newest 10,000 at most.
            var seqs = heard.Skip(1).Select(publish => publish.Json.GetProperty("seq").GetInt64()).ToList();
            Assert.Equal(Enumerable.Range(0, seqs.Count).Select(i => seqs[0] + i), seqs);
            Assert.True(seqs[0] == 1 || seqs.Count >= 10_000, $"{seqs.Count} events from {seqs[0]} on");
            var next = await client.PublishAsync($"rooms/{place}", Lobby.Unique("after the restore"));
            Assert.True(next.Accepted, next.ReasonString);
            Assert.True(next.Seq > events.Count);
        }
    }

    [Fact]
    public async Task Without_a_server_the_files_are_copied_and_nothing_is_restored_over_data()
    {
        string text;
        await using (var server = await ServerProcess.StartInAsync(Path.Combine(_folder, "data"), SharedServer.NoLimits))
        {
            using var ana = await Person.RegisterAsync(server);
            var token = await ana.NewTokenAsync();
            text = Lobby.Unique("before the kill");
            await using (var client = await server.TcpAsync())
            {
                Assert.True((await client.ConnectAsync(ana.UserName, token)).Accepted);
                Assert.True((await client.PublishAsync(Lobby.Topic, text)).Accepted);
                await server.KillAsync();
            }

            var made = await ProgramRun.ToEndAsync("backup", Backup, $"--WebMessenger:DataFolder={server.DataFolder}");
            Assert.True(made.ExitCode == 0, made.Error);
            var back = await ProgramRun.ToEndAsync("restore", Backup, $"--WebMessenger:DataFolder={Restored}");
            Assert.True(back.ExitCode == 0, back.Error);
            await using (var again = await ServerProcess.StartInAsync(Restored, SharedServer.NoLimits))
            {
                using var signedIn = await SignInAsync(again, ana);
                Assert.Contains((await AllEventsAsync(signedIn, "lobby")).Events, @event => @event.IsMessage(text));

                var whileRunning = await ProgramRun.ToEndAsync("restore", Backup, $"--WebMessenger:DataFolder={Restored}");
                Assert.Equal(1, whileRunning.ExitCode);
                Assert.Contains("server is running", whileRunning.Error, StringComparison.Ordinal);
                Assert.Single(whileRunning.Error.Trim().Split('\n'));
            }

            var second = await ProgramRun.ToEndAsync("restore", Backup, $"--WebMessenger:DataFolder={Restored}");
            Assert.Equal(1, second.ExitCode);
            Assert.Contains("There is data in", second.Error, StringComparison.Ordinal);
            Assert.Single(second.Error.Trim().Split('\n'));
        }
    }

    [Fact]
    public async Task Called_wrongly_it_says_how_it_is_called()
    {
        var ended = await ProgramRun.ToEndAsync("backup", $"--WebMessenger:DataFolder={Restored}");

        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("backup FOLDER", ended.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Restored));
    }

    /// <summary>One publish after the other, each acknowledged, until told to stop.</summary>
    private static async Task PublishAsync(
        ServerProcess server, Person person, string token, string room, int number, ConcurrentDictionary<string, Said> acknowledged, SemaphoreSlim each, CancellationToken enough)
    {
        await using var client = await server.TcpAsync();
        Assert.True((await client.ConnectAsync(person.UserName, token)).Accepted);
        for (var i = 0; !enough.IsCancellationRequested; i++)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"publisher {number} says {i}");
            var ack = await client.PublishAsync($"rooms/{room}", text);
            Assert.True(ack.Accepted, ack.ReasonString);
            acknowledged[text] = new(room, ack.Seq, ack.Epoch!);
            each.Release();
        }
    }

    /// <summary>The same account, by its password, at another server.</summary>
    private static async Task<HttpClient> SignInAsync(ServerProcess server, Person person)
    {
        HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server.Address };
        var answer = await http.PostAsJsonAsync("/api/session", new { login = person.UserName, password = Person.Password });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return http;
    }

    private static async Task<(string Epoch, List<JsonElement> Events)> AllEventsAsync(HttpClient http, string room)
    {
        List<JsonElement> events = [];
        while (true)
        {
            var after = (events.Count == 0 ? 0 : events[^1].GetProperty("seq").GetInt64()).ToString(CultureInfo.InvariantCulture);
            var page = await http.GetFromJsonAsync<JsonElement>($"/api/rooms/{room}/events?after={after}&limit=500");
            var more = page.GetProperty("events").EnumerateArray().ToList();
            if (more.Count == 0)
            {
                return (page.GetProperty("epoch").GetString()!, events);
            }

            events.AddRange(more);
        }
    }

    private sealed record Said(string Room, long Seq, string Epoch);
}
