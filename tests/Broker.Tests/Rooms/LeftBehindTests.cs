using System.Net;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>What is left of rooms and accounts that have ended, also when the program ended between the two stores.</summary>
public sealed class LeftBehindTests
{
    private const string Password = "correct horse battery staple";

    [Fact]
    public async Task Fault_R13_What_was_said_in_a_deleted_room_goes_with_the_next_start_if_it_could_not_before()
    {
        StoppedLog log = new();
        await using var broker = await RunningBroker.StartAsync(log.Configure);
        await broker.RegisterAsync("first");
        var maker = await broker.RegisterAsync("maker");
        await MakeAndTalkAsync(broker, maker, "club");
        var words = broker.Room("club").Log;
        using (var makers = Calls.As(broker, maker))
        {
            // From here on the log does nothing, as if the program had ended right after the other store's write.
            log.IsStopped = true;
            await makers.Delete("/api/rooms/club");
            Assert.Equal(2, broker.Get<IEventLog>().Head(words).Head);
        }

        log.IsStopped = false;
        await broker.RestartAsync();

        Assert.Equal(0, broker.Get<IEventLog>().Head(words).Head);
        Assert.Null(broker.Get<RoomDirectory>().Find("club"));
    }

    [Fact]
    public async Task Fault_R13_A_room_is_not_made_over_what_was_said_in_the_one_before()
    {
        StoppedLog log = new();
        await using var broker = await RunningBroker.StartAsync(log.Configure);
        await broker.RegisterAsync("first");
        var maker = await broker.RegisterAsync("maker");
        await MakeAndTalkAsync(broker, maker, "club");
        Assert.True(RoomId.TryParse("club", out var id));
        var making = broker.Get<RoomMaking>();
        log.IsStopped = true;
        Assert.Equal(RoomChange.Done, await broker.Get<RoomEndings>().DeleteAsync(broker.Room("club"), maker.Account));

        await Assert.ThrowsAsync<IOException>(() => making.CreateAsync(id, "Club", "", isPrivate: false, maker.Account));

        // Nothing of it is stored: a start now would show the old words in the new room.
        await broker.RestartAsync();
        Assert.Null(broker.Get<RoomDirectory>().Find("club"));
        log.IsStopped = false;
        Assert.Equal(RoomChange.Done, await broker.Get<RoomMaking>().CreateAsync(id, "Club", "", isPrivate: false, maker.Account));
        Assert.Equal(0, broker.Room("club").Head);
    }

    [Fact]
    public async Task Fault_R13_Who_finishes_a_room_late_leaves_the_tokens_of_the_next_room_of_its_id()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var maker = await broker.RegisterAsync("maker");
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("club");
        var former = await broker.TokenAsync(maker.Account, ["club", "lobby"]);
        await makers.Delete("/api/rooms/club");
        using var formers = Calls.As(broker, maker with { Token = former });
        await makers.MakeRoom("club");
        await formers.Get("/api/rooms/club", HttpStatusCode.NotFound);
        using var nexts = Calls.As(broker, maker with { Token = await broker.TokenAsync(maker.Account, ["club", "lobby"]) });
        await nexts.Get("/api/rooms/club");

        await broker.Get<RoomEndings>().FinishRoomAsync("club");

