using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Tests.Host;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who sees who is banned and muted.</summary>
public sealed class BansListTests
{
    [Fact]
    public async Task Moderators_see_bans_and_mutes_page_by_page_and_nobody_else_does()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var talk = await InYardAsync(broker);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Bea.Account, minutes: 10, reason: "Enough.");
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account);
        await Acts.ModerateAsync(broker, "yard", talk.Maker, "mute", talk.Caio.Account);
        using var mods = Calls.As(broker, talk.Mod);

        var first = await mods.Get("/api/rooms/yard/bans?limit=1");
        var bea = Assert.Single(first.GetProperty("bans").EnumerateArray());
        Assert.Equal(("bea", "dora", "Enough."), (
            bea.GetProperty("user").GetString(), bea.GetProperty("banned").GetProperty("by").GetString(), bea.GetProperty("banned").GetProperty("reason").GetString()));
        var until = broker.Room("yard").Restraints.BanOf(talk.Bea.Account.Id)!.Until!.Value;
        Assert.Equal(Timestamps.Format(until), bea.GetProperty("banned").GetProperty("until").GetString());
        Assert.Equal("bea", first.GetProperty("next").GetString());
        var rest = await mods.Get("/api/rooms/yard/bans?limit=1&after=bea");
        var caio = Assert.Single(rest.GetProperty("bans").EnumerateArray());
        Assert.Equal(("caio", "maker"), (caio.GetProperty("user").GetString(), caio.GetProperty("muted").GetProperty("by").GetString()));
        Assert.Equal((false, JsonValueKind.Null), (caio.TryGetProperty("banned", out _), rest.GetProperty("next").ValueKind));
        await mods.Get("/api/rooms/yard/bans?limit=201", HttpStatusCode.BadRequest);

        using var caios = Calls.As(broker, talk.Caio);
        await caios.Get("/api/rooms/yard/bans", HttpStatusCode.Forbidden);
        using var weak = Calls.As(broker, talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account, verbs: Verbs.All) });
        await weak.Get("/api/rooms/yard/bans", HttpStatusCode.Forbidden);
        time.Advance(TimeSpan.FromMinutes(10));
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "unmute", talk.Bea.Account);
        Assert.Equal("caio", Assert.Single((await mods.Get("/api/rooms/yard/bans")).GetProperty("bans").EnumerateArray()).GetProperty("user").GetString());
    }

    [Fact]
    public async Task A_room_tells_who_asks_whether_he_is_muted_or_banned_until_when_and_why()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var beas = Calls.As(broker, talk.Bea);
        Assert.False((await beas.Get("/api/rooms/yard")).TryGetProperty("muted", out _));

        await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account, minutes: 10, reason: "Too loud.");
        var muted = (await beas.Get("/api/rooms/yard")).GetProperty("muted");
        Assert.Equal("Too loud.", muted.GetProperty("reason").GetString());
        Assert.True(muted.TryGetProperty("until", out _));

        await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Bea.Account);
        var banned = (await beas.Get("/api/rooms/yard")).GetProperty("banned");
        Assert.Equal((false, false), (banned.TryGetProperty("until", out _), banned.TryGetProperty("reason", out _)));
        using var caios = Calls.As(broker, talk.Caio);
        Assert.False((await caios.Get("/api/rooms/yard")).TryGetProperty("banned", out _));
    }
}
