using System.Net;
using System.Net.Sockets;
using System.Text;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Archives;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Archives;

/// <summary>Who takes a room away in a file, and what that holds.</summary>
public sealed class ExportTests
{
    [Fact]
    public async Task A_rooms_owner_takes_it_away_and_nobody_else_and_it_is_noted()
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await MayAllAsync(broker, "admina");
        var talk = await InYardAsync(broker);
        await talk.SayAsync(talk.Bea, "between us");
        await broker.Get<WebMessenger.Broker.Rooms.RoomMembers>().JoinAsync(broker.Room("yard"), admin.Account);
        var weak = talk.Maker with { Token = await broker.TokenAsync(talk.Maker.Account, verbs: Verbs.All) };
        foreach (var who in (Member[])[talk.Mod, talk.Bea, admin, weak])
        {
            await RoomFile.TakeAsync(broker, who, status: HttpStatusCode.Forbidden);
        }

        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private" });
        await RoomFile.TakeAsync(broker, await MayAllAsync(broker, "eve"), status: HttpStatusCode.NotFound);
        await RoomFile.TakeAsync(broker, talk.Maker with { Token = "none" }, status: HttpStatusCode.Unauthorized);
        Assert.Contains("between us", RoomFile.Read(await RoomFile.TakeAsync(broker, talk.Maker))[RoomFile.Events], StringComparison.Ordinal);
        using var makers = Calls.As(broker, talk.Maker);
        var done = (await makers.Get("/api/rooms/yard/audit")).GetProperty("entries")[0];
        Assert.Equal(("export", "maker"), (done.Type(), done.GetProperty("from").GetProperty("user").GetString()));
    }

    [Fact]
    public async Task Nothing_of_accounts_but_their_names_is_in_a_file()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await talk.SayAsync(talk.Bea, "hello");

        var file = RoomFile.Read(await RoomFile.TakeAsync(broker, talk.Maker));

        Assert.All(file.Parts, part =>
        {
            Assert.DoesNotContain("@example", file[part], StringComparison.Ordinal);
            Assert.DoesNotContain(talk.Bea.Account.Id, file[part], StringComparison.Ordinal);
            Assert.DoesNotContain("127.0.0.1", file[part], StringComparison.Ordinal);
        });
        Assert.Equal(4, file["members.jsonl"].Trim().Split('\n').Length);
    }

    [Fact]
    public async Task Who_reads_a_file_slowly_holds_one_place_and_gives_it_back()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ExportBytesPerSecond", "1");
        var talk = await InYardAsync(broker);
        using (await BeginAsync(broker, talk.Maker))
        {
            await RoomFile.TakeAsync(broker, talk.Maker, status: HttpStatusCode.TooManyRequests);
        }

        await FreeAsync(broker, talk.Maker);
    }

    [Fact]
    public async Task An_export_ends_with_the_login_session_that_asked_for_it()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ExportBytesPerSecond", "1");
        var talk = await InYardAsync(broker);
        using var reader = await BeginAsync(broker, talk.Maker);

        await broker.Get<LoginSessions>().EndAsync(broker.Get<AccessTokens>().FindBearer(talk.Maker.Token)!);

        await FreeAsync(broker, talk.Maker);
    }

    // At a byte a second it does not come to its end by itself.
    private static async Task<Socket> BeginAsync(RunningBroker broker, Member who)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(broker.Http.Authority), TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"GET /api/rooms/yard/export HTTP/1.1\r\nHost: {broker.Http.Authority}\r\nAuthorization: Bearer {who.Token}\r\n\r\n"), TestContext.Current.CancellationToken);
        Assert.True(await socket.ReceiveAsync(new byte[16], TestContext.Current.CancellationToken) > 0);
        return socket;
    }

    private static async Task FreeAsync(RunningBroker broker, Member who)
    {
        while (broker.Get<ExportPlaces>().TryTake(who.Account.Id) is var place && place is null)
        {
            await Task.Yield();
        }
    }

    [Fact]
    public void One_account_has_one_place_and_all_have_so_many()
    {
        ExportPlaces places = new(new BrokerLimits { ExportsAtOnce = 2 }, TimeProvider.System);
        using var first = places.TryTake("ana");
        Assert.NotNull(first);
        Assert.Null(places.TryTake("ana"));
        var second = places.TryTake("bea");
        Assert.NotNull(second);
        Assert.Null(places.TryTake("caio"));
        second.Dispose();
        second.Dispose();
        using var third = places.TryTake("caio");
        Assert.NotNull(third);
        Assert.Null(places.TryTake("dora"));
        ArchivePlaces unbounded = new(0);
        Assert.All(Enumerable.Range(0, 100), number => Assert.NotNull(unbounded.TryTake($"a{number}")));
    }
}