        await nexts.Get("/api/rooms/club");
    }

    [Fact]
    public async Task Fault_R13_An_erased_accounts_whispers_go_with_the_next_start_if_they_could_not_before()
    {
        StoppedLog log = new();
        await using var broker = await RunningBroker.StartAsync(log.Configure);
        var (ana, bea) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bea"));
        await using (var client = await broker.ConnectAsync(ana))
        {
            Assert.True((await client.PublishAsync("users/bea", "secret")).Accepted);
        }

        var inbox = LogName.OfAccount(bea.Account.Id);
        log.IsStopped = true;
        Assert.True((await broker.Get<AccountChanges>().EraseAsync(bea.Account, Password, null)).TryGet(out _, out _));
        Assert.Equal(1, broker.Get<IEventLog>().Head(inbox).Head);

        await broker.RestartAsync();
        Assert.Equal(1, broker.Get<IEventLog>().Head(inbox).Head);
        log.IsStopped = false;
        await broker.RestartAsync();

        Assert.Equal(0, broker.Get<IEventLog>().Head(inbox).Head);
    }

    [Fact]
    public async Task Fault_S20_The_rooms_of_an_erased_account_are_the_longest_members_and_count_for_him()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RoomsPerAccount", "1");
        await broker.RegisterAsync("first");
        var maker = await broker.RegisterAsync("maker");
        var (bea, caio) = (await broker.RegisterAsync("bea"), await broker.RegisterAsync("caio"));
        using var makers = Calls.As(broker, maker);
        using var beas = Calls.As(broker, bea);
        using var caios = Calls.As(broker, caio);
        await makers.MakeRoom("yard");
        await caios.Put("/api/rooms/yard/members/me");
        await beas.Put("/api/rooms/yard/members/me");
        Assert.False((await caios.Get("/api/rooms/yard")).GetProperty("mine").GetBoolean());

        await broker.Get<AccountChanges>().EraseAsync(maker.Account, Password, null);

        Assert.True((await caios.Get("/api/rooms/yard")).GetProperty("mine").GetBoolean());
        Assert.False((await beas.Get("/api/rooms/yard")).GetProperty("mine").GetBoolean());
        await caios.MakeRoom("another", status: HttpStatusCode.Conflict);
        await beas.MakeRoom("another");
        await broker.RestartAsync();
        using var again = Calls.As(broker, caio);
        Assert.True((await again.Get("/api/rooms/yard")).GetProperty("mine").GetBoolean());
    }

    [Theory]
    [InlineData("private")]
    [InlineData("public")]
    public async Task Fault_S20_A_room_with_nobody_but_guests_ends_with_its_maker(string visibility)
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await broker.RegisterAsync("admina");
        var maker = await broker.RegisterAsync("maker");
        await MakeAndTalkAsync(broker, maker, "club", visibility);
        var words = broker.Room("club").Log;
        Assert.True((await broker.Get<Registration>().EnterAsGuestAsync("Gil", null)).TryGet(out var guest, out _));
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("club"), guest);
        Assert.True(broker.Room("club").IsMember(guest.Id));

        await broker.Get<AccountChanges>().EraseAsync(maker.Account, Password, null);

        Assert.Null(broker.Get<RoomDirectory>().Find("club"));
        Assert.Equal(0, broker.Get<IEventLog>().Head(words).Head);
        using var admins = Calls.As(broker, admin);
        await admins.MakeRoom("club");
    }

    private static async Task MakeAndTalkAsync(RunningBroker broker, Member maker, string id, string visibility = "public")
    {
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom(id, visibility);
        await using var client = await broker.ConnectAsync(maker);
        Assert.True((await client.PublishAsync("rooms/" + id, "one")).Accepted);
        Assert.True((await client.PublishAsync("rooms/" + id, "two")).Accepted);
    }

    /// <summary>The real log, which can be told to forget nothing, as one whose program ends before it does.</summary>
    private sealed class StoppedLog
    {
        public volatile bool IsStopped;

        public void Configure(IServiceCollection services)
        {
            var real = (IEventLog)services.Last(service => service.ServiceType == typeof(IEventLog)).ImplementationInstance!;
            services.AddSingleton<IEventLog>(new Switched(this, real));
        }

        private sealed class Switched(StoppedLog owner, IEventLog real) : IEventLog
        {
            public void Append(PendingAppend append, bool moreFollows = false) => real.Append(append, moreFollows);

            public void Wake() => real.Wake();

            public OpenLog Open(LogName log) => real.Open(log);

            public LogHead Head(LogName log) => real.Head(log);

            public LogPage ReadAfter(LogName log, long after, int limit) => real.ReadAfter(log, after, limit);

            public LogPage ReadBefore(LogName log, long before, int limit) => real.ReadBefore(log, before, limit);

            public Task TruncateAsync(LogName log, long before) => real.TruncateAsync(log, before);

            public Task DropAsync(LogName log) =>
                owner.IsStopped ? Task.FromException(new IOException("The log has stopped.")) : real.DropAsync(log);

            public Task SettleAsync() => real.SettleAsync();

            public ValueTask DisposeAsync() => real.DisposeAsync();
        }
    }
}
