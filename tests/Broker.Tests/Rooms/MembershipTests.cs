using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who comes into rooms and leaves them at the same time, on a disk that takes its time.</summary>
public sealed class MembershipTests
{
    private const string Password = "correct horse battery staple";

    [Fact]
    public async Task Fault_R9_Those_who_come_in_at_once_are_written_at_once()
    {
        const int many = 64;
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartAsync(records.Place);
        var room = broker.Room("lobby");
        List<Account> people = [];
        for (var i = 0; i < many; i++)
        {
            people.Add((await broker.RegisterAsync($"person{i}")).Account);
        }

        records.Hold();
        var joining = people.ConvertAll(account => broker.Get<RoomMembers>().JoinAsync(room, account, byItself: true));

        // None has been answered yet, and all wait for the same disk.
        await records.Waiting(many);
        Assert.DoesNotContain(people, account => room.IsMember(account.Id));
        records.Release();
        await Task.WhenAll(joining);

        Assert.All(people, account => Assert.True(room.IsMember(account.Id)));
        await broker.RestartAsync();
        Assert.All(people, account => Assert.True(broker.Room("lobby").IsMember(account.Id)));
    }

    [Fact]
    public async Task Fault_R9_Who_is_put_out_while_he_comes_in_is_out()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartAsync(records.Place);
        await broker.RegisterAsync("first");
        var (maker, bob) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bob"));
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("yard");
        var room = broker.Room("yard");

        records.Hold();
        var joining = broker.Get<RoomMembers>().JoinAsync(room, bob.Account, byItself: true);
        await records.Waiting(1);
        var kick = broker.Get<RoomMembers>().LeaveAsync(room, bob.Account);
        Assert.False(kick.IsCompleted);
        records.Release();
        await Task.WhenAll(joining, kick);

