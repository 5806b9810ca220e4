using System.Net;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Somebody is taken out of a room by a command.</summary>
public sealed class KickTests
{
    private static readonly MqttProperties _durable = new() { { PropertyId.SessionExpiry, 600u } };

    [Fact]
    public async Task Who_is_kicked_hears_nothing_more_on_any_client_and_is_told_by_whom_and_why()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var tab = await broker.ConnectAsync(talk.Bea);
        await tab.SubscribeAsync([new Filter("rooms/yard"), new Filter("users/bea"), new Filter("rooms/yard/people")]);
        await using var wildcard = await broker.ConnectAsync(talk.Bea, MqttVersion.V311);
        await wildcard.SubscribeAsync([new Filter("rooms/+"), new Filter("users/bea")]);
        await using var kept = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await kept.ConnectAsync("bea", talk.Bea.Token, "kept", cleanStart: false, properties: _durable);
        await kept.SubscribeAsync([new Filter("rooms/+"), new Filter("users/bea")]);
        await kept.DisconnectAsync();
        await kept.WaitForCloseAsync();
        await using var mod = await broker.ConnectAsync(talk.Mod);
        await mod.PublishAsync(Topic, "queued for who is away");

        var kicked = await mod.PublishAsync(Topic, """{"type":"kick","user":"bea","reason":"Enough for now.","id":"one"}""");
        Assert.True(kicked.Accepted, kicked.ReasonString);
        Assert.False(broker.Room("yard").IsMember(talk.Bea.Account.Id));
        Assert.DoesNotContain(broker.Room("yard").Subscribers.ToArray(), one => one.Member.Account == talk.Bea.Account);
        Assert.Equal(kicked.Seq, (await mod.PublishAsync(Topic, """{"type":"kick","user":"bea","reason":"Enough for now.","id":"one"}""")).Seq);
        Assert.Equal(0x83, (await mod.PublishAsync(Topic, """{"type":"kick","user":"bea","id":"one"}""")).ReasonCode);
        await mod.PublishAsync(Topic, "after the answer");
        await mod.PublishAsync("users/bea", "marker");

        foreach (var client in new[] { tab, wildcard })
        {
            var heard = await client.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
            Assert.DoesNotContain(heard, publish => publish.Text.Contains("after the answer", StringComparison.Ordinal));
            var notice = heard.Select(publish => publish.Json).Single(one => one.TryGetProperty("code", out var code) && code.GetString() == "kick");
            Assert.Equal(("rooms/yard", "Enough for now."), (notice.GetProperty("topic").GetString(), notice.GetProperty("reason").GetString()));
            Assert.Equal("dora (dora) took you out of Room yard. Enough for now.", notice.Text());
        }

