using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms.Heard;

/// <summary>What another node does to rooms and to people in them, as it holds here.</summary>
public sealed class HeardRoomsTests
{
    [Fact]
    public async Task Who_is_kicked_by_another_node_is_off_the_list_hears_nothing_more_and_is_told()
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var talk = await InYardAsync(broker);
        var (room, bea) = (broker.Room("yard"), talk.Bea.Account);
        await using var tab = await broker.ConnectAsync(talk.Bea);
        await tab.SubscribeAsync([new Filter("rooms/yard"), new Filter("users/bea"), new Filter("users/bea/unread")]);
        await using var mod = await broker.ConnectAsync(talk.Mod);
        Assert.True((await mod.PublishAsync(Topic, "while she is here")).Accepted);
        var now = room.Restraints.Now;
        Restriction held = new(talk.Mod.Account.Id, now, now.AddMinutes(1), "Enough.", IsTold: true);
        var body = Act(EventType.Kick, talk.Mod, bea);
        await other.SayAsync(talk.Log, talk.Mod.Account.Id, body,
        [
            .. RestraintStore.ChangesOf(room.Key, bea.Id, new Restraint { Kick = held }),
            .. MembershipStore.ChangesOf(room.Key, bea.Id, null),
            new RecordChange(ActDue.Key(room.Key, talk.Mod.Account.Id, body), new ActDue(bea.Id, "Room yard", held.Until, "Enough.").Write()),
            new AuditRecord("kick", AuditPerson.Of(talk.Mod.Account)).In(room.Key, now),
        ]);

