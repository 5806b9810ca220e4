using System.Net;
using System.Text.Json;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Operator;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Archives;

/// <summary>A room goes into a file, and comes out of it elsewhere as it was.</summary>
public sealed class RoundTripTests
{
    [Fact]
    public async Task A_room_comes_out_of_its_file_as_it_was()
    {
        await using var there = await RunningBroker.StartAsync();
        var talk = await TalkAsync(there);
        var said = await talk.HistoryAsync();
        using var before = Calls.As(there, talk.Maker);

        var file = await RoomFile.TakeAsync(there, talk.Maker);
        await using var here = await RunningBroker.StartAsync();
        await here.RegisterAsync("first");
        var zoe = await MayAllAsync(here, "zoe");
        var answer = await RoomFile.SendAsync(here, zoe, file);

        Assert.Equal(("yard", 0), (answer.GetProperty("id").GetString(), answer.GetProperty("leftOut").GetInt32()));
        for (var start = 0; start < 2; start++)
        {
            var history = await RoomFile.HistoryAsync(here, zoe);
            Assert.Equal(said.Select(RoomFile.Comparable), history.SkipLast(1).Select(RoomFile.Comparable));
            Assert.All(history.SkipLast(1).Where(one => one.Type() != "removed"), one => Assert.True(one.GetProperty("imported").GetBoolean()));
            Assert.Equal(("imported", "zoe"), (history[^1].Type(), history[^1].GetProperty("from").GetProperty("user").GetString()));
            Assert.Equal("Room yard", history[^1].GetProperty("title").GetString());
            using var after = Calls.As(here, zoe);
            foreach (var path in (string[])["/api/rooms/yard/pins", "/api/rooms/yard/data"])
            {
                Assert.Equal(Lists(await before.Get(path)), Lists(await after.Get(path)));
            }

            Assert.Equal(0, (await after.Get("/api/rooms/yard")).GetProperty("unread").GetInt32());
            await here.RestartAsync();
        }
    }

