using System.Net;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>A room's guard keeps off links of who is new, the same text again, and guests in a rush. By itself it is off.</summary>
public sealed class GuardTests
{
    private const string Path = "/api/rooms/yard/events";
    private static readonly Refused _noLinks = new(0x87, "no_links_yet", HttpStatusCode.Forbidden);
    private static readonly Refused _again = new(0x87, "said_before", HttpStatusCode.Forbidden);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    public static TheoryData<Way> Ways => [Way.Mqtt5, Way.Mqtt311, Way.Http];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Who_is_new_writes_no_links_and_edits_none_in(Way way)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await GuardedAsync(broker, new(NewcomerMinutes: 60));
        await using var bea = await Speaker.AsAsync(broker, way, talk.Bea);
        await using var mod = await Speaker.AsAsync(broker, way, talk.Mod);

        Assert.Equal(_noLinks.Over(way), await SayAsync(bea, "look: https://example.org/x"));
        Assert.Equal(Speaker.Done, await SayAsync(bea, "look at example"));
        var seq = broker.Room("yard").Head;
        Assert.Equal(_noLinks.Over(way), await bea.DoAsync(MessageTalk.Topic, Path, MessageTalk.Payload("edit", seq, ",\"text\":\"www.example.org\"")));
        Assert.Equal(Speaker.Done, await bea.DoAsync(MessageTalk.Topic, Path, MessageTalk.Payload("edit", seq, ",\"text\":\"an example\"")));
        Assert.Equal(Speaker.Done, await SayAsync(mod, "https://example.org/x"));
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), guest, byItself: true);
        await using var zoe = await Speaker.InBrowserAsync(broker, way, guest);
        Assert.Equal(_noLinks.Over(way), await SayAsync(zoe, "https://example.org/x"));

        _time.Advance(TimeSpan.FromMinutes(60));
        Assert.Equal(Speaker.Done, await SayAsync(bea, "look: https://example.org/x"));
        Assert.Equal(Speaker.Done, await SayAsync(zoe, "https://example.org/x"));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task The_same_text_is_not_taken_so_many_times_within_ten_minutes(Way way)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await GuardedAsync(broker, new(Repeats: 3));
        await using var bea = await Speaker.AsAsync(broker, way, talk.Bea);
        await using var caio = await Speaker.AsAsync(broker, way, talk.Caio);
        await using var mod = await Speaker.AsAsync(broker, way, talk.Mod);

        Assert.Equal((Speaker.Done, Speaker.Done), (await SayAsync(bea, "Buy it now"), await SayAsync(bea, "buy  IT nów")));
        Assert.Equal(_again.Over(way), await SayAsync(bea, "BUYITNOW"));
        Assert.Equal(Speaker.Done, await SayAsync(bea, "Buy it later"));
        var seq = broker.Room("yard").Head;
        Assert.Equal(_again.Over(way), await bea.DoAsync(MessageTalk.Topic, Path, MessageTalk.Payload("edit", seq, ",\"text\":\"buy it now\"")));
        Assert.Equal(Speaker.Done, await SayAsync(caio, "buy it now"));
        for (var time = 0; time < 4; time++)
        {
            Assert.Equal(Speaker.Done, await SayAsync(mod, "please be kind"));
        }

        // Others are not asked whether they have said it before, nor is what is sent again.
        Assert.Equal(await talk.SayAsync(talk.Caio, "once", id: "o"), await talk.SayAsync(talk.Caio, "once", id: "o"));
        Assert.Equal(Speaker.Done, await SayAsync(caio, "once"));
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(Speaker.Done, await SayAsync(bea, "buy it now"));
    }

    [Fact]
    public async Task Who_is_refused_for_that_does_not_wait_for_slow_mode_and_pays_nothing()
    {
        await using var broker = await RunningBroker.StartAsync(_time, "--WebMessenger:Limits:StoredBytesPerDayPerAccount", "3000");
        var talk = await GuardedAsync(broker, new(Repeats: 2));
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { SlowMode = 30 })).Refusal);
        await using var bea = await Speaker.AsAsync(broker, Way.Mqtt311, talk.Bea);
        var text = new string('a', 500);
        Assert.Equal(Speaker.Done, await SayAsync(bea, text));
        _time.Advance(TimeSpan.FromSeconds(30));
        for (var time = 0; time < 20; time++)
        {
            Assert.Equal(_again.Notice, await SayAsync(bea, text));
        }

        Assert.Equal(Speaker.Done, await SayAsync(bea, "something else"));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task So_many_guests_come_in_a_minute_and_the_others_are_told_when(Way way)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        await GuardedAsync(broker, new(GuestsPerMinute: 2));
        var guests = await GuestsAsync(broker, 4);

        await EnterAsync(broker, way, guests[0], Speaker.Done);
        _time.Advance(TimeSpan.FromSeconds(20));
        await EnterAsync(broker, way, guests[1], Speaker.Done);
        var refused = new Refused(0x97, "too_many_guests", HttpStatusCode.TooManyRequests).Over(way);
        await EnterAsync(broker, way, guests[2], refused);
        await using var browser = await broker.ConnectBrowserAsync(await broker.SignInAsync(guests[3]));
        var asked = await browser.SubscribeAsync(MessageTalk.Topic);
        Assert.Equal([0x97], asked.ReasonCodes);
        Assert.Equal("Many guests come into this room just now. Try again in 40 s.", asked.ReasonString);
        var eve = await broker.RegisterAsync("eve");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), eve.Account, byItself: true);
        Assert.True(broker.Room("yard").IsMember(eve.Account.Id));

        _time.Advance(TimeSpan.FromSeconds(40));
        await EnterAsync(broker, way, guests[2], Speaker.Done);
        await EnterAsync(broker, way, guests[3], refused);
        await EnterAsync(broker, way, guests[0], Speaker.Done);
    }

    [Fact]
    public async Task A_guest_who_comes_and_goes_keeps_nobody_out()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        await GuardedAsync(broker, new(GuestsPerMinute: 2));
        var (room, members, guests) = (broker.Room("yard"), broker.Get<RoomMembers>(), await GuestsAsync(broker, 3));
        for (var time = 0; time < 4; time++)
        {
            Assert.True(await members.JoinAsync(room, guests[0], byItself: true));
            await members.LeaveAsync(room, guests[0], byItself: true);
        }

        Assert.True(await members.JoinAsync(room, guests[1], byItself: true));
        Assert.False(await members.JoinAsync(room, guests[2], byItself: true));
        Assert.True(await members.JoinAsync(room, guests[0], byItself: true));
    }

    [Fact]
    public async Task A_guest_who_could_not_come_in_does_not_count()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        await GuardedAsync(broker, new(GuestsPerMinute: 1));
        var (room, members, guests) = (broker.Room("yard"), broker.Get<RoomMembers>(), await GuestsAsync(broker, 2));

        // Another node has banned the first.
        await broker.Get<IRecords>().WriteAsync([.. RestraintStore.ChangesOf(room.Key, guests[0].Id, new Restraint())
            .Select(change => new RecordChange(change.Key, "{\"ban\":{\"by\":\"somebody\",\"at\":\"2026-11-23T07:20:00+00:00\"}}"u8.ToArray()))]);
        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => members.JoinAsync(room, guests[0], byItself: true));

        Assert.True(await members.JoinAsync(room, guests[1], byItself: true));
    }

    [Fact]
    public async Task Of_fifty_guests_at_once_as_many_come_in_as_may()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        await GuardedAsync(broker, new(GuestsPerMinute: 5));
        var (room, members, guests) = (broker.Room("yard"), broker.Get<RoomMembers>(), await GuestsAsync(broker, 50));

        await Task.WhenAll(guests.Select(guest => members.JoinAsync(room, guest, byItself: true)));

        Assert.Equal(5, guests.Count(guest => room.IsMember(guest.Id)));
    }

    [Fact]
    public async Task It_is_off_until_somebody_who_keeps_the_room_wants_it_and_there_after_a_restart()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await MessageTalk.InYardAsync(broker);
        await using var bea = await Speaker.AsAsync(broker, Way.Http, talk.Bea);
        for (var time = 0; time < 4; time++)
        {
            Assert.Equal(Speaker.Done, await SayAsync(bea, "https://example.org/x"));
        }

        using var makers = Calls.As(broker, talk.Maker);
        await makers.Expect(HttpStatusCode.Created, HttpMethod.Post, Path, new { type = "policy", guard = new { newcomerMinutes = 1440 } });
        await makers.Expect(HttpStatusCode.Created, HttpMethod.Post, Path, new { type = "policy", guard = new { repeats = 10, guestsPerMinute = 7 } });
        foreach (var wrong in new object[] { new { newcomerMinutes = 1441 }, new { repeats = 1 }, new { repeats = 11 }, new { guestsPerMinute = 1001 }, new { guestsPerMinute = -1 } })
        {
            await makers.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Path, new { type = "policy", guard = wrong });
        }

        using var mods = Calls.As(broker, talk.Mod);
        await mods.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Path, new { type = "policy", guard = new { repeats = 0 } });
        await broker.RestartAsync();
        Assert.Equal(new GuardPolicy(1440, 10, 7), broker.Room("yard").Record.Policy.Guard);
    }

    private static Task<string> SayAsync(Speaker speaker, string text) =>
        speaker.DoAsync(MessageTalk.Topic, Path, $$"""{"type":"message","text":"{{text}}"}""");

    private static async Task EnterAsync(RunningBroker broker, Way way, Account guest, string answer)
    {
        await using var speaker = await Speaker.InBrowserAsync(broker, way, guest);
        Assert.Equal(answer, await speaker.DoAsync(MessageTalk.Topic, "/api/rooms/yard/members/me", """{"type":"message","text":"hello"}""", HttpMethod.Put));
    }

    private static async Task<List<Account>> GuestsAsync(RunningBroker broker, int count)
    {
        List<Account> guests = [];
        for (var guest = 0; guest < count; guest++)
        {
            guests.Add((await broker.Get<Registration>().EnterAsGuestAsync($"Zoe {guest}", null)).Value!);
        }

        return guests;
    }

    private static async Task<MessageTalk> GuardedAsync(RunningBroker broker, GuardChanges guard)
    {
        var talk = await MessageTalk.InYardAsync(broker);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Guard = guard })).Refusal);
        return talk;
    }
}
