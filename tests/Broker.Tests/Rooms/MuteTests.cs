using System.Net;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Hooks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Somebody hears a room and writes nothing there.</summary>
public sealed class MuteTests
{
    private static readonly Refused _muted = new(0x87, "muted", HttpStatusCode.Forbidden);

    private static readonly (string Topic, string Path, string Payload)[] _writes =
    [
        (Topic, "/api/rooms/yard/events", """{"type":"message","text":"hello"}"""),
        (Topic, "/api/rooms/yard/events", """{"type":"message","text":"waves","action":true}"""),
        (Topic, "/api/rooms/yard/events", """{"type":"roll","dice":"2d6"}"""),
        (Topic, "/api/rooms/yard/events", """{"type":"edit","of":OWN,"text":"another"}"""),
        (Topic, "/api/rooms/yard/events", """{"type":"reaction","of":OWN,"emoji":"👍","on":true}"""),
        (Topic, "/api/rooms/yard/events", """{"type":"pin","of":OWN,"on":true}"""),
        (Topic + "/data/greenhouse", "/api/rooms/yard/data?topic=greenhouse", "21.5"),
    ];

    public static TheoryData<Way> Ways => [Way.Mqtt5, Way.Mqtt311, Way.Http];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Who_is_muted_writes_nothing_and_deletes_what_he_said(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Data = new("members", "members") });
        await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Bea, MemberRole.Moderator);
        var said = await talk.SayAsync(talk.Bea, "mine");
        await using var before = await Speaker.AsAsync(broker, way, talk.Bea);
        Task<string> WriteAsync(Speaker bea, (string Topic, string Path, string Payload) one) => bea.DoAsync(
            one.Topic,
            one.Path,
            one.Payload.Replace("OWN", said.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal),
            one.Path.Contains("data", StringComparison.Ordinal) ? HttpMethod.Put : null);
        foreach (var one in _writes)
        {
            Assert.Equal(Speaker.Done, await WriteAsync(before, one));
        }

        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "mute", talk.Bea.Account, minutes: 5)).Refusal);

        // On clients of their own: the others have heard of the mute.
        await using var muted = await Speaker.AsAsync(broker, way, talk.Bea);
        foreach (var one in _writes)
        {
            Assert.Equal((one.Payload, _muted.Over(way)), (one.Payload, await WriteAsync(muted, one)));
        }

        if (way != Way.Http)
        {
            Assert.Equal("muted", await muted.TypeAsync(Topic + "/typing"));
        }

        Assert.Equal(Speaker.Done, await muted.DoAsync(Topic, "/api/rooms/yard/events", $$"""{"type":"delete","of":{{said}}}"""));
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "unmute", talk.Bea.Account)).Refusal);
        await using var after = await Speaker.AsAsync(broker, way, talk.Bea);
        Assert.Equal(Speaker.Done, await WriteAsync(after, _writes[0]));
        Assert.Equal(Speaker.Done, await WriteAsync(after, _writes[^1]));
    }

    [Fact]
    public async Task A_muted_moderator_deletes_what_others_said_and_gives_no_reason()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var author = await broker.ConnectAsync(talk.Bea);
        await author.SubscribeAsync("users/bea");
        var said = await talk.SayAsync(talk.Bea, "a word");
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "mute", talk.Mod.Account)).Refusal);

        Assert.Null((await talk.DeleteAsync(talk.Mod, said, reason: "Said after all.")).Refusal);

        var notice = await author.NextPublishAsync();
        Assert.Equal("deleted", notice.Json.GetProperty("code").GetString());
        Assert.DoesNotContain("after all", notice.Text, StringComparison.Ordinal);
        using var makers = Calls.As(broker, talk.Maker);
        var deleted = (await makers.Get("/api/rooms/yard/audit")).GetProperty("entries")[0];
        Assert.Equal(("delete", false), (deleted.Type(), deleted.TryGetProperty("reason", out _)));
    }

    [Fact]
    public async Task A_muted_moderator_takes_nobody_off_the_list()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var mods = Calls.As(broker, talk.Mod);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "mute", talk.Mod.Account)).Refusal);

        var refused = await mods.Expect(HttpStatusCode.Forbidden, HttpMethod.Delete, "/api/rooms/yard/members/bea");

        Assert.Equal("muted", refused.GetProperty("code").GetString());
        Assert.True(broker.Room("yard").IsMember(talk.Bea.Account.Id));
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "unmute", talk.Mod.Account)).Refusal);
        await mods.Delete("/api/rooms/yard/members/bea");
        Assert.False(broker.Room("yard").IsMember(talk.Bea.Account.Id));
    }

    [Fact]
    public async Task A_mute_holds_until_its_end_through_leaving_coming_again_and_a_restart()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var talk = await InYardAsync(broker);
        using (var before = Calls.As(broker, talk.Bea))
        {
            await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account, minutes: 5, reason: "Too loud.");
            await before.Delete("/api/rooms/yard/members/me");
            await before.Put("/api/rooms/yard/members/me");
        }

        await broker.RestartAsync();
        await using var client = await broker.ConnectAsync(talk.Bea);
        Assert.Equal([1], (await client.SubscribeAsync("rooms/yard")).ReasonCodes);
        var refused = await client.PublishAsync(Topic, "hello");
        var until = Timestamps.Format(broker.Room("yard").Restraints.MuteOf(talk.Bea.Account.Id)!.Until!.Value);
        Assert.Equal(((byte)0x87, $"You are muted in this room until {until}: you hear it and do not write."), (refused.ReasonCode, refused.ReasonString));
        await talk.SayAsync(talk.Maker, "heard all the same");
        await client.PublishesUntilAsync(one => one.Text.Contains("heard all the same", StringComparison.Ordinal));

        time.Advance(TimeSpan.FromMinutes(5));

        Assert.True((await client.PublishAsync(Topic, "hello")).Accepted);
    }

    [Fact]
    public async Task Who_is_muted_is_told_on_his_clients_with_end_and_reason()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var client = await broker.ConnectAsync(talk.Bea, MqttVersion.V311);
        await client.SubscribeAsync("users/bea");
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account, minutes: 5, reason: "Too loud.");
        var until = Timestamps.Format(broker.Room("yard").Restraints.MuteOf(talk.Bea.Account.Id)!.Until!.Value);

        var told = (await client.NextPublishAsync()).Json;

        Assert.Equal(("mute", until, "Too loud."), (
            told.GetProperty("code").GetString(), told.GetProperty("until").GetString(), told.GetProperty("reason").GetString()));
        Assert.Equal($"dora (dora) muted you in Room yard until {until}. Too loud.", told.Text());
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "unmute", talk.Bea.Account);
        Assert.Equal("unmute", (await client.NextPublishAsync()).Json.GetProperty("code").GetString());
    }

    [Fact]
    public async Task What_speaks_for_who_is_muted_is_silent_and_ends_with_a_ban()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account);
        Assert.Equal("200", await hook.SayAsync("one"));

        await Acts.ModerateAsync(broker, "yard", talk.Maker, "mute", talk.Mod.Account);
        Assert.Equal("403 muted", await hook.SayAsync("two"));
        await Acts.ModerateAsync(broker, "yard", talk.Maker, "unmute", talk.Mod.Account);
        Assert.Equal("200", await hook.SayAsync("three"));
        await Acts.ModerateAsync(broker, "yard", talk.Maker, "ban", talk.Mod.Account);
        Assert.Equal("410 hook_ended", await hook.SayAsync("four"));
        Assert.DoesNotContain("two", talk.Stored(), StringComparison.Ordinal);
    }
}
