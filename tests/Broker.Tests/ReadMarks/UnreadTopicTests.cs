using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Topics;
using static WebMessenger.Broker.Tests.ReadMarks.UnreadTalk;

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>
/// `users/{user}/unread`: what is unread in all rooms of an account, live. The seconds are the tests' own, but where they say otherwise.
/// </summary>
public sealed class UnreadTopicTests
{
    [Fact]
    public async Task Fault_P6_What_is_unread_is_told_live_and_nobody_is_present_by_it()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var page = await BrowserAsync(broker, ana);
        await using var other = await broker.ConnectAsync(bob);

        Assert.Equal([1], (await page.SubscribeAsync("users/ana/unread")).ReasonCodes);
        var first = await page.NextPublishAsync();
        var epoch = Named(first).Single().GetProperty("epoch").GetString();
        Assert.Equal(("users/ana/unread", true, (byte)1), (first.Topic, first.Retain, first.Qos));
        Assert.Equal($$"""{"v":1,"type":"unread","all":true,"rooms":[{"room":"den","head":0,"epoch":"{{epoch}}","seq":0,"unread":0,"bots":0,"mentions":0}]}""", first.Text);

        await SayAsync(other, "rooms/den", 2);
        broker.Get<UnreadWatch>().Sweep();

        var change = await page.NextPublishAsync();
        Assert.False(change.Retain);
        Assert.Equal($$"""{"v":1,"type":"unread","rooms":[{"room":"den","head":2,"epoch":"{{epoch}}","seq":0,"unread":2,"bots":0,"mentions":0}]}""", change.Text);
        Assert.Equal((0, 0), (broker.Room("den").People, broker.Room("lobby").People));
        Assert.Equal(2, broker.Room("den").Head);
        Assert.False(broker.Room("lobby").IsMember(ana.Account.Id));
    }

    [Fact]
    public async Task Fault_P6_The_server_says_it_by_itself_and_gathers_a_burst()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var page = await BrowserAsync(broker, ana);
        await using var plain = await broker.ConnectAsync(ana, MqttVersion.V311);
        await using var other = await broker.ConnectAsync(bob);
        await page.SubscribeAsync("users/ana/unread");
        await plain.SubscribeAsync("users/ana/unread", qos: 0);

        await SayAsync(other, "rooms/den", 500);

        foreach (var client in (RawMqttClient[])[page, plain])
        {
            // The statement, then as many as seconds have passed meanwhile: far from one a message.
            var told = await client.PublishesUntilAsync(publish => Numbers(publish, "den") == (500, 0, 500, 0));
            Assert.InRange(told.Count, 2, 250);
            Assert.Equal(client == page ? 1 : 0, told[^1].Qos);
        }
    }

    [Fact]
    public async Task Fault_P6_What_changed_within_a_second_is_one_packet_and_what_did_not_is_not_named()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await CreateAsync(broker, "yard", bob, ana);
        await CreateAsync(broker, "quiet", bob, ana);
        await CreateAsync(broker, "foreign", bob);
        await using var page = await ListenAsync(broker, ana);
        await using var other = await broker.ConnectAsync(bob);

        await SayAsync(other, "rooms/den", 500);
        await SayAsync(other, "rooms/yard", 3);
        await SayAsync(other, "rooms/foreign", 3);

        var told = Assert.Single(await SecondAsync(broker, page, other));
        Assert.Equal(["den", "yard"], Named(told).Select(room => room.GetProperty("room").GetString()).Order());
        Assert.Equal((500, 0, 500, 0), Numbers(told, "den"));
        Assert.Equal((3, 0, 3, 0), Numbers(told, "yard"));
        Assert.Empty(await SecondAsync(broker, page, other));

        // 999 stand for more.
        await SayAsync(other, "rooms/den", 600);
        Assert.Equal((1100, 0, 999, 0), Numbers(Assert.Single(await SecondAsync(broker, page, other)), "den"));
    }

    [Fact]
    public async Task Fault_P6_Reading_on_another_device_is_told()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var page = await ListenAsync(broker, ana);
        await using var phone = await BrowserAsync(broker, ana);
        await using var other = await broker.ConnectAsync(bob);
        await SayAsync(other, "rooms/den", 5);
        Assert.Equal((5, 0, 5, 0), Numbers(Assert.Single(await SecondAsync(broker, page, other)), "den"));

        Assert.True((await phone.PublishAsync("users/ana/read/den", """{"seq":2}""")).Accepted);
        Assert.True((await phone.PublishAsync("users/ana/read/den", """{"seq":3}""")).Accepted);

        Assert.Equal((5, 3, 2, 0), Numbers(Assert.Single(await SecondAsync(broker, page, other)), "den"));
    }

    [Fact]
    public async Task Fault_P6_A_room_that_nobody_listens_to_notes_nothing()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await CreateAsync(broker, "foreign", bob);
        await using var page = await BrowserAsync(broker, ana);
        await using var second = await BrowserAsync(broker, ana);
        await using var reader = await broker.ConnectAsync(bob);
        await reader.SubscribeAsync([new Filter("users/bob/#"), new Filter("rooms/#")]);
        Assert.Null(broker.Room("den").Watched);

        await page.SubscribeAsync("users/ana/unread");
        await second.SubscribeAsync("users/ana/unread");
        Assert.NotNull(broker.Room("den").Watched);
        Assert.Null(broker.Room("foreign").Watched);

        await page.UnsubscribeAsync("users/ana/unread");
        Assert.NotNull(broker.Room("den").Watched);
        await second.UnsubscribeAsync("users/ana/unread");
        Assert.Null(broker.Room("den").Watched);
    }

    [Fact]
    public async Task Fault_P15_What_ones_own_bot_says_is_counted_beside()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var page = await ListenAsync(broker, ana);
        await using var bot = await broker.ConnectAsync(ana);
        await using var other = await broker.ConnectAsync(bob);
        await using var others = await ListenAsync(broker, bob);

        await SayAsync(bot, "rooms/den", 3);
        await SayAsync(page, "rooms/den", 4);
        await SayAsync(other, "rooms/den", 2);

        Assert.Equal((9, 0, 2, 3), Numbers(Assert.Single(await SecondAsync(broker, page, other)), "den"));

        // To others a bot is somebody else, and Bob is signed in by a token here.
        Assert.Equal((9, 0, 7, 2), Numbers(await others.NextPublishAsync(), "den"));
    }

    [Fact]
    public async Task Fault_P11_Who_is_taken_off_a_list_is_told_at_once_and_so_is_who_leaves_on_another_device()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await CreateAsync(broker, "yard", bob, ana);
        await CreateAsync(broker, "shed", bob, ana);
        await using var page = await ListenAsync(broker, ana);
        using var owner = Client(broker, bob.Token);
        using var phone = Client(broker, ana.Token);

        await ExpectNoContentAsync(owner.DeleteAsync(Path("/api/rooms/den/members/ana"), TestContext.Current.CancellationToken));
        Assert.Equal("""{"v":1,"type":"unread","rooms":[{"room":"den","gone":"removed"}]}""", (await page.NextPublishAsync()).Text);
        await ExpectNoContentAsync(phone.DeleteAsync(Path("/api/rooms/yard/members/me"), TestContext.Current.CancellationToken));
        Assert.Equal("""{"v":1,"type":"unread","rooms":[{"room":"yard","gone":"left"}]}""", (await page.NextPublishAsync()).Text);
        await ExpectNoContentAsync(owner.DeleteAsync(Path("/api/rooms/shed"), TestContext.Current.CancellationToken));
        var last = await page.NextPublishAsync();
        Assert.Equal("""{"v":1,"type":"unread","rooms":[{"room":"shed","gone":"deleted"}]}""", last.Text);
        Assert.False(last.Retain);

        // No second names them.
        await using var other = await broker.ConnectAsync(bob);
        await SayAsync(other, "rooms/den", 2);
        Assert.Empty(await SecondAsync(broker, page, other));
    }

    [Fact]
    public async Task Fault_P11_P12_Who_accepts_an_invitation_or_joins_elsewhere_is_told()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await CreateAsync(broker, "yard", bob);
        await using var page = await ListenAsync(broker, ana);
        await using var phone = await BrowserAsync(broker, ana);
        await using var other = await broker.ConnectAsync(bob);
        var said = await SayAsync(other, "rooms/yard", 3);
        using var owner = Client(broker, bob.Token);

        using (var invited = await owner.PutAsync(Path("/api/rooms/yard/members/ana"), null, TestContext.Current.CancellationToken))
        {
            Assert.Equal(System.Net.HttpStatusCode.Accepted, invited.StatusCode);
        }

        Assert.Equal("invited", (await page.NextPublishAsync()).Json.GetProperty("code").GetString());

        using var anas = Client(broker, ana.Token);
        await ExpectNoContentAsync(anas.PutAsync(Path("/api/rooms/yard/members/me"), null, TestContext.Current.CancellationToken));
        await phone.SubscribeAsync("rooms/lobby/text");

        var told = Assert.Single(await SecondAsync(broker, page, other));
        Assert.Equal(["lobby", "yard"], Named(told).Select(room => room.GetProperty("room").GetString()).Order());
        Assert.Equal((said[^1].Seq, said[^1].Seq, 0, 0), Numbers(told, "yard"));

        // And from then on as any other.
        await SayAsync(other, "rooms/yard", 1);
        Assert.Equal((4, 3, 1, 0), Numbers(Assert.Single(await SecondAsync(broker, page, other)), "yard"));
    }
}
