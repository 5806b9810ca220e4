using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who was here when the server stopped: from the note beside the log and the events after it, or from the events alone.</summary>
public sealed class PresenceMemoryTests
{
    // It stands still: nobody's grace ends.
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());

    [Fact]
    public async Task A_note_remembers_who_came_longer_ago_than_the_log_is_read_back()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        await JoinAsync(broker, "ana");
        var log = broker.Get<IEventLog>();
        var ana = broker.Get<AccountDirectory>().FindByUserName("ana")!;
        var said = await Task.WhenAll(Enumerable.Range(0, 10_100).Select(i => log.AppendAsync(
            broker.Room("lobby").Log, ana.Id, null, default, EventBody.Message(
                EventType.Message, Author.Of(ana, "person"), $"m{i}", "hello", null))));
        Assert.All(said, one => Assert.Equal(AppendOutcome.Stored, one.Outcome));

        await broker.RestartAsync();

        Assert.Equal(["ana"], Here(broker));
    }

    [Fact]
    public async Task Events_after_the_note_count_more_than_the_note()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        foreach (var name in new[] { "ana", "bia", "caio" })
        {
            await JoinAsync(broker, name);
        }

        var bia = broker.Get<AccountDirectory>().FindByUserName("bia")!;
        var dora = (await broker.RegisterAsync("dora")).Account;
        var lobby = broker.Room("lobby");
        await broker.Program.DisposeAsync();
        await using (var log = RocksEventLog.Open(
            DataFolder.RoomsFolderIn(broker.Program.DataFolder), null, TimeProvider.System, NullLogger<RocksEventLog>.Instance))
        {
            Assert.NotNull(log.Find(NoteOf(lobby.Key)));
            await SayAsync(log, lobby.Log, EventType.Leave, bia);
            await SayAsync(log, lobby.Log, EventType.Join, dora);
        }

        await broker.RestartAsync();

        Assert.Equal(["ana", "caio", "dora"], Here(broker));
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("of another epoch")]
    [InlineData("ahead of the log")]
    public async Task Without_a_note_that_fits_the_newest_events_are_read(string note)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        await JoinAsync(broker, "ana");
        var bia = (await broker.RegisterAsync("bia")).Account;
        var lobby = broker.Room("lobby");
        await broker.Program.DisposeAsync();
        await using (var log = RocksEventLog.Open(
            DataFolder.RoomsFolderIn(broker.Program.DataFolder), null, TimeProvider.System, NullLogger<RocksEventLog>.Instance))
        {
            // It says that bia is here, so that it shows when it is believed.
            var head = log.Head(lobby.Log);
            var (epoch, seq) = note == "of another epoch" ? ("other0", head.Head) : (head.Epoch, head.Head + 1);
            var lie = $$"""
                {"epoch":"{{epoch}}","seq":{{seq}},"here":[{"account":"{{bia.Id}}","kind":"person","since":"2026-11-23T10:00:00Z"}]}
                """;
            await log.WriteAsync([new(NoteOf(lobby.Key), note == "gone" ? null : Encoding.UTF8.GetBytes(lie))]);
        }

        await broker.RestartAsync();

        Assert.Equal(["ana"], Here(broker));
    }

    [Fact]
    public async Task The_log_is_asked_for_rooms_in_use_alone_until_the_end()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var ana = await broker.RegisterAsync("ana");
        await broker.RestartAsync();
        using var anas = Calls.As(broker, ana);
        await anas.MakeRoom("yard");
        var (yard, lobby) = (broker.Room("yard").Log, broker.Room("lobby").Log);
        AskedLog log = new(broker.Get<IEventLog>());
        using var memory = ActivatorUtilities.CreateInstance<PresenceMemory>(broker.Program.Services, log);

        await memory.NoteAsync(64);
        Assert.Equal([yard], log.Asked);

        await memory.NoteAsync(1);
        Assert.Contains(lobby, log.Asked);
    }

    [Fact]
    public async Task The_note_of_a_deleted_room_goes()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        await JoinAsync(broker, "ana");
        await broker.Get<IRecords>().WriteAsync([new(NoteOf("gone"), [.. """{"epoch":"abcdef","seq":1,"here":[]}"""u8])]);
        await broker.RestartAsync();
        await broker.RestartAsync();

        Assert.Equal(
            ["presence/" + broker.Room("lobby").Key],
            broker.Get<IRecords>().ReadAll("presence/"u8).Select(record => Encoding.UTF8.GetString(record.Key)));
    }

    [Fact]
    public async Task A_room_whose_events_cannot_be_read_does_not_keep_the_server_from_starting()
    {
        await using var broker =
            await RunningBroker.StartAsync(_time, "--WebMessenger:Rooms:Default:0", "lobby", "--WebMessenger:Rooms:Default:1", "garden");
        await JoinAsync(broker, "ana");
        var ana = broker.Get<AccountDirectory>().FindByUserName("ana")!;
        var garden = broker.Room("garden");
        var rooms = DataFolder.RoomsFolderIn(broker.Program.DataFolder);
        await broker.Program.DisposeAsync();
        await using (var log = RocksEventLog.Open(rooms, null, TimeProvider.System, NullLogger<RocksEventLog>.Instance))
        {
            for (var i = 0; i < 40; i++)
            {
                var noise = new byte[4_096];
                Random.Shared.NextBytes(noise);
                await log.AppendAsync(garden.Log, ana.Id, null, default, noise);
            }

            await log.WriteAsync([new(NoteOf(garden.Key), null)]);
        }

        // Opening moves what is in the write-ahead log into a table; the noise is most of it.
        await RocksEventLog.Open(rooms, null, TimeProvider.System, NullLogger<RocksEventLog>.Instance).DisposeAsync();
        var table = Directory.GetFiles(rooms, "*.sst").MaxBy(path => new FileInfo(path).Length)!;
        var bytes = await File.ReadAllBytesAsync(table, TestContext.Current.CancellationToken);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(table, bytes, TestContext.Current.CancellationToken);

        await broker.RestartAsync();

        Assert.Equal(["ana"], Here(broker));
        Assert.Throws<LogDamagedException>(() => broker.Get<IEventLog>().ReadAfter(garden.Log, 0, 40));
    }

    private static async Task JoinAsync(RunningBroker broker, string name)
    {
        var member = await broker.RegisterAsync(name);
        var client = await broker.ConnectAsync(member);
        await client.SubscribeAsync("rooms/lobby");
        await client.PublishesUntilAsync(publish => publish.Json.TryGetProperty("type", out var type)
            && type.GetString() == "join"
            && publish.Json.GetProperty("from").GetProperty("user").GetString() == name);
        await client.DisposeAsync();
    }

    private static Task<AppendResult> SayAsync(RocksEventLog log, LogName room, EventType type, Account account) =>
        log.AppendAsync(room, account.Id, null, default, EventBody.Presence(type, Author.Of(account, "person"), EventBody.NewId(), []));

    private static byte[] NoteOf(string room) => Encoding.UTF8.GetBytes("presence/" + room);

    /// <summary>All in the lobby, those in grace included.</summary>
    private static List<string> Here(RunningBroker broker) =>
        [.. broker.Room("lobby").SnapshotPresence().Select(present => present.ShownAs.User).Order()];

    /// <summary>Notes which logs it is asked for.</summary>
    private sealed class AskedLog(IEventLog real) : IEventLog
    {
        public List<LogName> Asked { get; } = [];

        public void Append(PendingAppend append, bool moreFollows = false) => real.Append(append, moreFollows);

        public void Wake() => real.Wake();

        public LogHead Head(LogName log)
        {
            Asked.Add(log);
            return real.Head(log);
        }

        public OpenLog Open(LogName log) => real.Open(log);

        public LogPage ReadAfter(LogName log, long after, int limit) => real.ReadAfter(log, after, limit);

        public LogPage ReadBefore(LogName log, long before, int limit) => real.ReadBefore(log, before, limit);

        public Task TruncateAsync(LogName log, long before) => real.TruncateAsync(log, before);

        public Task DropAsync(LogName log) => real.DropAsync(log);

        public Task SettleAsync() => real.SettleAsync();

        public ValueTask DisposeAsync() => default;
    }
}
