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

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>`users/{user}/unread`: what is unread in all rooms of an account, live. The seconds are the tests' own, but where they say otherwise.</summary>
public sealed class UnreadTopicTests
{
    private const byte DoNotSendRetained = 32;

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
        Assert.Equal($$"""{"v":1,"type":"unread","all":true,"rooms":[{"room":"den","head":0,"epoch":"{{epoch}}","seq":0,"unread":0,"bots":0}]}""", first.Text);

        await SayAsync(other, "rooms/den", 2);
        broker.Get<UnreadWatch>().Sweep();

        var change = await page.NextPublishAsync();
        Assert.False(change.Retain);
        Assert.Equal($$"""{"v":1,"type":"unread","rooms":[{"room":"den","head":2,"epoch":"{{epoch}}","seq":0,"unread":2,"bots":0}]}""", change.Text);
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

    [Fact]
    public async Task Decision_17_A_room_made_anew_under_an_old_name_is_lost_and_named_with_its_new_epoch()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var page = await ListenAsync(broker, ana);
        await using var other = await broker.ConnectAsync(bob);
        var old = await SayAsync(other, "rooms/den", 3);
        await SecondAsync(broker, page, other);

        Assert.Equal(RoomChange.Done, await broker.Get<RoomDirectory>().DeleteAsync(broker.Room("den"), bob.Account));
        await CreateAsync(broker, "den", bob, ana);
        var said = await SayAsync(other, "rooms/den", 1);