        Assert.False(room.IsMember(bob.Account.Id));
        await broker.RestartAsync();
        Assert.False(broker.Room("yard").IsMember(bob.Account.Id));
    }

    [Fact]
    public async Task Fault_R9_A_room_that_becomes_private_waits_for_who_comes_in_and_lets_nobody_in_after()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartAsync(records.Place);
        await broker.RegisterAsync("first");
        var (maker, bob, eve) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bob"), await broker.RegisterAsync("eve"));
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("yard");
        var (room, members) = (broker.Room("yard"), broker.Get<RoomMembers>());

        records.Hold();
        var bobs = members.JoinAsync(room, bob.Account, byItself: true);
        await records.Waiting(1);

        // It has its place in the room's turns when the call returns.
        var change = Acts.ChangeAsync(broker, "yard", maker, new() { Visibility = "private" });
        var eves = members.JoinAsync(room, eve.Account, byItself: true);
        records.Release();
        await Task.WhenAll(bobs, change, eves);

        Assert.True(room.Record.IsPrivate);
        Assert.True(room.IsMember(bob.Account.Id));
        Assert.False(room.IsMember(eve.Account.Id));
    }

    [Fact]
    public async Task Fault_R9_Guests_come_in_and_speak_while_others_wait_for_the_disk()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartAsync(records.Place);
        var bob = await broker.RegisterAsync("bob");
        records.Hold();
        var joining = broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), bob.Account, byItself: true);
        await records.Waiting(1);

        await Task.WhenAll(Enumerable.Range(0, 64).Select(async number =>
        {
            var guest = (await broker.Get<Registration>().EnterAsGuestAsync($"Guest {number} of many", null)).Value!;
            await using var client = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
            Assert.True((await client.PublishAsync("rooms/lobby", "here I am")).Accepted);
        }));

        Assert.False(joining.IsCompleted);
        records.Release();
        await joining;
        Assert.True(broker.Room("lobby").IsMember(bob.Account.Id));
    }

    [Fact]
    public async Task Who_comes_in_while_the_disk_refuses_is_not_in_and_is_when_it_takes_it_again()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartAsync(records.Place);
        var bob = await broker.RegisterAsync("bob");
        var (room, members) = (broker.Room("lobby"), broker.Get<RoomMembers>());

        records.Fails = true;
        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => members.JoinAsync(room, bob.Account));
        Assert.False(room.IsMember(bob.Account.Id));
        records.Fails = false;
        await members.JoinAsync(room, bob.Account);
        records.Fails = true;
        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => members.LeaveAsync(room, bob.Account));
        Assert.True(room.IsMember(bob.Account.Id));
        records.Fails = false;
        Assert.Equal(RoomChange.Done, await members.LeaveAsync(room, bob.Account));

        await broker.RestartAsync();
        Assert.False(broker.Room("lobby").IsMember(bob.Account.Id));
    }

    [Fact]
    public async Task Fault_R3_The_end_of_an_account_looks_up_its_own_rooms_alone()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartAsync(records.Place);
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        foreach (var member in (Member[])[ana, bob])
        {
            await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), member.Account);
        }

        records.ForgetRead();
        Assert.True((await broker.Get<AccountChanges>().EraseAsync(bob.Account, Password, null)).TryGet(out _, out _));

        Assert.Contains($"m/{bob.Account.Id}/", records.Read);
        Assert.DoesNotContain(records.Read, prefix => !prefix.Contains(bob.Account.Id, StringComparison.Ordinal));
        Assert.Empty(broker.Get<IRecords>().ReadAll(Encoding.ASCII.GetBytes($"m/{bob.Account.Id}/")));
        Assert.Equal([ana.Account.Id], broker.Room("lobby").MemberIds);
        Assert.DoesNotContain(
            broker.Get<IRecords>().ReadAll("w/"u8),
            one => Encoding.ASCII.GetString(one.Key).Contains(bob.Account.Id, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_owner_of_a_public_room_keeps_it_when_he_leaves_and_comes_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var maker = await broker.RegisterAsync("maker");
        using (var makers = Calls.As(broker, maker))
        {
            await makers.MakeRoom("yard");
            await makers.Delete("/api/rooms/yard/members/me");
            Assert.True((await makers.Get("/api/rooms/yard")).GetProperty("mine").GetBoolean());
        }

        await broker.RestartAsync();
        using var again = Calls.As(broker, maker);
        var (mine, list) = (await again.Get("/api/rooms/yard"), await again.Get("/api/rooms?mine=true"));
        Assert.Equal((true, false), (mine.GetProperty("mine").GetBoolean(), mine.GetProperty("member").GetBoolean()));
        Assert.Equal("yard", Assert.Single(list.GetProperty("rooms").EnumerateArray()).GetProperty("id").GetString());
        await again.Put("/api/rooms/yard/members/me");
        Assert.Equal(MemberRole.Owner, broker.Room("yard").MembershipOf(maker.Account.Id)!.Role);
    }

    [Fact]
    public async Task Fault_R13_A_room_that_was_refused_and_is_on_disk_leaves_nobody_in_the_next_of_its_id()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, eve) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("eve"));
        using TempFolder folder = new();
        await using var store = DocumentStore.Open(folder.In("rooms.db"));
        UnsureDocuments documents = new(store.Documents);
        var making = ActivatorUtilities.CreateInstance<RoomMaking>(broker.Program.Services, new RoomStore(documents));
        Assert.True(RoomId.TryParse("den", out var id));

        documents.SaysFailed = true;
        await Assert.ThrowsAsync<IOException>(() => making.CreateAsync(id, "Ana's den", "", isPrivate: true, ana.Account));
        Assert.Single(await store.Documents.PageAsync("rooms", null, 10));
        documents.SaysFailed = false;
        Assert.Equal(RoomChange.Done, await making.CreateAsync(id, "Eve's den", "", isPrivate: true, eve.Account));

        var room = Assert.Single(await store.Documents.PageAsync("rooms", null, 10));
        Assert.Equal(
            [$"w/{room.Id}/{eve.Account.Id}"], broker.Get<IRecords>().ReadAll("w/"u8).Select(one => Encoding.ASCII.GetString(one.Key)));
        Assert.Empty(broker.Get<IRecords>().ReadAll(Encoding.ASCII.GetBytes($"m/{ana.Account.Id}/")));
    }

    [Fact]
    public async Task Fault_R13_An_invitation_that_was_used_up_and_is_on_disk_lets_nobody_in_again()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var (maker, bob) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bob"));
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("den", "private");
        await makers.Put("/api/rooms/den/members/bob", HttpStatusCode.Accepted);
        var room = broker.Room("den");

        // As a program leaves it that ends between the two stores.
        await broker.Get<MembershipStore>().PutAsync(
            room.Key, bob.Account.Id, null, MembershipRecord.Begin(MemberRole.Member, DateTimeOffset.UtcNow));
        await broker.RestartAsync();
        Assert.True(broker.Room("den").IsMember(bob.Account.Id));
        using var again = Calls.As(broker, maker);
        await again.Delete("/api/rooms/den/members/bob");

        await broker.RestartAsync();
        using var bobs = Calls.As(broker, bob);
        await bobs.Put("/api/rooms/den/members/me", HttpStatusCode.NotFound);
    }

    /// <summary>Documents that may say they failed when they did not.</summary>
    private sealed class UnsureDocuments(IDocuments real) : IDocuments
    {
        public volatile bool SaysFailed;

        public Task<Document?> GetAsync(string collection, string id) => real.GetAsync(collection, id);

        public Task<IReadOnlyList<Document>> PageAsync(string collection, string? after, int limit, string prefix = "") =>
            real.PageAsync(collection, after, limit, prefix);

        public Task<string?> OwnerAsync(string scope, string value) => real.OwnerAsync(scope, value);

        public async Task<CommitOutcome> CommitAsync(IReadOnlyList<DocumentChange> changes)
        {
            var outcome = await real.CommitAsync(changes);
            return SaysFailed ? throw new IOException("The disk has gone.") : outcome;
        }

        public DocumentFollower Follow() => real.Follow();
    }
}
