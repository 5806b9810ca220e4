using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Limits;

/// <summary>A disk that is nearly full takes only what takes rights away.</summary>
public sealed class DiskSpaceTests
{
    private const long Mega = 1 << 20;
    private const long Giga = 1 << 30;

    [Theory]
    [InlineData(1024, 5, 8 * Giga, 8 * Giga / 100 * 5)]
    [InlineData(1024, 5, 8000 * Giga, Giga)]
    [InlineData(1024, 0, 8 * Giga, Giga)]
    [InlineData(0, 5, 8 * Giga, 0)]
    public void The_reserve_is_the_less_of_share_and_bytes(int megabytes, int percent, long total, long reserve) =>
        Assert.Equal(reserve, DiskSpace.Reserve(total, new BrokerLimits { FreeDiskMegabytes = megabytes, FreeDiskPercent = percent }));

    [Fact]
    public void Fault_S31_A_disk_is_low_below_the_reserve_and_until_a_tenth_more_than_that_is_free()
    {
        var free = 100 * Mega;
        DiskSpace space = new(() => free >= 0 ? new DiskRoom(free, 100 * Giga) : throw new IOException(), new BrokerLimits { FreeDiskMegabytes = 100 });
        foreach (var (megabytes, isLow) in new (long, bool)[] { (100, false), (99, true), (105, true), (110, false), (105, false), (-1, false) })
        {
            free = megabytes * Mega;
            space.Look();
            Assert.Equal(isLow, space.IsLow);
        }
    }

    [Fact]
    public void The_disk_of_a_folder_has_a_size()
    {
        DiskSpace space = DiskSpace.Of(Path.GetTempPath(), new BrokerLimits { FreeDiskMegabytes = int.MaxValue, FreeDiskPercent = 0 });
        space.Look();
        Assert.True(space.IsLow);
    }

