using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Archives;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Archives;

/// <summary>A room is made of a file that anybody may have made: all of it or nothing, and nobody is anybody by it.</summary>
public sealed class ImportTests
{
    [Fact]
    public async Task Nobody_says_anything_by_being_in_a_file_nor_is_told_of_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var (ana, zoe) = (await MayAllAsync(broker, "ana"), await MayAllAsync(broker, "zoe"));
        var file = RoomFile.Of();
        file[RoomFile.Events] += """{"v":1,"type":"join","room":"yard","seq":3,"epoch":"e1","id":"j","at":"2026-02-02T10:00:00.000Z","from":{"user":"ana","name":"Ana","kind":"person"}}""" + "\n"
            + RoomFile.Message(4, "come, @ana @zoe @everyone", ""","replyTo":1,"mentions":["ana","zoe"],"everyone":true""", "zoe") + "\n";
        await RoomFile.SendAsync(broker, zoe, file.Zipped());
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), ana.Account);

        for (var start = 0; start < 2; start++)
        {
            // Somebody is told of what is said from here on, and of nothing before.
            await using (var client = await broker.ConnectAsync(zoe))
            {
                Assert.True((await client.PublishAsync("rooms/yard", "@ana now")).Accepted);
            }

            var calls = await NoticesAsync(broker, ana, start + 1);
            Assert.Equal(start + 1, calls.Count);
            var history = await RoomFile.HistoryAsync(broker, ana);
            Assert.Equal("~ana", history[0].GetProperty("from").GetProperty("user").GetString());
            Assert.Equal(["~ana", "~zoe"], history[3].GetProperty("mentions").EnumerateArray().Select(one => one.GetString()));
            Assert.False(history[3].TryGetProperty("everyone", out _));
            Assert.Empty(broker.Room("yard").SnapshotPresence());
            await broker.RestartAsync();
        }

        // What ~ana said is not hers to change; who looks after the room takes it away.
        var talk = new MessageTalk(broker, zoe, zoe, ana, ana);
        Assert.NotNull((await talk.EditAsync(ana, 1, "mine")).Refusal);
        Assert.NotNull((await talk.DeleteAsync(ana, 1)).Refusal);
        Assert.Null((await talk.DeleteAsync(zoe, 1)).Refusal);
    }

    [Fact]
    public async Task What_is_imported_is_found()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        var file = RoomFile.Of();
        file[RoomFile.Events] += RoomFile.Message(3, "a wheelbarrow") + "\n";
        await RoomFile.SendAsync(broker, zoe, file.Zipped());

        using var calls = Calls.As(broker, zoe);
        while (!(await calls.Get("/api/search?q=wheelbarrow")).GetRawText().Contains("a wheelbarrow", StringComparison.Ordinal))
        {
            await Task.Yield();
        }
    }

    [Theory]
    [InlineData("{", "events.jsonl, line 3")]
    [InlineData("""{"type":"message","seq":2}""", "does not follow")]
    [InlineData("""{"type":"message","seq":3,"at":"2026-02-01T10:00:00Z","from":{"user":"ana","name":"Ana"}}""", "needs a text")]
    [InlineData("""{"type":"message","seq":3,"at":"yesterday","from":{"user":"ana","name":"Ana"},"text":"x"}""", "is no time")]
    [InlineData("""{"type":"message","seq":3,"at":"2026-02-01T10:00:00Z","from":{"user":"a na","name":"Ana"},"text":"x"}""", "is nobody")]
    [InlineData("""{"type":"message","seq":3,"at":"2026-02-01T10:00:00Z","from":{"user":"ana","name":"Ana"},"text":"\ud800"}""", "line 3")]
    [InlineData("""{"type":"reaction","seq":3,"of":1,"at":"2026-02-01T10:00:00Z","from":{"user":"ana","name":"Ana"},"emoji":"<b>","on":true}""", "needs an emoji")]
    [InlineData("""{"type":"role","seq":3,"at":"2026-02-01T10:00:00Z","from":{"user":"ana","name":"Ana"},"role":"owner"}""", "needs a target")]
    public async Task A_line_that_is_none_is_told_and_leaves_nothing(string line, string why)
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        var file = RoomFile.Of();
        file["reactions.jsonl"] = """{"of":1,"emoji":"👍","at":"2026-02-01T10:00:00Z","from":{"user":"ana","name":"Ana","kind":"person"}}""";
        await RoomFile.SendAsync(broker, zoe, file.Zipped());
        var (records, used) = (Stored(broker), broker.Get<StorageQuotas>().Of(zoe.Account).Used);

        file[RoomFile.Events] += line + "\n";
        var answer = await RoomFile.SendAsync(broker, zoe, file.Zipped(), HttpStatusCode.BadRequest);

        Assert.Contains(why, answer.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(records, Stored(broker));
        Assert.InRange(broker.Get<StorageQuotas>().Of(zoe.Account).Used, 0, used);
        Assert.Empty(Directory.EnumerateFiles(broker.Get<UnfinishedImports>().Folder));
    }

    [Theory]
    [InlineData("reactions.jsonl", """{"of":1,"emoji":"x","at":"2026-02-01T10:00:00Z","from":{"user":"ana","name":"Ana","kind":"person"}}""", "no emoji")]
    [InlineData("pins.jsonl", """{"of":1,"at":"2026-02-01T10:00:00Z"}""", "pins.jsonl, line 1")]
    [InlineData("data.jsonl", """{"topic":"a/#","payload":"eA==","qos":1,"at":"2026-02-01T10:00:00Z"}""", "no value")]
    [InlineData("data.jsonl", """{"topic":"$SYS/uptime","payload":"eA==","qos":1,"at":"2026-02-01T10:00:00Z"}""", "no value")]
    [InlineData("members.jsonl", "[]", "members.jsonl, line 1")]
    [InlineData("room.json", """{"format":2}""", "room.json")]
    public async Task Other_parts_are_looked_at_as_well(string part, string text, string why)
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        var before = Stored(broker);
        var file = RoomFile.Of();
        file[part] = text;

        var answer = await RoomFile.SendAsync(broker, zoe, file.Zipped(), HttpStatusCode.BadRequest);

        Assert.Contains(why, answer.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(before, Stored(broker));
        file[part] = part == "room.json" ? RoomFile.Of()["room.json"] : "";
        await RoomFile.SendAsync(broker, zoe, file.Zipped());
    }

    [Fact]
    public async Task A_file_has_bounds_of_bytes_of_what_is_in_it_and_of_events()
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:ImportMegabytes", "1", "--WebMessenger:Limits:ImportUnpackedMegabytes", "2", "--WebMessenger:Limits:ImportEvents", "3",
            "--WebMessenger:Limits:PinsPerRoom", "1");
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        var before = Stored(broker);
        await RoomFile.SendAsync(broker, zoe, new byte[(1 << 20) + 1], HttpStatusCode.RequestEntityTooLarge);
        await RefusedAsync(RoomFile.Of(4), "more than 3 lines");

        // A bomb: it is small as it comes.
        var bomb = RoomFile.Of();
        bomb[RoomFile.Events] = string.Concat(Enumerable.Repeat("\n", 3 << 20));
        Assert.InRange(bomb.Zipped().Length, 0, 100_000);
        await RefusedAsync(bomb, "more than 2 MiB");

        var longLine = RoomFile.Of();
        longLine[RoomFile.Events] = new string(' ', 200 * 1024);
        await RefusedAsync(longLine, "longer than 128 KiB");

        var names = RoomFile.Of();
        foreach (var number in Enumerable.Range(0, 1_000))
        {
            names[$"files/{number:D60}"] = "";
        }

        await RefusedAsync(names, "too much in the file");
        var pins = RoomFile.Of();
        pins["pins.jsonl"] = string.Concat(Enumerable.Range(1, 2).Select(of => $$$"""{"of":{{{of}}},"at":"2026-02-01T10:00:00Z","by":{"user":"ana","name":"Ana","kind":"person"}}""" + "\n"));
        await RefusedAsync(pins, "at most 1 pinned");
        Assert.Equal(before, Stored(broker));
        await RoomFile.SendAsync(broker, zoe, RoomFile.Of(3).Zipped());

        async Task RefusedAsync(RoomFile file, string why) => Assert.Contains(
            why, (await RoomFile.SendAsync(broker, zoe, file.Zipped(), HttpStatusCode.BadRequest)).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Values_of_a_file_have_the_bounds_of_a_rooms_values()
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:RetainedPerRoom", "2", "--WebMessenger:Limits:RetainedMegabytesPerRoom", "1", "--WebMessenger:Limits:DataPayloadBytes", "700000");
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        foreach (var (why, sizes) in (IEnumerable<(string, int[])>)[("line 3: a room retains", [1, 1, 1]), ("line 2: a room retains", [700_000, 700_000]), ("line 1: it is no value", [700_001])])
        {
            var answer = await RoomFile.SendAsync(broker, zoe, Of(sizes), HttpStatusCode.BadRequest);
            Assert.Contains(why, answer.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }

        Assert.Equal(2, (await RoomFile.SendAsync(broker, zoe, Of([700_000, 1]))).GetProperty("values").GetInt32());

        static byte[] Of(int[] sizes)
        {
            var file = RoomFile.Of();
            file["data.jsonl"] = string.Concat(sizes.Select((size, number) =>
                $$$"""{"topic":"t{{{number}}}","payload":"{{{Convert.ToBase64String(new byte[size])}}}","qos":1,"at":"2026-02-01T10:00:00Z"}""" + "\n"));
            return file.Zipped();
        }
    }

    [Fact]
    public async Task On_a_disk_that_is_nearly_full_nothing_is_imported()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        DiskSpace full = new(() => new DiskRoom(0, 1 << 30), new BrokerLimits()), empty = new(() => new DiskRoom(1 << 30, 1 << 30), new BrokerLimits { FreeDiskMegabytes = 0 });
        full.Look();
        empty.Look();
        var name = LogName.OfRoom(RoomStore.NewKey());
        ImportedEvent said = new(EventType.Message, 1, DateTimeOffset.UnixEpoch, new Author("imported:~ana", "~ana", "Ana", "person"), [1], null, 0);
        foreach (var (space, isStored) in (IEnumerable<(DiskSpace, bool)>)[(empty, true), (full, false)])
        {
            StoragePayer payer = new(broker.Get<StorageQuotas>().Of(zoe.Account), space);
            Storing storing = new(broker.Get<IEventLog>(), broker.Get<IRecords>(), payer, payer, name);
            await storing.AppendAsync(said, edits: 0);
            var failure = await Record.ExceptionAsync(storing.FlushAsync);
            Assert.Equal(isStored, failure is null);
        }

        Assert.Equal(1, broker.Get<IEventLog>().Head(name).Head);
    }

    [Fact]
    public async Task An_import_ends_with_the_login_session_that_sends_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        var browser = await broker.SignInAsync(zoe.Account);
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(broker.Http.Authority), TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"POST /api/rooms/import HTTP/1.1\r\nHost: {broker.Http.Authority}\r\nCookie: webmessenger={browser.Secret}\r\nContent-Length: 1000000\r\n\r\nPK"), TestContext.Current.CancellationToken);
        while (!Directory.Exists(broker.Get<UnfinishedImports>().Folder) || !Directory.EnumerateFiles(broker.Get<UnfinishedImports>().Folder).Any())
        {
            await Task.Yield();
        }

        await broker.Get<LoginSessions>().EndAsync(browser.Session);

        // Cut off, without an answer.
        Assert.Equal(0, await ReceiveAsync(socket));

        static async Task<int> ReceiveAsync(Socket socket)
        {
            try
            {
                return await socket.ReceiveAsync(new byte[16], TestContext.Current.CancellationToken);
            }
            catch (SocketException)
            {
                return 0;
            }
        }
    }

    [Fact]
    public async Task A_message_has_so_many_different_reactions_from_a_file_as_well()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        var file = RoomFile.Of();
        file["reactions.jsonl"] = string.Concat(Enumerable.Range(0, 51).Select(number =>
            $$$"""{"of":1,"emoji":"{{{char.ConvertFromUtf32(0x1F400 + number - (number > 62 ? 1 : 0))}}}","at":"2026-02-01T10:00:00Z","from":{"user":"ana","name":"Ana","kind":"person"}}""" + "\n"));

        var answer = await RoomFile.SendAsync(broker, zoe, file.Zipped(), HttpStatusCode.BadRequest);

        Assert.Contains("line 51", answer.GetProperty("detail").GetString(), StringComparison.Ordinal);
        file["reactions.jsonl"] = string.Join('\n', file["reactions.jsonl"].Split('\n').Take(50));
        await RoomFile.SendAsync(broker, zoe, file.Zipped());
    }

    [Fact]
    public async Task Who_imports_pays_for_it_out_of_his_day()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:StoredBytesPerDayPerAccount", "4000");
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        var before = Stored(broker);
        await RoomFile.SendAsync(broker, zoe, RoomFile.Of(50).Zipped(), HttpStatusCode.TooManyRequests);
        Assert.Equal(before, Stored(broker));
        Assert.Equal(0, broker.Get<StorageQuotas>().Of(zoe.Account).Used);

        await RoomFile.SendAsync(broker, zoe, RoomFile.Of().Zipped());
        Assert.InRange(broker.Get<StorageQuotas>().Of(zoe.Account).Used, 1, 4000);
    }

    [Fact]
    public async Task A_taken_id_gives_the_next_that_is_free_and_an_account_has_so_many_rooms()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RoomsPerAccount", "3");
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        foreach (var (query, id) in (IEnumerable<(string, string)>)[("", "yard"), ("", "yard-2"), ("?id=garden", "garden")])
        {
            Assert.Equal(id, (await RoomFile.SendAsync(broker, zoe, RoomFile.Of().Zipped(), query: query)).GetProperty("id").GetString());
        }

        await RoomFile.SendAsync(broker, zoe, RoomFile.Of().Zipped(), HttpStatusCode.Conflict);
        await RoomFile.SendAsync(broker, zoe, RoomFile.Of().Zipped(), HttpStatusCode.BadRequest, "?id=No%20Room");
    }

    [Fact]
    public async Task Pages_of_accounts_import_and_neither_guests_nor_tokens_do()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        await RoomFile.SendAsync(broker, zoe, RoomFile.Of().Zipped());
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Gast", null)).Value!;
        await RoomFile.SendAsync(broker, new Member(guest, ""), RoomFile.Of().Zipped(), HttpStatusCode.Forbidden);
        using HttpClient http = new() { BaseAddress = broker.Http };
        http.DefaultRequestHeaders.Authorization = new("Bearer", zoe.Token);
        using ByteArrayContent content = new(RoomFile.Of().Zipped());
        using var byToken = await http.PostAsync("/api/rooms/import", content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, byToken.StatusCode);
    }

    [Fact]
    public async Task What_the_servers_end_has_cut_off_is_gone_at_the_next_start()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        await RoomFile.SendAsync(broker, zoe, RoomFile.Of().Zipped());
        var before = Stored(broker);
        var key = RoomStore.NewKey();
        var name = LogName.OfRoom(key);
        await broker.Get<UnfinishedImports>().BeginAsync(key);
        Assert.Equal(AppendOutcome.Stored, (await broker.Get<IEventLog>().AppendAsync(name, "imported:~ana", null, default, "x"u8.ToArray())).Outcome);
        await broker.Get<IRecords>().WriteAsync(
        [
            new(ReactionKey.Of(name, 1, "👍", "imported:~ana"), new byte[8]), new(Pins.Key(name), new byte[18]), new([.. Encoding.ASCII.GetBytes($"v/{key}/lamp")], new byte[22]),
            new([.. Encoding.ASCII.GetBytes($"au/{key}/x")], new byte[1]),
        ]);
        Directory.CreateDirectory(broker.Get<UnfinishedImports>().Folder);
        await File.WriteAllTextAsync(Path.Combine(broker.Get<UnfinishedImports>().Folder, "half"), "x", TestContext.Current.CancellationToken);
        Assert.NotEqual(before, Stored(broker));

        await broker.RestartAsync();

        Assert.Equal(before, Stored(broker));
        Assert.Equal(0, broker.Get<IEventLog>().Head(name).Head);
        Assert.False(Directory.Exists(broker.Get<UnfinishedImports>().Folder));
        Assert.NotEmpty(await RoomFile.HistoryAsync(broker, zoe));
    }

    // Keys of all that is kept of rooms, and how many logs of rooms there are.
    private static List<string> Stored(RunningBroker broker) =>
    [
        .. new[] { "x/", "p/", "v/", "au/", "m/", "w/", "import/" }.SelectMany(prefix => broker.Get<IRecords>().ReadAll(Encoding.ASCII.GetBytes(prefix)))
            .Select(one => Convert.ToHexString(one.Key)),
        .. broker.Get<IJournal>().ReadLogs(null, 1_000).Where(log => log.RoomKey is not null).Select(log => log.Value),
    ];

    private static async Task<List<JsonElement>> NoticesAsync(RunningBroker broker, Member who, int count)
    {
        using var calls = Calls.As(broker, who);
        while (true)
        {
            List<JsonElement> notices = [.. (await calls.Get("/api/notices")).GetProperty("events").EnumerateArray()];
            if (notices.Count >= count)
            {
                return notices;
            }

            await Task.Yield();
        }
    }
}
