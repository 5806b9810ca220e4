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

/// <summary>To whom `users/{user}/unread` is told, by which filters, and how it comes to clients that take little.</summary>
public sealed class UnreadAudienceTests
{
    [Fact]
    public async Task Decision_17_A_room_made_anew_under_an_old_name_is_lost_and_named_with_its_new_epoch()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var page = await ListenAsync(broker, ana);
        await using var other = await broker.ConnectAsync(bob);
        var old = await SayAsync(other, "rooms/den", 3);
        await SecondAsync(broker, page, other);

        Assert.Equal(RoomChange.Done, await broker.Get<RoomEndings>().DeleteAsync(broker.Room("den"), bob.Account));
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
        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("shed"), ana.Account);
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

        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("yard"), ana.Account);
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
                    await broker.Get<RoomMembers>().LeaveAsync(broker.Room($"r{i:000}"), ana.Account);
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
}