        Assert.Equal("deleted", Named(await page.NextPublishAsync()).Single().GetProperty("gone").GetString());
        var told = Assert.Single(await SecondAsync(broker, page, other));
        Assert.Equal((1, 0, 1, 0), Numbers(told, "den"));
        Assert.Equal(said[0].Epoch, Named(told).Single().GetProperty("epoch").GetString());
        Assert.NotEqual(old[0].Epoch, said[0].Epoch);
    }

    [Theory]
    [InlineData("users/bob/unread")]
    [InlineData("users/nobody/unread")]
    [InlineData("users/+/unread")]
    [InlineData("users/ana/unread/more")]
    [InlineData("users/ana/unread/+")]
    public async Task Attack_35_Decision_17_Another_accounts_is_refused(string filter)
    {
        await using var broker = await StartAsync();
        var (ana, _) = await InOneRoomAsync(broker);
        await using var page = await BrowserAsync(broker, ana);

        Assert.Equal([1, 0x87], (await page.SubscribeAsync([new Filter("users/ana/unread"), new Filter(filter)])).ReasonCodes);
    }

    [Fact]
    public async Task Decision_17_Nobody_publishes_it()
    {
        await using var broker = await StartAsync();
        var (ana, _) = await InOneRoomAsync(broker);
        await using var page = await ListenAsync(broker, ana);
        Assert.True((await page.PublishAsync("users/ana/read/den", """{"seq":0}""")).Accepted);

        foreach (var topic in (string[])["users/ana/unread", "users/bob/unread"])
        {
            Assert.Equal(0x87, (await page.PublishAsync(topic, "{}")).ReasonCode);
            await page.SendPublishAsync(topic, default);
            Assert.Equal("not_allowed", (await page.NextPublishAsync()).Json.GetProperty("code").GetString());
        }

        await using var dying = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        Assert.Equal(0, (await dying.ConnectAsync("ana", ana.Token, will: new Will("users/ana/unread", "{}"))).ReasonCode);
        await dying.SubscribeAsync("users/ana");
        Assert.Equal("will_dropped", (await dying.NextPublishAsync()).Json.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Decision_19_Wildcards_bring_what_they_brought_before()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var page = await ListenAsync(broker, ana);
        await using var old = await broker.ConnectAsync(ana);
        await using var other = await broker.ConnectAsync(bob);
        string[] wildcards = ["users/ana/#", "users/ana/+", "users/ana/+/#", "users/ana/+/+", "users/ana/read/#"];
        Assert.Equal([1, 1, 1, 1, 1], (await old.SubscribeAsync([.. wildcards.Select(filter => new Filter(filter))])).ReasonCodes);

        await SayAsync(other, "rooms/den", 2);
        Assert.Single(await SecondAsync(broker, page, other));

        var heard = await old.PublishesUntilAsync(publish => publish.Topic == "users/ana");
        Assert.NotEmpty(heard);
        Assert.All(heard, publish => Assert.NotEqual("users/ana/unread", publish.Topic));
    }

    [Fact]
    public async Task Attack_80_Decision_17_A_token_hears_of_the_rooms_that_it_may_read()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await CreateAsync(broker, "yard", bob, ana);
        await CreateAsync(broker, "shed", bob, ana);
        await using var page = await ListenAsync(broker, ana);
        await using var den = await broker.ConnectAsync(ana, password: await broker.TokenAsync(ana.Account, ["den"]), clientId: "den");
        await using var poster = await broker.ConnectAsync(ana, password: await broker.TokenAsync(ana.Account, verbs: Verbs.Post), clientId: "poster");
        await using var other = await broker.ConnectAsync(bob);

        Assert.Equal([0x87], (await poster.SubscribeAsync("users/ana/unread")).ReasonCodes);
        Assert.Equal([1], (await den.SubscribeAsync("users/ana/unread")).ReasonCodes);
        Assert.Equal("den", Named(await den.NextPublishAsync()).Single().GetProperty("room").GetString());

        await SayAsync(other, "rooms/yard", 1);
        await broker.Get<RoomDirectory>().LeaveAsync(broker.Room("shed"), ana.Account);
        Assert.Equal("removed", Named(await page.NextPublishAsync()).Single().GetProperty("gone").GetString());
        Assert.Equal((1, 0, 1, 0), Numbers(Assert.Single(await SecondAsync(broker, page, other)), "yard"));

        // Of all that, nothing: what it is told next is of its own room.
        await SayAsync(other, "rooms/den", 1);
        await SayAsync(other, "rooms/yard", 1);
        Assert.Equal(2, Named(Assert.Single(await SecondAsync(broker, page, other))).Count);
        Assert.Equal("den", Named(await den.NextPublishAsync()).Single().GetProperty("room").GetString());
    }

    [Fact]
    public async Task Decision_17_The_options_of_MQTT_5_are_kept()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var page = await ListenAsync(broker, ana);
        await using var other = await broker.ConnectAsync(bob);

        // Asked for again, it is stated again.
        await page.SubscribeAsync([new Filter("users/ana/unread", 0)], new MqttProperties { { PropertyId.SubscriptionIdentifier, 7u } });
        var again = await page.NextPublishAsync();
        Assert.Equal((true, (byte)0), (again.Retain, again.Qos));
        Assert.Equal([7u], again.Properties.Numbers(PropertyId.SubscriptionIdentifier));

        await page.UnsubscribeAsync("users/ana/unread");
        await page.SubscribeAsync([new Filter("users/ana/unread", 1, DoNotSendRetained)]);
        await SayAsync(other, "rooms/den", 1);
        var told = Assert.Single(await SecondAsync(broker, page, other));
        Assert.Equal((false, (byte)1), (told.Retain, told.Qos));
        Assert.Equal((1, 0, 1, 0), Numbers(told, "den"));
    }

    [Fact]
    public async Task Decision_17_A_client_that_acknowledges_nothing_has_nothing_queued_and_is_told_the_newest()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await CreateAsync(broker, "yard", bob, ana);
        await using var other = await broker.ConnectAsync(bob);
        await using var slow = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        slow.AcknowledgesItself = false;
        await slow.ConnectAsync("ana", ana.Token, properties: new MqttProperties { { PropertyId.ReceiveMaximum, (ushort)1 } });
        await slow.SubscribeAsync([new Filter("users/ana", 0), new Filter("users/ana/unread")]);
        var first = await slow.NextPublishAsync();
        Assert.Equal(2, Named(first).Count);

        for (var second = 0; second < 20; second++)
        {
            await SayAsync(other, "rooms/den", 1);
            Assert.Empty(await SecondAsync(broker, slow, other));
        }

        await broker.Get<RoomDirectory>().LeaveAsync(broker.Room("yard"), ana.Account);
        Assert.Empty(await SecondAsync(broker, slow, other));

        await slow.AcknowledgeAsync(first);
        await slow.PingAsync();
        var lost = Assert.Single(await SecondAsync(broker, slow, other));
        Assert.Equal("""{"v":1,"type":"unread","rooms":[{"room":"yard","gone":"removed"}]}""", lost.Text);
        await slow.AcknowledgeAsync(lost);
        await slow.PingAsync();
        Assert.Equal((20, 0, 20, 0), Numbers(Assert.Single(await SecondAsync(broker, slow, other)), "den"));
    }

    [Fact]
    public async Task Decision_17_A_client_whose_socket_is_full_is_told_the_newest_when_it_reads_again()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await CreateAsync(broker, "yard", bob, ana);
        await using var other = await broker.ConnectAsync(bob);
        await using var slow = await RawMqttClient.OverTcpAsync(broker.Mqtt, receiveBuffer: 4096);
        await slow.ConnectAsync("ana", ana.Token, "slow");
        await slow.SubscribeAsync([new Filter("users/ana", 0), new Filter("users/ana/unread", 0)]);
        Assert.True((await slow.NextPublishAsync()).Retain);
        await slow.SubscribeAsync("rooms/den", 0);
        var connection = broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id).Single(connection => connection.ClientId == "slow");
        slow.StopReading();
        var longText = new string('x', 4000);
        var said = 0;
        while (connection.Delivery.KeepsUp)
        {
            Assert.True((await other.PublishAsync("rooms/den", longText)).Accepted);
            Assert.InRange(++said, 1, 10_000);
        }

        for (var second = 0; second < 20; second++)
        {
            await SayAsync(other, "rooms/yard", 1);
            broker.Get<UnreadWatch>().Sweep();
        }

        await SayAsync(other, "users/ana", 1);
        slow.ResumeReading();
        var missed = await slow.PublishesUntilAsync(publish => publish.Topic == "users/ana");
        Assert.DoesNotContain(missed, publish => publish.Topic == "users/ana/unread");

        IReadOnlyList<ReceivedPublish> told = [];
        while (told.Count == 0)
        {
            // It has read everything; the server may be about to notice.
            told = await SecondAsync(broker, slow, other);
        }

        Assert.Equal((20, 0, 20, 0), Numbers(told.Last(publish => publish.Topic == "users/ana/unread"), "yard"));
    }

    [Fact]
    public async Task Decision_17_Many_rooms_come_in_parts_and_many_losses_are_a_new_statement()
    {
        await using var broker = await StartAsync("--WebMessenger:Limits:RoomsPerAccount", "0");
        var (ana, bob) = await InOneRoomAsync(broker);
        for (var i = 0; i < 401; i++)
        {
            await CreateAsync(broker, $"r{i:000}", bob, ana);
        }

        await using var other = await broker.ConnectAsync(bob);
        await using var page = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        page.AcknowledgesItself = false;
        await page.ConnectAsync("ana", ana.Token, properties: new MqttProperties { { PropertyId.ReceiveMaximum, (ushort)1 } });
        await page.SubscribeAsync([new Filter("users/ana", 0), new Filter("users/ana/unread")]);

        // A window of one: each part waits for the acknowledgement of the one before, and for its second.
        List<string> rooms = [];
        for (var part = 1; part <= 3; part++)
        {
            var told = part == 1 ? await page.NextPublishAsync() : Assert.Single(await SecondAsync(broker, page, other));
            Assert.True(told.Retain);
            Assert.True(told.Json.GetProperty("all").GetBoolean());
            Assert.Equal((part, 3), (told.Json.GetProperty("part").GetInt32(), told.Json.GetProperty("parts").GetInt32()));
            Assert.InRange(told.Payload.Length, 1, 32 << 10);
            rooms.AddRange(Named(told).Select(room => room.GetProperty("room").GetString()!));
            if (part < 3)
            {
                await page.AcknowledgeAsync(told);
                await page.PingAsync();
            }
            else
            {
                // Not acknowledged, while 201 rooms are lost.
                Assert.Equal(402, rooms.Distinct().Count());
                for (var i = 0; i < 201; i++)
                {
                    await broker.Get<RoomDirectory>().LeaveAsync(broker.Room($"r{i:000}"), ana.Account);
                }

                Assert.Empty(await SecondAsync(broker, page, other));
                await page.AcknowledgeAsync(told);
                await page.PingAsync();
            }
        }

        var anew = await SecondAsync(broker, page, other);
        Assert.Equal((1, 2), (anew[0].Json.GetProperty("part").GetInt32(), anew[0].Json.GetProperty("parts").GetInt32()));
        Assert.False(anew[0].Retain);
        Assert.Equal(200, Named(anew[0]).Count);
    }

    [Fact]
    public async Task Decision_17_A_durable_client_is_told_everything_as_it_is_when_it_is_back()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var other = await broker.ConnectAsync(bob);
        MqttProperties kept = new() { { PropertyId.SessionExpiry, 3600u } };
        await using (var client = await RawMqttClient.OverTcpAsync(broker.Mqtt))
        {
            await client.ConnectAsync("ana", ana.Token, "kept", cleanStart: false, properties: kept);
            await client.SubscribeAsync("users/ana/unread");
            Assert.Equal((0, 0, 0, 0), Numbers(await client.NextPublishAsync(), "den"));
            await client.DisconnectAsync();
            await client.WaitForCloseAsync();
        }

        await SayAsync(other, "rooms/den", 3);

        await using var again = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        Assert.True((await again.ConnectAsync("ana", ana.Token, "kept", cleanStart: false, properties: kept)).SessionPresent);
        var told = await again.NextPublishAsync();
        Assert.Equal((true, true), (told.Retain, told.Json.GetProperty("all").GetBoolean()));
        Assert.Equal((3, 0, 3, 0), Numbers(told, "den"));
    }

    [Fact]
    public async Task Decision_17_A_guest_may_listen()
    {
        await using var broker = await StartAsync();
        var (_, bob) = await InOneRoomAsync(broker);
        await using var other = await broker.ConnectAsync(bob);
        var entered = await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null);
        Assert.True(entered.TryGet(out var guest, out _));
        await using var page = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
        await page.SubscribeAsync("rooms/lobby/text");
        await page.UnsubscribeAsync("rooms/lobby/text");

        await page.SubscribeAsync($"users/{guest.UserName}/unread");
        var start = Numbers(await page.NextPublishAsync(), "lobby");
        await SayAsync(other, "rooms/lobby", 2);
        broker.Get<UnreadWatch>().Sweep();

        // Beside its own coming and going, which is in the room's log too.
        var told = Numbers(await page.NextPublishAsync(), "lobby");
        Assert.Equal((start.Seq, 2, 0), (told.Seq, told.Unread, told.Bots));
    }

    /// <summary>The program without its seconds.</summary>
    private static Task<RunningBroker> StartAsync(params string[] settings) => RunningBroker.StartWithAsync(
        services => services.Remove(services.Single(service => service.ImplementationType == typeof(KeepAliveSweep))), settings);

    /// <summary>Bob's private room, with Ana in it.</summary>
    private static async Task<(Member Ana, Member Bob)> InOneRoomAsync(RunningBroker broker)
    {
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await CreateAsync(broker, "den", bob, ana);
        return (ana, bob);
    }

    private static async Task CreateAsync(RunningBroker broker, string name, Member owner, params Member[] members)
    {
        Assert.True(RoomId.TryParse(name, out var id));
        Assert.Equal(RoomChange.Done, await broker.Get<RoomDirectory>().CreateAsync(id, name, "", isPrivate: true, owner.Account));
        foreach (var member in members)
        {
            await broker.Get<RoomDirectory>().JoinAsync(broker.Room(name), member.Account);
        }
    }

    private static async Task<RawMqttClient> BrowserAsync(RunningBroker broker, Member member) =>
        await broker.ConnectBrowserAsync(await broker.SignInAsync(member.Account));

    /// <summary>A page that listens, has been told everything, and hears whispers, which mark the end of a second.</summary>
    private static async Task<RawMqttClient> ListenAsync(RunningBroker broker, Member member)
    {
        var page = await BrowserAsync(broker, member);
        var user = member.Account.UserName;
        Assert.Equal([1, 1], (await page.SubscribeAsync([new Filter($"users/{user}"), new Filter($"users/{user}/unread")])).ReasonCodes);
        Assert.True((await page.NextPublishAsync()).Retain);
        return page;
    }

    /// <summary>A second passes: what Ana's client is told by it.</summary>
    private static async Task<IReadOnlyList<ReceivedPublish>> SecondAsync(RunningBroker broker, RawMqttClient listener, RawMqttClient other)
    {
        broker.Get<UnreadWatch>().Sweep();
        Assert.True((await other.PublishAsync("users/ana", "the second is over")).Accepted);
        return [.. (await listener.PublishesUntilAsync(publish => publish.Topic == "users/ana")).SkipLast(1)];
    }

    private static async Task<List<PubAck>> SayAsync(RawMqttClient speaker, string topic, int count)
    {
        List<PubAck> said = [];
        for (var i = 0; i < count; i++)
        {
            said.Add(await speaker.PublishAsync(topic, $"said {i}"));
            Assert.True(said[^1].Accepted);
        }

        return said;
    }

    private static List<JsonElement> Named(ReceivedPublish publish) => [.. publish.Json.GetProperty("rooms").EnumerateArray()];

    private static (long Head, long Seq, int Unread, int Bots) Numbers(ReceivedPublish publish, string room)
    {
        var named = Named(publish).Single(named => named.GetProperty("room").GetString() == room);
        return (
            named.GetProperty("head").GetInt64(),
            named.GetProperty("seq").GetInt64(),
            named.GetProperty("unread").GetInt32(),
            named.GetProperty("bots").GetInt32());
    }

    private static HttpClient Client(RunningBroker broker, string token)
    {
        HttpClient client = new() { BaseAddress = broker.Http };
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return client;
    }

    private static Uri Path(string path) => new(path, UriKind.Relative);

    private static async Task ExpectNoContentAsync(Task<HttpResponseMessage> sent)
    {
        using var answer = await sent;
        Assert.Equal(System.Net.HttpStatusCode.NoContent, answer.StatusCode);
    }
}
