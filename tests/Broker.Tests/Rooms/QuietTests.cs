using System.Globalization;
using System.Net;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who looks after a room keeps it quiet for a while: the others read, and guests do not come in.</summary>
public sealed class QuietTests
{
    private const string Path = "/api/rooms/yard/events";
    private const string Message = """{"type":"message","text":"hello"}""";
    private static readonly Refused _quiet = new(0x87, "quiet", HttpStatusCode.Forbidden);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    public static TheoryData<Way> Ways => [Way.Mqtt5, Way.Mqtt311, Way.Http];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Only_moderators_write_until_it_is_over_by_itself(Way way)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await MessageTalk.InYardAsync(broker);
        await using var bea = await Speaker.AsAsync(broker, way, talk.Bea);
        await using var mod = await Speaker.AsAsync(broker, way, talk.Mod);
        var said = await talk.SayAsync(talk.Bea, "before", id: "b");
        Assert.Equal(Speaker.Done, await SayAsync(bea));

        Assert.Equal(Speaker.Done, await KeepAsync(mod, minutes: 15));

        Assert.Equal(_quiet.Over(way), await SayAsync(bea));
        Assert.Equal(_quiet.Over(way), await bea.DoAsync(MessageTalk.Topic, Path, MessageTalk.Payload("edit", said, ",\"text\":\"more\"")));
        Assert.Equal(_quiet.Over(way), await bea.DoAsync(MessageTalk.Topic, Path, MessageTalk.Payload("reaction", said, ",\"emoji\":\"👍\",\"on\":true")));
        Assert.Equal(Speaker.Done, await SayAsync(mod));
        Assert.Equal(said, await talk.SayAsync(talk.Bea, "before", id: "b"));
        Assert.Equal(Speaker.Done, await bea.DoAsync(MessageTalk.Topic, Path, MessageTalk.Payload("delete", said)));
        _time.Advance(TimeSpan.FromMinutes(14));
        Assert.Equal(_quiet.Over(way), await SayAsync(bea));

        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(Speaker.Done, await SayAsync(bea));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Who_looks_after_the_room_keeps_it_quiet_and_ends_it_and_nobody_else(Way way)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await MessageTalk.InYardAsync(broker);
        await using var bea = await Speaker.AsAsync(broker, way, talk.Bea);
        await using var mod = await Speaker.AsAsync(broker, way, talk.Mod);
        await using var limited = await Speaker.AsAsync(broker, way, talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account) });

        Assert.Equal(Refused.NotAllowed.Over(way), await KeepAsync(bea, minutes: 15));
        Assert.Equal(Refused.NotAllowed.Over(way), await KeepAsync(limited, minutes: 15));
        Assert.Equal(Speaker.Done, await KeepAsync(mod, minutes: 15));
        Assert.Equal(Refused.NotAllowed.Over(way), await KeepAsync(bea, minutes: null));

        // All else of the rules is the owner's.
        Assert.Equal(Refused.NotAllowed.Over(way), await mod.DoAsync(MessageTalk.Topic, Path, """{"type":"policy","quietUntil":null,"slowMode":5}"""));
        Assert.Equal(_quiet.Over(way), await SayAsync(bea));

        Assert.Equal(Speaker.Done, await KeepAsync(mod, minutes: null));
        Assert.Equal(Speaker.Done, await SayAsync(bea));
        Assert.Equal(Speaker.Done, await KeepAsync(mod, minutes: 15));
        Assert.Equal(Speaker.Done, await KeepAsync(mod, minutes: -1));
        Assert.Equal(Speaker.Done, await SayAsync(bea));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_quiet_lasts_a_day_at_most_and_what_is_no_time_is_refused(Way way)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await MessageTalk.InYardAsync(broker);
        await using var mod = await Speaker.AsAsync(broker, way, talk.Mod);
        Assert.Equal(Speaker.Done, await KeepAsync(mod, minutes: 1440));

        Assert.Equal(
            new Refused(0x83, "quiet_too_long", HttpStatusCode.BadRequest, "invalid_fields").Over(way), await KeepAsync(mod, minutes: 1441));
        Assert.Equal(Speaker.Done, await mod.DoAsync(MessageTalk.Topic, Path, """{"type":"policy","quietMinutes":15}"""));
        Assert.Equal(_time.GetUtcNow().AddMinutes(15), broker.Room("yard").Record.Policy.QuietUntil!.Value, TimeSpan.FromSeconds(1));
        Assert.NotEqual(Speaker.Done, await mod.DoAsync(MessageTalk.Topic, Path, """{"type":"policy","quietMinutes":1441}"""));
        Assert.NotEqual(Speaker.Done, await mod.DoAsync(MessageTalk.Topic, Path, """{"type":"policy","quietMinutes":0}"""));
        foreach (var wrong in new[] { "\"soon\"", "15", "\"2026-11-23T07:20:00\"", "\"2026-11-23\"", "[]" })
        {
            Assert.NotEqual(Speaker.Done, await mod.DoAsync(MessageTalk.Topic, Path, $$"""{"type":"policy","quietUntil":{{wrong}}}"""));
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Guests_do_not_come_in_and_who_is_in_stays(Way way)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await MessageTalk.InYardAsync(broker);
        var enter = broker.Get<Registration>();
        var (zoe, max) = ((await enter.EnterAsGuestAsync("Zoe", null)).Value!, (await enter.EnterAsGuestAsync("Max", null)).Value!);
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), zoe, byItself: true);
        await using var mod = await Speaker.AsAsync(broker, way, talk.Mod);
        Assert.Equal(Speaker.Done, await KeepAsync(mod, minutes: 15));

        await using var maxes = await Speaker.InBrowserAsync(broker, way, max);
        Assert.Equal(_quiet.Over(way), await maxes.DoAsync(MessageTalk.Topic, "/api/rooms/yard/members/me", Message, HttpMethod.Put));
        await using var browser = await broker.ConnectBrowserAsync(await broker.SignInAsync(max));
        var asked = await browser.SubscribeAsync(MessageTalk.Topic);
        Assert.Equal([0x87], asked.ReasonCodes);
        Assert.StartsWith("This room is kept quiet until ", asked.ReasonString, StringComparison.Ordinal);
        Assert.False(broker.Room("yard").IsMember(max.Id));
        Assert.True(broker.Room("yard").IsMember(zoe.Id));
        var eve = await broker.RegisterAsync("eve");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), eve.Account, byItself: true);
        Assert.True(broker.Room("yard").IsMember(eve.Account.Id));

        _time.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal([1], (await browser.SubscribeAsync(MessageTalk.Topic)).ReasonCodes);
    }

    [Fact]
    public async Task All_are_told_and_it_is_there_after_a_restart()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await MessageTalk.InYardAsync(broker);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await bea.SubscribeAsync([new Filter("rooms/+"), new Filter("rooms/+/text")]);
        await using var mod = await broker.ConnectAsync(talk.Mod);
        var until = Timestamps.Format(_time.GetUtcNow().AddMinutes(15));

        var asked = $$"""{"type":"policy","quietUntil":"{{until}}","id":"q"}""";
        var told = await mod.PublishAsync(MessageTalk.Topic, asked);
        Assert.Equal(told.Seq, (await mod.PublishAsync(MessageTalk.Topic, asked)).Seq);

        var heard = await bea.PublishesUntilAsync(one => one.Topic == MessageTalk.Topic + "/text");
        Assert.Equal(until, heard.Single(one => one.Topic == MessageTalk.Topic && one.Json.Type() == "policy").Json.GetProperty("quietUntil").GetString());
        Assert.Equal("quiet", (await bea.PublishAsync(MessageTalk.Topic, "hello")).Properties.User("code"));
        Assert.Equal($"** dora keeps the room quiet until {until}", heard[^1].Text);
        await broker.RestartAsync();
        using var beas = Calls.As(broker, talk.Bea);
        Assert.Equal(until, (await beas.Get("/api/rooms/yard")).GetProperty("policy").GetProperty("quietUntil").GetString());
        var refused = await beas.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Path, new { type = "message", text = "hello" });
        Assert.Equal(("quiet", until), (refused.GetProperty("code").GetString(), refused.GetProperty("until").GetString()));

        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Mod, new() { QuietUntil = new(null) })).Refusal);
        await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, Path, new { type = "message", text = "hello" });
        Assert.False((await beas.Get("/api/rooms/yard")).GetProperty("policy").TryGetProperty("quietUntil", out _));

        // What is over is not ended once more.
        Assert.Equal(0, (await Acts.ChangeAsync(broker, "yard", talk.Mod, new() { QuietUntil = new(null) })).Seq);
    }

    [Fact]
    public async Task A_line_tells_what_has_changed_and_nothing_else()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await MessageTalk.InYardAsync(broker);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await bea.SubscribeAsync([new Filter("rooms/+"), new Filter("rooms/+/text")]);
        async Task ChangeAsync(Member by, PolicyChanges changes) => Assert.Null((await Acts.ChangeAsync(broker, "yard", by, changes)).Refusal);

        await ChangeAsync(talk.Maker, new() { SlowMode = 1, QuietUntil = new(null) });
        await ChangeAsync(talk.Mod, new() { QuietMinutes = 15 });
        var first = Timestamps.Format(_time.GetUtcNow().AddMinutes(15));
        _time.Advance(TimeSpan.FromMinutes(16));
        await ChangeAsync(talk.Maker, new() { SlowMode = 2, QuietUntil = new(null) });
        await ChangeAsync(talk.Maker, new() { QuietMinutes = 15, Archived = true });
        var second = Timestamps.Format(_time.GetUtcNow().AddMinutes(15));

        var heard = await bea.PublishesUntilAsync(one => one.Topic == MessageTalk.Topic + "/text" && one.Text.Contains("archived", StringComparison.Ordinal));
        Assert.Equal(
            [$"** dora keeps the room quiet until {first}", $"** maker keeps the room quiet until {second}\n** maker archived this room"],
            heard.Where(one => one.Topic == MessageTalk.Topic + "/text").Select(one => one.Text));
        Assert.Equal(
            [false, true, false, true],
            heard.Where(one => one.Topic == MessageTalk.Topic && one.Json.Type() == "policy").Select(one => one.Json.TryGetProperty("quietUntil", out _)));
    }

    [Theory]
    [InlineData(Way.Mqtt5)]
    [InlineData(Way.Mqtt311)]
    public async Task Who_types_there_hears_why_he_does_not(Way way)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await MessageTalk.InYardAsync(broker);
        await using var bea = await Speaker.AsAsync(broker, way, talk.Bea);
        await using var mod = await Speaker.AsAsync(broker, way, talk.Mod);
        Assert.Equal(Speaker.Done, await bea.TypeAsync(MessageTalk.Topic + "/typing"));

        Assert.Equal(Speaker.Done, await KeepAsync(mod, minutes: 15));

        Assert.Equal("quiet", await bea.TypeAsync(MessageTalk.Topic + "/typing"));
        Assert.Equal(Speaker.Done, await mod.TypeAsync(MessageTalk.Topic + "/typing"));
    }

    [Fact]
    public async Task Fault_S7_Nothing_of_others_is_stored_after_the_answer()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:PublishPerSecond", "0");
        var talk = await MessageTalk.InYardAsync(broker);
        var room = broker.Room("yard");
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await using var mod = await broker.ConnectAsync(talk.Mod);
        for (var round = 0; round < 60; round++)
        {
            var speaking = Enumerable.Range(0, 6).Select(i => bea.PublishAsync(MessageTalk.Topic, string.Create(CultureInfo.InvariantCulture, $"{round}/{i}"))).ToArray();
            Thread.SpinWait(round % 50 * 400);
            Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Mod, new() { QuietUntil = new(DateTimeOffset.UtcNow.AddMinutes(15)) })).Refusal);

            // Read first and written after: whatever is still to come would lie between the two.
            var head = room.Head;
            Assert.True((await mod.PublishAsync(MessageTalk.Topic, "marker")).Accepted);
            await Task.WhenAll(speaking);
            Assert.DoesNotContain(
                broker.Get<IEventLog>().ReadAfter(room.Log, head, 1000).Entries,
                entry => entry.Author == talk.Bea.Account.Id && EventBody.TypeOf(entry.Body.Span) == EventType.Message);
            Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Mod, new() { QuietUntil = new(null) })).Refusal);
        }
    }

    private static Task<string> SayAsync(Speaker speaker) => speaker.DoAsync(MessageTalk.Topic, Path, Message);

    /// <param name="minutes">Null: not any more.</param>
    private Task<string> KeepAsync(Speaker speaker, int? minutes)
    {
        var until = minutes is { } some ? $"\"{Timestamps.Format(_time.GetUtcNow().AddMinutes(some))}\"" : "null";
        return speaker.DoAsync(MessageTalk.Topic, Path, $$"""{"type":"policy","quietUntil":{{until}}}""");
    }
}
