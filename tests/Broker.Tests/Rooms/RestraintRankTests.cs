using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Ranks change while somebody is banned or muted: what is lifted by whom then.</summary>
public sealed class RestraintRankTests
{
    [Fact]
    public async Task Whoever_is_given_a_room_is_not_muted_there_any_more_nor_when_he_gives_it_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account)).Refusal);

        Assert.Null((await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Bea, MemberRole.Owner)).Refusal);

        await talk.SayAsync(talk.Bea, "mine now");
        Assert.Null((await Acts.GiveAsync(broker, "yard", talk.Bea, talk.Maker, MemberRole.Owner)).Refusal);
        await talk.SayAsync(talk.Bea, "and not muted");
        Assert.Empty(broker.Get<IRecords>().ReadAll("out/"u8));
    }

    [Fact]
    public async Task Whoever_inherits_a_room_is_not_muted_there()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "mute", talk.Mod.Account)).Refusal);

        await broker.Get<AccountChanges>().EraseAsync(talk.Maker.Account, "correct horse battery staple", null);

        Assert.Equal(talk.Mod.Account.Id, broker.Room("yard").OwnerId);
        await talk.SayAsync(talk.Mod, "mine now");
        Assert.Empty(broker.Get<IRecords>().ReadAll("out/"u8));
    }

    [Fact]
    public async Task Whoever_has_risen_is_let_write_again_by_who_could_mute_him_now()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account);
        await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Bea, MemberRole.Moderator);

        Assert.Equal("not_allowed", (await Acts.ModerateAsync(broker, "yard", talk.Mod, "unmute", talk.Bea.Account)).Refusal?.Notice);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "unmute", talk.Bea.Account)).Refusal);
        await talk.SayAsync(talk.Bea, "heard again");
    }

    [Fact]
    public async Task Administrators_are_not_muted_and_lift_anything_also_of_themselves()
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await MayAllAsync(broker, "admina");
        var talk = await InYardAsync(broker);
        var room = broker.Room("yard");
        await broker.Get<RoomMembers>().JoinAsync(room, admin.Account);

        // As it is where somebody was muted and banned before he became one.
        Restriction before = new(talk.Maker.Account.Id, DateTimeOffset.UnixEpoch);
        Restraint both = new(Ban: before, Mute: before);
        await broker.Get<IRecords>().WriteAsync(RestraintStore.ChangesOf(room.Key, admin.Account.Id, both));
        room.Restraints.Become(admin.Account.Id, both);

        await talk.SayAsync(admin, "not quiet");
        Assert.Null((await Acts.ModerateAsync(broker, "yard", admin, "unban", admin.Account)).Refusal);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", admin, "unmute", admin.Account)).Refusal);
        Assert.Empty(broker.Get<IRecords>().ReadAll("out/"u8));
    }

    [Fact]
    public async Task Nobody_lifts_or_changes_what_was_imposed_by_who_ranks_higher_now()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        async Task<string?> DoAsync(Member by, string type, int minutes = 0) =>
            (await Acts.ModerateAsync(broker, "yard", by, type, talk.Bea.Account, minutes)).Refusal?.Notice;
        Assert.Null(await DoAsync(talk.Maker, "mute"));
        Assert.Null(await DoAsync(talk.Maker, "ban"));

        Assert.Equal("not_allowed", await DoAsync(talk.Mod, "unmute"));
        Assert.Equal("not_allowed", await DoAsync(talk.Mod, "unban"));
        Assert.Equal("not_allowed", await DoAsync(talk.Mod, "ban", minutes: 1));
        Assert.NotNull(broker.Room("yard").Restraints.BanOf(talk.Bea.Account.Id));

        // He is a moderator among others when he has given the room away.
        Assert.Null((await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Caio, MemberRole.Owner)).Refusal);
        Assert.Null(await DoAsync(talk.Mod, "unban"));

        // And what a moderator imposed, another lifts.
        Assert.Null(await DoAsync(talk.Maker, "ban", minutes: 5));
        Assert.Null(await DoAsync(talk.Mod, "ban", minutes: 1));
        Assert.Null(await DoAsync(talk.Mod, "unban"));
    }

    [Fact]
    public async Task A_muted_moderator_does_nothing_that_all_would_hear()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        string[] types = ["mute", "unmute", "ban", "unban", "kick"];
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "mute", talk.Mod.Account)).Refusal);

        foreach (var type in types)
        {
            var refused = await Acts.ModerateAsync(broker, "yard", talk.Mod, type, talk.Bea.Account, reason: "A word after all.");
            Assert.Equal((type, "muted"), (type, refused.Refusal?.Notice));
        }

        Assert.Equal("muted", (await Acts.GiveAsync(broker, "yard", talk.Mod, talk.Mod, MemberRole.Member)).Refusal?.Notice);
        Assert.Equal("muted", (await Acts.ChangeAsync(broker, "yard", talk.Mod, new() { Topic = "A word after all." })).Refusal?.Notice);
        Assert.DoesNotContain("after all", talk.Stored(), StringComparison.Ordinal);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "unmute", talk.Mod.Account)).Refusal);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", talk.Bea.Account)).Refusal);
    }
}