    [Fact]
    public async Task A_room_keeps_its_tags_and_its_guard_and_is_open_and_loud_again()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var makers = Calls.As(broker, talk.Maker);
        var change = new { type = "policy", guard = new { repeats = 3 }, quietMinutes = 15 };
        await makers.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/events", change);
        await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { tags = new[] { "Garden" }, archived = true });

        await RoomFile.SendAsync(broker, talk.Caio, await RoomFile.TakeAsync(broker, talk.Maker));

        using var caios = Calls.As(broker, talk.Caio);
        var room = await caios.Get("/api/rooms/yard-2");
        Assert.Equal(["Garden"], room.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()));
        var policy = room.GetProperty("policy");
        Assert.Equal(3, policy.GetProperty("guard").GetProperty("repeats").GetInt32());
        Assert.False(policy.TryGetProperty("archived", out _) || policy.TryGetProperty("quietUntil", out _));
    }

    [Fact]
    public async Task A_file_of_a_room_whose_beginning_is_kept_no_more_counts_anew()
    {
        await using var there = await RunningBroker.StartAsync();
        var talk = await InYardAsync(there);
        var (gone, first) = (await talk.SayAsync(talk.Bea, "gone"), await talk.SayAsync(talk.Bea, "the first that stays"));
        Assert.Null((await talk.EditAsync(talk.Bea, gone, "gone too")).Refusal);
        await using (var client = await there.ConnectAsync(talk.Caio))
        {
            Assert.True((await client.PublishAsync(Topic, $$"""{"type":"message","text":"yes","replyTo":{{first}}}""")).Accepted);
        }

        await there.Get<IEventLog>().TruncateAsync(talk.Log, first);

        var answer = await RoomFile.SendAsync(there, talk.Caio, await RoomFile.TakeAsync(there, talk.Maker));

        Assert.Equal(("yard-2", 1), (answer.GetProperty("id").GetString(), answer.GetProperty("leftOut").GetInt32()));
        var history = await RoomFile.HistoryAsync(there, talk.Caio, "yard-2");
        Assert.Equal([1, 2, 3], history.Select(one => one.GetProperty("seq").GetInt64()));
        Assert.Equal((1, "yes"), (history[1].GetProperty("replyTo").GetInt64(), history[1].Text()));
        Assert.Equal("the first that stays", history[1].GetProperty("quote").GetProperty("text").GetString());
    }

    [Fact]
    public async Task By_the_operators_word_those_of_the_same_user_name_are_the_same_and_on_the_list()
    {
        await using var there = await RunningBroker.StartAsync();
        var talk = await TalkAsync(there);
        var target = Path.Combine(there.DataFolder, "yard.zip");
        var said = await TypedCommand.DoneAsync(there, "export", "yard", target);
        Assert.Contains("yard.zip", said, StringComparison.Ordinal);
        Assert.Contains("is there already", await TypedCommand.RefusedAsync(there.Program.DataFolder, "export", "yard", target), StringComparison.Ordinal);

        await ComesAsync(target);
        await using var here = await RunningBroker.StartAsync();
        await here.RegisterAsync("first");
        var (bea, dora, zoe) = (await MayAllAsync(here, "bea"), await MayAllAsync(here, "dora"), await MayAllAsync(here, "zoe"));
        Assert.Contains("Say whose", await TypedCommand.RefusedAsync(here.Program.DataFolder, "import", target, "--accounts", "match"), StringComparison.Ordinal);
        var made = await TypedCommand.DoneAsync(here, "import", target, "--as", "zoe", "--accounts", "match");

        Assert.StartsWith("The room is yard:", made, StringComparison.Ordinal);
        var room = here.Room("yard");
        Assert.Equal((MemberRole.Member, MemberRole.Moderator, zoe.Account.Id), (room.MembershipOf(bea.Account.Id)!.Role, room.MembershipOf(dora.Account.Id)!.Role, room.OwnerId));
        var history = await RoomFile.HistoryAsync(here, bea);
        Assert.Contains(history, one => one.GetProperty("from").GetProperty("user").GetString() == "bea");
        Assert.Contains(history, one => one.GetProperty("from").GetProperty("user").GetString() == "~caio");
        using var beas = Calls.As(here, bea);
        Assert.Equal(0, (await beas.Get("/api/rooms/yard")).GetProperty("unread").GetInt32());
        Assert.Equal(0, (await beas.Get("/api/rooms/yard")).GetProperty("mentions").GetInt32());

        // Somebody is told of what is said from here on, and of nothing before; nobody is here by it.
        await using (var client = await here.ConnectAsync(zoe))
        {
            Assert.True((await client.PublishAsync(Topic, "@bea now")).Accepted);
        }

        JsonElement notices;
        do
        {
            notices = (await beas.Get("/api/notices")).GetProperty("events");
        }
        while (notices.GetArrayLength() == 0);
        Assert.Equal("zoe", notices.EnumerateArray().Single().GetProperty("from").GetProperty("user").GetString());
        await here.RestartAsync();
        Assert.Empty(here.Room("yard").SnapshotPresence());

        // Her own words are hers.
        var own = history.First(one => one.Type() == "message" && one.GetProperty("from").GetProperty("user").GetString() == "bea");
        var mine = talk with { Broker = here, Bea = bea };
        Assert.Null((await mine.DeleteAsync(bea, own.GetProperty("seq").GetInt64())).Refusal);
    }

    [Fact]
    public async Task A_stopped_servers_room_is_written_as_well()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await TalkAsync(broker);
        var running = RoomFile.Read(await RoomFile.TakeAsync(broker, talk.Maker));
        var folder = broker.Program.DataFolder;
        await broker.Program.DisposeAsync();

        var target = Path.Combine(broker.DataFolder, "yard.zip");
        await TypedCommand.DoneAsync(folder, "export", "yard", target);
        Assert.Contains("no room", await TypedCommand.RefusedAsync(folder, "export", "garden", target + "2"), StringComparison.Ordinal);
        Assert.Contains("No server is running", await TypedCommand.RefusedAsync(folder, "import", target), StringComparison.Ordinal);

        var stopped = RoomFile.Read(await File.ReadAllBytesAsync(target, TestContext.Current.CancellationToken));
        Assert.Equal(running.Parts, stopped.Parts);
        Assert.All(running.Parts.Where(part => part is not ("room.json" or "events.jsonl")), part => Assert.Equal(running[part], stopped[part]));
        Assert.StartsWith(running["events.jsonl"], stopped["events.jsonl"], StringComparison.Ordinal);
    }

    // Bea came in, at the end of what is in the file.
    private static async Task ComesAsync(string target)
    {
        var file = RoomFile.Read(await File.ReadAllBytesAsync(target, TestContext.Current.CancellationToken));
        var seq = JsonDocument.Parse(file["room.json"]).RootElement.GetProperty("head").GetInt64() + 1;
        file[RoomFile.Events] += $$$"""{"v":1,"type":"join","room":"yard","seq":{{{seq}}},"epoch":"e","id":"j","at":"2026-02-02T10:00:00.000Z","from":{"user":"bea","name":"Béa","kind":"person"}}""" + "\n";
        await File.WriteAllBytesAsync(target, file.Zipped(), TestContext.Current.CancellationToken);
    }

    // What a room may have in it.
    private static async Task<MessageTalk> TalkAsync(RunningBroker broker)
    {
        var talk = await InYardAsync(broker);
        var (hello, wrong, old) = (await talk.SayAsync(talk.Bea, "hello"), await talk.SayAsync(talk.Caio, "wrogn"), await talk.SayAsync(talk.Bea, "a secret"));
        await using (var client = await broker.ConnectAsync(talk.Caio))
        {
            Assert.True((await client.PublishAsync(Topic, $$"""{"type":"message","text":"hello @bea","replyTo":{{hello}}}""")).Accepted);
            Assert.True((await client.PublishAsync(Topic, """{"type":"roll","dice":"2d6"}""")).Accepted);
        }

        Assert.Null((await talk.EditAsync(talk.Caio, wrong, "wrong")).Refusal);
        Assert.Null((await talk.EditAsync(talk.Caio, wrong, "right")).Refusal);
        Assert.Null((await talk.DeleteAsync(talk.Mod, old, reason: "Not here.")).Refusal);
        Assert.Null((await talk.ReactAsync(talk.Caio, hello, "👍")).Refusal);
        Assert.Null((await talk.ReactAsync(talk.Mod, hello, "🎉")).Refusal);
        Assert.Null((await talk.ActAsync(talk.Mod, new MessageAct.Pin(hello, On: true))).Refusal);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Caio.Account, minutes: 5);
        using var makers = Calls.As(broker, talk.Maker);
        await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { topic = "Quiet please" });
        await makers.Expect(HttpStatusCode.NoContent, HttpMethod.Put, "/api/rooms/yard/data?topic=house/lamp", "on");
        return talk;
    }

    private static string Lists(JsonElement answer) => string.Join('\n', answer.EnumerateObject().Where(field => field.Value.ValueKind == JsonValueKind.Array)
        .SelectMany(field => field.Value.EnumerateArray()).Select(one => one.GetRawText()
            .Replace("\"~", "\"", StringComparison.Ordinal)))
        .Replace(",\"imported\":true", "", StringComparison.Ordinal) is var text
            ? System.Text.RegularExpressions.Regex.Replace(text, "\"epoch\":\"[^\"]*\"", "") : "";
}