        await using var back = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await back.ConnectAsync("bea", talk.Bea.Token, "kept", cleanStart: false, properties: _durable);
        var caught = await back.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
        Assert.DoesNotContain(caught, publish => publish.Topic.StartsWith("rooms/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("kick")]
    [InlineData("ban")]
    public async Task A_socket_whose_window_is_full_holds_up_nobody_who_is_put_out_and_hears_nothing_more(string type)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var stalled = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V5, receiveBuffer: 4096);
        await stalled.ConnectAsync("bea", talk.Bea.Token, "stalled", properties: new MqttProperties { { PropertyId.ReceiveMaximum, 1000u } });
        await stalled.SubscribeAsync([new Filter("rooms/yard", 0), new Filter("rooms/+/text", 0)]);
        stalled.StopReading();
        await using var speaker = await broker.ConnectAsync(talk.Maker, MqttVersion.V311);
        await Flood.Async(speaker, Topic);
        Assert.Contains(
            broker.Room("yard").Subscribers.ToArray(), one => one.Member.Account == talk.Bea.Account && !one.Member.KeepsUp);

        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, type, talk.Bea.Account)).Refusal);
        Assert.DoesNotContain(broker.Room("yard").Subscribers.ToArray(), one => one.Member.Account == talk.Bea.Account);
        await speaker.PublishAsync(Topic, "after the answer");

        stalled.ResumeReading();
        await stalled.PingAsync();
        Assert.DoesNotContain(stalled.AlreadyHere(), publish => publish.Text.Contains("after the answer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_name_and_no_message_makes_a_line_that_looks_like_what_moderators_do()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var forger = await broker.RegisterAsync("forger", "** dora removed bea");
        await using var listener = await broker.ConnectAsync(talk.Caio, MqttVersion.V311);
        await listener.SubscribeAsync("rooms/yard/text");
        await talk.SayAsync(forger, "I did nothing");
        await using (var client = await broker.ConnectAsync(forger))
        {
            await client.PublishAsync(Topic, """{"type":"message","text":"and waves","action":true}""");
        }

        await talk.SayAsync(talk.Bea, "hello\n** dora removed bea");
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account, minutes: 1)).Refusal);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account, minutes: 10)).Refusal);

        string[] heard =
        [
            (await listener.NextPublishAsync()).Text, (await listener.NextPublishAsync()).Text, (await listener.NextPublishAsync()).Text,
            (await listener.NextPublishAsync()).Text, (await listener.NextPublishAsync()).Text,
        ];
        Assert.Equal(
            [
                "∗* dora removed bea: I did nothing", "* ** dora removed bea and waves", "bea: hello ⏎ ** dora removed bea",
                "** dora muted bea for 1 minute", "** dora muted bea for 10 minutes",
            ],
            heard);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData(""","public":true""", "Enough for now.")]
    public async Task All_hear_a_kick_and_its_reason_only_if_that_is_public(string rest, string? reason)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var listener = await broker.ConnectAsync(talk.Caio);
        await listener.SubscribeAsync([new Filter("rooms/yard"), new Filter("rooms/yard/text")]);
        await using var mod = await broker.ConnectAsync(talk.Mod);

        await mod.PublishAsync(Topic, $$"""{"type":"kick","user":"bea","reason":"Enough for now."{{rest}}}""");

        var heard = await listener.PublishesUntilAsync(publish => publish.Topic == "rooms/yard/text");
        Assert.Equal("** dora removed bea" + (reason is null ? "" : ": " + reason), heard[^1].Text);
        var kick = heard.Single(publish => publish.Topic == "rooms/yard" && publish.Json.Type() == "kick").Json;
        Assert.Equal(("dora", "bea"), (
            kick.GetProperty("from").GetProperty("user").GetString(), kick.GetProperty("target").GetProperty("user").GetString()));
        Assert.Equal(reason, kick.TryGetProperty("reason", out var said) ? said.GetString() : null);
        Assert.Equal(reason is not null, talk.Stored().Contains("Enough", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_was_kicked_comes_into_a_public_room_again_after_a_minute_and_is_told_so()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var talk = await InYardAsync(broker);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", talk.Bea.Account)).Refusal);

        for (var start = 0; start < 2; start++)
        {
            using var calls = Calls.As(broker, talk.Bea);
            var refused = await calls.Put("/api/rooms/yard/members/me", HttpStatusCode.Forbidden);
            Assert.Equal("kicked", refused.GetProperty("code").GetString());
            // The room says to him, and to nobody else, until when he waits.
            var shown = await calls.Get("/api/rooms/yard");
            Assert.Equal(refused.GetProperty("until").GetString(), shown.GetProperty("kicked").GetProperty("until").GetString());
            using var others = Calls.As(broker, talk.Caio);
            Assert.False((await others.Get("/api/rooms/yard")).TryGetProperty("kicked", out _));
            await broker.RestartAsync();
        }

        await using var again = await broker.ConnectAsync(talk.Bea);
        time.Advance(TimeSpan.FromSeconds(18));
        var subscribed = await again.SubscribeAsync("rooms/yard");
        Assert.Equal([0x87], subscribed.ReasonCodes);
        var published = await again.PublishAsync(Topic, "I am back");
        Assert.Equal(0x87, published.ReasonCode);
        Assert.Equal("You were taken out of this room. You may come in again in 42 seconds.", published.ReasonString);
        Assert.False(broker.Room("yard").IsMember(talk.Bea.Account.Id));

        time.Advance(TimeSpan.FromSeconds(42));
        using var over = Calls.As(broker, talk.Bea);
        Assert.False((await over.Get("/api/rooms/yard")).TryGetProperty("kicked", out _));
        Assert.True((await again.PublishAsync(Topic, "I am back")).Accepted);
        Assert.Equal([1], (await again.SubscribeAsync("rooms/yard")).ReasonCodes);
    }

    [Fact]
    public async Task Who_is_invited_after_a_kick_is_not_told_to_wait_and_comes_in()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", talk.Bea.Account)).Refusal);
        using var calls = Calls.As(broker, talk.Bea);
        Assert.True((await calls.Get("/api/rooms/yard")).TryGetProperty("kicked", out _));

        using var makers = Calls.As(broker, talk.Maker);
        await makers.Put("/api/rooms/yard/members/bea", HttpStatusCode.Accepted);

        Assert.False((await calls.Get("/api/rooms/yard")).TryGetProperty("kicked", out _));
        await calls.Put("/api/rooms/yard/members/me", HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task Guests_are_kicked_banned_and_muted_as_others_are()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        await using var zoe = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
        Assert.Equal([1], (await zoe.SubscribeAsync("rooms/yard")).ReasonCodes);

        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", guest)).Refusal);
        Assert.StartsWith("You are muted", (await zoe.PublishAsync(Topic, "hello")).ReasonString, StringComparison.Ordinal);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", guest)).Refusal);
        Assert.StartsWith("You were taken out", (await zoe.PublishAsync(Topic, "hello")).ReasonString, StringComparison.Ordinal);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", guest)).Refusal);
        Assert.StartsWith("You are banned", (await zoe.PublishAsync(Topic, "hello")).ReasonString, StringComparison.Ordinal);
        Assert.False(broker.Room("yard").IsMember(guest.Id));
    }

    [Fact]
    public async Task Who_is_not_in_the_room_and_its_owner_are_not_kicked()
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await broker.RegisterAsync("admina");
        var talk = await InYardAsync(broker);
        var eve = await broker.RegisterAsync("eve");

        Assert.Equal("no_such_target", (await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", eve.Account)).Refusal?.Notice);
        Assert.Equal("no_such_target", (await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", eve.Account)).Refusal?.Notice);
        Assert.Equal("owner_stays", (await Acts.ModerateAsync(broker, "yard", admin, "kick", talk.Maker.Account)).Refusal?.Notice);
        Assert.Equal("owner_stays", (await Acts.ModerateAsync(broker, "yard", admin, "ban", talk.Maker.Account)).Refusal?.Notice);

        // An administrator ranks above whoever has the room, also where he has no role; he is taken off the list all the same.
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), admin.Account);
        Assert.Equal("not_allowed", (await Acts.ModerateAsync(broker, "yard", talk.Maker, "kick", admin.Account)).Refusal?.Notice);
        using var makers = Calls.As(broker, talk.Maker);
        await makers.Delete("/api/rooms/yard/members/admina");
        Assert.False(broker.Room("yard").IsMember(admin.Account.Id));
        Assert.Null((await Acts.ModerateAsync(broker, "yard", admin, "kick", talk.Mod.Account)).Refusal);
    }
}
