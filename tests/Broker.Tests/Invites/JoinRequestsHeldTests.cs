using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Invites;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Notices;
using WebMessenger.Broker.Tests.Rooms;
using static WebMessenger.Broker.Tests.Invites.InviteTalk;
using static WebMessenger.Broker.Tests.Invites.JoinRequestTests;

namespace WebMessenger.Broker.Tests.Invites;

/// <summary>Requests to be let in where something holds people back: an archive, a mute, a ban, a full room.</summary>
public sealed class JoinRequestsHeldTests
{
    [Fact]
    public async Task Nobody_asks_or_is_let_in_while_a_room_is_archived_and_what_waits_is_answered_when_it_is_open_again()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAskedYardAsync(broker);
        var eve = await MessageTalk.MayAllAsync(broker, "eve");
        using var eves = Calls.As(broker, eve);
        using var fays = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "fay"));
        using var gils = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "gil"));
        using var mods = Calls.As(broker, talk.Mod);
        Assert.Equal("201", await AskAsync(eves));
        Assert.Equal("201", await AskAsync(gils));
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Archived = true })).Refusal);
        var told = (await NoticeTalk.NoticesAsync(broker, talk.Mod)).Length;

        Assert.Equal("403 room_archived", await AskAsync(fays));
        Assert.Equal("403 room_archived", await AnswerAsync(mods, "eve", accept: true));
        Assert.Equal("204", await AnswerAsync(mods, "gil", accept: false));
        Assert.Equal(told, (await NoticeTalk.NoticesAsync(broker, talk.Mod)).Length);
        Assert.Equal(["eve: Let me in."], await AskedAsync(mods));

        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Archived = false })).Refusal);
        Assert.Equal("201", await AskAsync(fays));
        Assert.Equal("204", await AnswerAsync(mods, "eve", accept: true));
        Assert.True(broker.Room("yard").IsMember(eve.Account.Id));
    }

    [Fact]
    public async Task A_room_that_is_archived_first_takes_requests_once_it_is_open()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using var eves = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "eve"));
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Archived = true })).Refusal);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Entry = "request" })).Refusal);

        Assert.Equal("403 room_archived", await AskAsync(eves));

        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Archived = false })).Refusal);
        Assert.Equal("201", await AskAsync(eves));
    }

    [Fact]
    public async Task A_muted_moderator_answers_nobody_until_the_mute_ends()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAskedYardAsync(broker);
        var eve = await MessageTalk.MayAllAsync(broker, "eve");
        using var eves = Calls.As(broker, eve);
        using var fays = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "fay"));
        using var mods = Calls.As(broker, talk.Mod);
        Assert.Equal("201", await AskAsync(eves));
        Assert.Equal("201", await AskAsync(fays));
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "mute", talk.Mod.Account)).Refusal);

        Assert.Equal("403 muted", await AnswerAsync(mods, "eve", accept: true));
        Assert.Equal("403 muted", await AnswerAsync(mods, "fay", accept: false));
        Assert.False(broker.Room("yard").IsMember(eve.Account.Id));
        Assert.Equal(2, (await AskedAsync(mods)).Length);

        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "unmute", talk.Mod.Account)).Refusal);
        Assert.Equal("204", await AnswerAsync(mods, "eve", accept: true));
        Assert.Equal("204", await AnswerAsync(mods, "fay", accept: false));
    }

    [Fact]
    public async Task Who_is_banned_takes_nobodys_place_among_those_who_wait_and_has_as_few()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:JoinRequestsPerRoom", "1");
        var talk = await InAskedYardAsync(broker);
        var (ann, ben) = (await MessageTalk.MayAllAsync(broker, "ann"), await MessageTalk.MayAllAsync(broker, "ben"));
        using var anns = Calls.As(broker, ann);
        using var bens = Calls.As(broker, ben);
        using var eves = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "eve"));
        using var fays = Calls.As(broker, await MessageTalk.MayAllAsync(broker, "fay"));
        foreach (var who in new[] { ann, ben })
        {
            Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", who.Account)).Refusal);
        }

        Assert.Equal("201", await AskAsync(anns));
        Assert.Equal("409 too_many", await AskAsync(bens));
        Assert.Equal("201", await AskAsync(eves));
        Assert.Equal("409 too_many", await AskAsync(fays));

        // As everybody, also where there were a place among those whom nobody sees.
        Assert.Equal("204", await TakenBackAsync(anns));
        Assert.Equal("409 too_many", await AskAsync(bens));
    }

    [Fact]
    public async Task What_was_not_written_costs_who_answers_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAskedYardAsync(broker);
        var eve = await MessageTalk.MayAllAsync(broker, "eve");
        using var eves = Calls.As(broker, eve);
        Assert.Equal("201", await AskAsync(eves));
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Capacity = 1 });
        await using var beas = await broker.ConnectAsync(talk.Bea);
        await beas.SubscribeAsync(MessageTalk.Topic);
        var (room, requests, quota) = (broker.Room("yard"), broker.Get<JoinRequests>(), broker.Get<StorageQuotas>().Of(talk.Mod.Account));
        var used = quota.Used;

        Assert.Equal(JoinOutcome.RoomFull, await requests.AcceptAsync(room, eve.Account, talk.Mod.Account));
        Assert.Equal(used, quota.Used);

        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Capacity = 0 });
        Assert.Equal(JoinOutcome.Done, await requests.AcceptAsync(room, eve.Account, talk.Mod.Account));
        Assert.NotEqual(used, quota.Used);
    }

    private static async Task<string> AnswerAsync(Calls who, string user, bool accept)
    {
        var (status, text) = await who.SendAsync(HttpMethod.Put, $"{Requests}/{user}", new { accept });
        return Said(status, text);
    }
}
