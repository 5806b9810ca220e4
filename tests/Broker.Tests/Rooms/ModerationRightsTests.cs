using System.Net;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who kicks, bans, mutes and lifts it again, allowed and refused, over MQTT 5, MQTT 3.1.1 and HTTP.</summary>
public sealed class ModerationRightsTests
{
    private const string Path = "/api/rooms/yard/events";

    private static readonly string[] _commands = ["mute", "unmute", "ban", "unban", "kick"];

    public static TheoryData<Way> Ways => [Way.Mqtt5, Way.Mqtt311, Way.Http];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Moderators_the_owner_and_administrators_do_it_to_who_ranks_below(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await MayAllAsync(broker, "admina");
        var talk = await InYardAsync(broker);

        await MustBeAsync(talk, way, talk.Mod, talk.Bea, Speaker.Done);
        await MustBeAsync(talk, way, talk.Maker, talk.Bea, Speaker.Done);
        await MustBeAsync(talk, way, talk.Maker, talk.Mod, Speaker.Done, again: MemberRole.Moderator);
        await MustBeAsync(talk, way, admin, talk.Mod, Speaker.Done, again: MemberRole.Moderator);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Nobody_does_it_to_who_ranks_as_high_and_members_strangers_and_guests_to_nobody(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var refused = Refused.NotAllowed.Over(way);
        await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Caio, MemberRole.Moderator);
        var eve = await MayAllAsync(broker, "eve");
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), guest);
        await using var zoe = await Speaker.InBrowserAsync(broker, way, guest);

        // What is lifted is there to be lifted.
        foreach (var whom in new[] { talk.Caio, talk.Maker, talk.Mod })
        {
            foreach (var command in new[] { "mute", "ban", "kick" })
            {
                await using var mod = await Speaker.AsAsync(broker, way, talk.Mod);
                Assert.Equal((command, refused), (command, await DoAsync(mod, command, whom.Account.UserName)));
            }
        }

        foreach (var command in _commands)
        {
            foreach (var who in new[] { talk.Bea, eve })
            {
                await using var speaker = await Speaker.AsAsync(broker, way, who);
                Assert.Equal((command, refused), (command, await DoAsync(speaker, command, "caio")));
                Assert.Equal((command, refused), (command, await DoAsync(speaker, command, "nobody")));
            }

            Assert.Equal((command, refused), (command, await DoAsync(zoe, command, "bea")));
        }

        Assert.Empty(broker.Room("yard").Restraints.Stored);
        Assert.True(broker.Room("yard").IsMember(talk.Caio.Account.Id));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_80_It_takes_a_token_that_asked_for_it(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        async Task<Member> WithAsync(Verbs verbs, string[]? rooms = null) =>
            talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account, rooms, verbs) };

        await MustBeAsync(talk, way, await WithAsync(Verbs.Everything, ["yard"]), talk.Bea, Speaker.Done);
        await MustBeAsync(talk, way, await WithAsync(Verbs.All), talk.Bea, Refused.NotAllowed.Over(way));
        await MustBeAsync(talk, way, await WithAsync(Verbs.Everything, ["lobby"]), talk.Bea, Refused.NoSuchRoom.Over(way) is var other && way == Way.Http ? other : Refused.NotAllowed.Over(way));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_36_In_a_private_room_a_stranger_learns_nothing_by_it(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private" });
        await MustBeAsync(talk, way, talk.Mod, talk.Bea, Speaker.Done);

        await MustBeAsync(talk, way, await MayAllAsync(broker, "eve"), talk.Bea, Refused.NoSuchRoom.Over(way));
    }

    /// <param name="again">The role that who was put out has when he is back.</param>
    private static async Task MustBeAsync(
        MessageTalk talk, Way way, Member by, Member whom, string answer, MemberRole again = MemberRole.Member)
    {
        var room = talk.Broker.Room("yard");
        await using var speaker = await Speaker.AsAsync(talk.Broker, way, by);
        foreach (var command in _commands)
        {
            Assert.Equal((command, answer), (command, await DoAsync(speaker, command, whom.Account.UserName)));
            var (restraints, id) = (room.Restraints, whom.Account.Id);
            Assert.Equal(answer == Speaker.Done && command == "mute", restraints.MuteOf(id) is not null);
            Assert.Equal(answer == Speaker.Done && command == "ban", restraints.BanOf(id) is not null);
            Assert.True(answer != Speaker.Done || command != "kick" || restraints.KickOf(id) is not null);
            Assert.Equal(answer == Speaker.Done && command is "ban" or "kick", !room.IsMember(id) && command != "unban");
            if (command is "unban" or "kick")
            {
                await talk.Broker.Get<RoomMembers>().JoinAsync(room, whom.Account);
                if (again != MemberRole.Member)
                {
                    await Acts.GiveAsync(talk.Broker, "yard", talk.Maker, whom, again);
                }
            }
        }
    }

    private static Task<string> DoAsync(Speaker speaker, string command, string user) =>
        speaker.DoAsync(Topic, Path, $$"""{"type":"{{command}}","user":"{{user}}"}""");
}