        Assert.False(room.IsMember(bea.Id));
        Assert.NotNull(room.Restraints.KickOf(bea.Id));
        Assert.DoesNotContain(room.Subscribers.ToArray(), one => one.Member.Account == bea);
        Assert.True((await mod.PublishAsync(Topic, "after it was heard")).Accepted);
        Assert.True((await mod.PublishAsync("users/bea", "marker")).Accepted);
        var heard = await tab.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("after it was heard", StringComparison.Ordinal));
        var notice = heard.Select(publish => publish.Json).Single(one => one.TryGetProperty("code", out var code) && code.GetString() == "kick");
        Assert.Equal("dora (dora) took you out of Room yard. Enough.", notice.Text());
        Assert.Equal(0x87, (await tab.PublishAsync(Topic, "back at once")).ReasonCode);
    }

    [Fact]
    public async Task Who_comes_in_by_another_node_hears_the_room_here_and_has_the_role_that_he_is_given_there()
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var talk = await InYardAsync(broker);
        var (room, ana) = (broker.Room("yard"), await MayAllAsync(broker, "ana"));
        await using var tab = await broker.ConnectAsync(ana);
        await tab.SubscribeAsync("rooms/+");
        var place = MembershipRecord.Begin(MemberRole.Member, DateTimeOffset.UtcNow);
        await other.WriteAsync(MembershipStore.ChangesOf(room.Key, ana.Account.Id, place));
        await using var mod = await broker.ConnectAsync(talk.Mod);
        Assert.True((await mod.PublishAsync(Topic, "welcome")).Accepted);
        await tab.PublishesUntilAsync(publish => publish.Text.Contains("welcome", StringComparison.Ordinal));

        await other.WriteAsync(MembershipStore.ChangesOf(room.Key, ana.Account.Id, place with { Role = MemberRole.Moderator }));
        Assert.True(RoomPolicy.IsHost(room, ana.Account));
        await other.WriteAsync(
        [
            .. MembershipStore.ChangesOf(room.Key, ana.Account.Id, place with { Role = MemberRole.Owner }),
            .. MembershipStore.ChangesOf(room.Key, talk.Maker.Account.Id, null),
        ]);
        Assert.Equal(ana.Account.Id, room.OwnerId);
        Assert.DoesNotContain(room, broker.Get<RoomDirectory>().OwnedBy(talk.Maker.Account.Id));
        Assert.False(room.IsMember(talk.Maker.Account.Id));

        // What was said in the stay before gets no number in the next one.
        var before = room.MembershipOf(ana.Account.Id)!;
        await other.WriteAsync(MembershipStore.ChangesOf(room.Key, ana.Account.Id, MembershipRecord.Begin(MemberRole.Owner, DateTimeOffset.UtcNow)));
        Assert.True(before.HasEnded);
        Assert.True((await tab.PublishAsync(Topic, "of the new stay")).Accepted);
    }

    [Fact]
    public async Task A_room_is_made_changed_and_deleted_by_another_node()
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var (ana, bea) = (await MayAllAsync(broker, "ana"), await MayAllAsync(broker, "bea"));
        await using var anas = await broker.ConnectAsync(ana);
        await anas.SubscribeAsync([new Filter("rooms/+/info"), new Filter("rooms/+")]);
        RoomRecord record = new("r0123456789abcdef", Id("shed"), "The shed", "", new PolicyFields(), ana.Account.Id, DateTimeOffset.UtcNow);
        await other.WriteAsync(MembershipStore.ChangesOf(record.Key, ana.Account.Id, MembershipRecord.Begin(MemberRole.Owner, DateTimeOffset.UtcNow)));
        Assert.DoesNotContain(broker.Get<RoomDirectory>().RoomsOf(ana.Account.Id), room => room.Key == record.Key);
        await other.CommitAsync(new DocumentChange.Put(RoomStore.Rooms, record.Key, 0, RoomStore.BytesOf(record)));
        var room = broker.Room("shed");
        Assert.Equal((ana.Account.Id, true), (room.OwnerId, room.IsMember(ana.Account.Id)));
        await anas.PublishesUntilAsync(publish => publish.Topic == "rooms/shed/info");
        await using var beas = await broker.ConnectAsync(bea);
        await beas.SubscribeAsync([new Filter("rooms/shed/info")]);
        Assert.True((await beas.PublishAsync("rooms/shed", "in")).Accepted);

        var closed = record with { Title = "Ours", Policy = record.Policy with { Visibility = "private", Posting = "moderators" }, Revision = 1 };
        await other.WriteAsync(ChangedRooms.ChangeTo(closed));
        Assert.Equal(closed.Title, room.Record.Title);
        Assert.Equal(0x87, (await beas.PublishAsync("rooms/shed", "not any more")).ReasonCode);
        await anas.PublishesUntilAsync(publish => publish.Topic == "rooms/shed/info" && publish.Json.GetProperty("title").GetString() == "Ours");

        // The document follows, and says nothing new; an older one changes nothing.
        await other.CommitAsync(new DocumentChange.Put(RoomStore.Rooms, record.Key, 1, RoomStore.BytesOf(closed)));
        await other.WriteAsync(ChangedRooms.ChangeTo(record with { Title = "Late" }));
        Assert.Equal("Ours", room.Record.Title);

        await other.CommitAsync(
            new DocumentChange.Delete(RoomStore.Rooms, record.Key, null),
            new DocumentChange.Put(RoomStore.Former, "shed", null, Encoding.UTF8.GetBytes($$"""{"key":"{{record.Key}}","owner":"{{ana.Account.Id}}","ending":false}""")));
        Assert.True(room.IsDeleted);
        Assert.Null(broker.Get<RoomDirectory>().Find("shed"));
        Assert.Empty(room.Subscribers.ToArray());
        using var beasCalls = Calls.As(broker, bea);
        await beasCalls.MakeRoom("shed", status: System.Net.HttpStatusCode.BadRequest);
        using var anasCalls = Calls.As(broker, ana);
        await anasCalls.MakeRoom("shed");
    }

    [Fact]
    public async Task Bans_and_mutes_of_another_node_hold_here_also_one_that_cannot_be_read()
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var talk = await InYardAsync(broker);
        var (room, now) = (broker.Room("yard"), broker.Room("yard").Restraints.Now);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        Assert.True((await bea.PublishAsync(Topic, "before")).Accepted);
        await other.WriteAsync(RestraintStore.ChangesOf(room.Key, talk.Bea.Account.Id, new Restraint { Mute = new Restriction(talk.Mod.Account.Id, now) }));
        Assert.Equal(0x87, (await bea.PublishAsync(Topic, "muted")).ReasonCode);
        await other.WriteAsync(RestraintStore.ChangesOf(room.Key, talk.Bea.Account.Id, null));
        Assert.True((await bea.PublishAsync(Topic, "after")).Accepted);

        var ana = await MayAllAsync(broker, "ana");
        await using var anas = await broker.ConnectAsync(ana);
        Assert.Equal(0, (await anas.SubscribeAsync("rooms/yard/info", qos: 0)).ReasonCodes.Single());
        await other.WriteAsync(RestraintStore.ChangesOf(room.Key, ana.Account.Id, new Restraint { Ban = new Restriction(talk.Mod.Account.Id, now) }));
        Assert.DoesNotContain(room.Subscribers.ToArray(), one => one.Member.Account == ana.Account);
        await other.WriteAsync(RestraintStore.ChangesOf(room.Key, ana.Account.Id, null));
        Assert.Contains(room.Subscribers.ToArray(), one => one.Member.Account == ana.Account);
        await other.WriteAsync(new RecordChange(Encoding.ASCII.GetBytes($"out/{room.Key}/{ana.Account.Id}"), "of a later version"u8.ToArray()));
        Assert.Equal(0x87, (await anas.PublishAsync(Topic, "banned")).ReasonCode);
    }

    [Fact]
    public async Task Who_is_invited_by_another_node_is_told_and_comes_in_here_and_once_only()
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var talk = await InYardAsync(broker);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new PolicyChanges { Visibility = "private" })).Refusal);
        var (room, ana) = (broker.Room("yard"), await MayAllAsync(broker, "ana"));
        await using var tab = await broker.ConnectAsync(ana);
        await tab.SubscribeAsync("users/ana");
        Assert.Equal(0x87, (await tab.SubscribeAsync(Topic)).ReasonCodes.Single());
        var id = $"{room.Key}/{ana.Account.Id}";
        var invitation = JsonSerializer.SerializeToUtf8Bytes(new { by = talk.Maker.Account.Id, at = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), declined = false });
        await other.CommitAsync(new DocumentChange.Put(RoomStore.Invitations, id, 0, invitation));
        Assert.Equal("maker (maker) invites you to Room yard.", (await tab.NextPublishAsync()).Json.Text());
        await other.CommitAsync(new DocumentChange.Delete(RoomStore.Invitations, id, null));
        Assert.Equal(0x87, (await tab.SubscribeAsync(Topic)).ReasonCodes.Single());
        await other.CommitAsync(new DocumentChange.Put(RoomStore.Invitations, id, null, invitation));
        Assert.Equal(1, (await tab.SubscribeAsync(Topic)).ReasonCodes.Single());
    }

    [Fact]
    public async Task Who_is_ignored_or_kept_away_by_settings_made_on_another_node_is_not_heard_here()
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var (ana, bea) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bea"));
        await using var anas = await broker.ConnectAsync(ana);
        await using var beas = await broker.ConnectAsync(bea);
        await beas.SubscribeAsync("users/bea");
        var key = Encoding.ASCII.GetBytes($"ig/{bea.Account.Id}/{ana.Account.Id}");
        await other.WriteAsync(new RecordChange(key, new byte[sizeof(long)]));
        Assert.True(broker.Get<IgnoredPeople>().Ignores(bea.Account.Id, ana.Account.Id));
        Assert.True((await anas.PublishAsync("users/bea", "unheard")).Accepted);
        await other.WriteAsync(new RecordChange(key, null));
        Assert.True((await anas.PublishAsync("users/bea", "heard")).Accepted);
        Assert.Equal("heard", (await beas.NextPublishAsync()).Json.Text());

        await other.WriteAsync(LeftAlone.ChangeTo(bea.Account.Id, new CallersOf(Callers.Nobody, Callers.Nobody)));
        Assert.False((await anas.PublishAsync("users/bea", "to nobody")).Accepted);
        await other.WriteAsync(LeftAlone.ChangeTo(bea.Account.Id, CallersOf.Usual));
        Assert.True((await anas.PublishAsync("users/bea", "again")).Accepted);
    }

    [Fact]
    public async Task A_guest_who_came_in_elsewhere_counts_and_his_place_is_stored_where_there_are_other_nodes()
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var talk = await InYardAsync(broker);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new PolicyChanges { Guard = new GuardChanges { GuestsPerMinute = 1 } })).Refusal);
        var room = broker.Room("yard");
        var registration = broker.Get<Registration>();
        var (one, two) = ((await registration.EnterAsGuestAsync("Zoe", null)).Value!, (await registration.EnterAsGuestAsync("Yan", null)).Value!);
        await other.WriteAsync(MembershipStore.ChangesOf(room.Key, one.Id, MembershipRecord.Begin(MemberRole.Member, DateTimeOffset.UtcNow)));
        Assert.True(room.IsMember(one.Id));
        Assert.False(await broker.Get<RoomMembers>().JoinAsync(room, two, byItself: true));
        Assert.True(await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), two, byItself: true));
        Assert.NotNull(broker.Get<IRecords>().Find(MembershipRecord.AccountKey(two.Id, broker.Room("lobby").Key)));
    }

    private static RoomId Id(string id) => RoomId.TryParse(id, out var parsed) ? parsed : throw new ArgumentException(id);

    private static byte[] Act(EventType type, Member by, Account target) => EventBody.Act(
        type, Author.Of(by.Account, "person"), EventBody.NewId(), writer =>
        {
            writer.WriteStartObject("target"u8);
            EventBody.WriteAuthor(writer, ModerationWords.AuthorOf(target));
            writer.WriteEndObject();
        });
}