    [Fact]
    public async Task Fault_S31_On_a_disk_that_is_nearly_full_rights_end_and_nothing_else_is_stored_until_there_is_room()
    {
        var free = 50 * Giga;
        DiskSpace space = new(() => new DiskRoom(Interlocked.Read(ref free), 100 * Giga), new BrokerLimits());
        await using var broker = await RunningBroker.StartWithAsync(services => services.AddSingleton(space));
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        var browser = await broker.SignInAsync(ana.Account);
        await using var client = await broker.ConnectAsync(ana);
        await using var old = await broker.ConnectAsync(bob, MqttVersion.V311);
        await client.SubscribeAsync("rooms/lobby");
        using HttpClient http = new() { BaseAddress = broker.Http };
        http.DefaultRequestHeaders.Add("Cookie", "webmessenger=" + browser.Secret);
        http.DefaultRequestHeaders.Add("Origin", broker.Http.GetLeftPart(UriPartial.Authority));
        Assert.Equal(HttpStatusCode.Created, (await http.PostAsJsonAsync("/api/rooms", new { id = "den", title = "Den" }, TestContext.Current.CancellationToken)).StatusCode);
        foreach (var asked in new[] { "/health/ready", "/health/ready?unready=404" })
        {
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(asked, TestContext.Current.CancellationToken)).StatusCode);
        }

        Interlocked.Exchange(ref free, Giga - 1);
        space.Look();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/health/ready", TestContext.Current.CancellationToken)).StatusCode);

        // For a balancer that is to send nobody new, and to leave who is here.
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/health/ready?unready=404", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await http.GetAsync("/health/ready?unready=500", TestContext.Current.CancellationToken)).StatusCode);
        foreach (var (path, body) in new (string, object)[]
        {
            ("/api/rooms", new { id = "attic", title = "Attic" }),
            ("/api/session/guest", new { displayName = "Eve" }),
            ("/api/session", new { login = "ana", password = "correct horse battery staple" }),
            ("/api/accounts", new { }),
            ("/api/tokens", new { name = "bot" }),
        })
        {
            using var answer = await http.PostAsJsonAsync(path, body, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Contains("\"not_stored\"", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
            Assert.NotNull(answer.Headers.RetryAfter);
        }

        var refused = await client.PublishAsync("rooms/lobby", "hello");
        Assert.Equal((0x97, "busy", "60"), (refused.ReasonCode, refused.Properties.User("code"), refused.Properties.User("retry")));
        Assert.Equal(0x97, (await client.PublishAsync("users/bob", "hello")).ReasonCode);
        await using (var stranger = await broker.ConnectAsync(bob))
        {
            Assert.Equal([0x97], (await stranger.SubscribeAsync("rooms/lobby")).ReasonCodes);
            Assert.Equal(0x97, (await stranger.PublishAsync("rooms/lobby", "hello")).ReasonCode);
        }

        await old.SendPublishAsync("users/ana", "hello"u8.ToArray(), 1, packetId: 1);
        await old.WaitForCloseAsync();

        // A new password by itself takes the right of every thief.
        var own = await broker.SignInAsync(bob.Account);
        using HttpClient bobs = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        bobs.DefaultRequestHeaders.Add("Cookie", "webmessenger=" + own.Secret);
        bobs.DefaultRequestHeaders.Add("Origin", broker.Http.GetLeftPart(UriPartial.Authority));
        foreach (var (body, status) in new (object, HttpStatusCode)[]
        {
            (new { displayName = "Bobby", currentPassword = "correct horse battery staple" }, HttpStatusCode.ServiceUnavailable),
            (new { displayName = "Bobby", password = "another quiet place 43", currentPassword = "correct horse battery staple" }, HttpStatusCode.ServiceUnavailable),
            (new { password = "another quiet place 43", currentPassword = "correct horse battery staple" }, HttpStatusCode.OK),
        })
        {
            Assert.False(own.Session.IsRevoked);
            using var answer = await bobs.PatchAsJsonAsync("/api/accounts/me", body, TestContext.Current.CancellationToken);
            Assert.Equal(status, answer.StatusCode);
        }

        Assert.True(own.Session.IsRevoked);

        foreach (var path in new[] { "/api/rooms/lobby/members/me", "/api/rooms/den", "/api/session" })
        {
            Assert.Equal(HttpStatusCode.NoContent, (await http.DeleteAsync(path, TestContext.Current.CancellationToken)).StatusCode);
        }

        Assert.True(browser.Session.IsRevoked);
        Interlocked.Exchange(ref free, 2 * Giga);
        space.Look();
        Assert.Equal([1], (await client.SubscribeAsync("rooms/lobby")).ReasonCodes);
        Assert.True((await client.PublishAsync("rooms/lobby", "hello")).Accepted);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health/ready", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task Fault_S31_Acts_that_only_take_rights_away_go_on_without_room_on_the_disk_or_in_the_quota()
    {
        var free = 50 * Giga;
        DiskSpace space = new(() => new DiskRoom(Interlocked.Read(ref free), 100 * Giga), new BrokerLimits());
        await using var broker = await RunningBroker.StartWithAsync(services => services.AddSingleton(space));
        await broker.RegisterAsync("first");
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        using var calls = Calls.As(broker, ana with { Token = await broker.TokenAsync(ana.Account, verbs: Verbs.Everything) });
        await calls.MakeRoom("den");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("den"), bob.Account);
        const string events = "/api/rooms/den/events";
        await calls.Expect(HttpStatusCode.Created, HttpMethod.Post, events, new { type = "role", user = "bob", role = "moderator" });

        Interlocked.Exchange(ref free, Giga - 1);
        space.Look();
        await TakeAwayAsync(HttpStatusCode.ServiceUnavailable);

        Interlocked.Exchange(ref free, 2 * Giga);
        space.Look();
        await calls.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/den", new { visibility = "public" });
        await calls.Expect(HttpStatusCode.Created, HttpMethod.Post, events, new { type = "policy", posting = "everyone", guests = "write" });
        await calls.Expect(HttpStatusCode.Created, HttpMethod.Post, events, new { type = "role", user = "bob", role = "moderator" });
        var quota = broker.Get<StorageQuotas>().Of(ana.Account);
        while (quota.TryTake(100, out _))
        {
        }

        await TakeAwayAsync(HttpStatusCode.TooManyRequests);

        async Task TakeAwayAsync(HttpStatusCode refused)
        {
            await calls.Expect(refused, HttpMethod.Patch, "/api/rooms/den", new { title = "Attic" });
            await calls.Expect(refused, HttpMethod.Patch, "/api/rooms/den", new { title = "Attic", visibility = "private" });
            await calls.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/den", new { visibility = "private" });
            await calls.Expect(refused, HttpMethod.Patch, "/api/rooms/den", new { visibility = "public" });
            await calls.Expect(HttpStatusCode.Created, HttpMethod.Post, events, new { type = "policy", posting = "moderators", guests = "read" });
            await calls.Expect(refused, HttpMethod.Post, events, new { type = "policy", guests = "write" });
            await calls.Expect(HttpStatusCode.Created, HttpMethod.Post, events, new { type = "role", user = "bob", role = "member" });
            await calls.Expect(refused, HttpMethod.Post, events, new { type = "role", user = "bob", role = "moderator" });
        }
    }
}
