using System.Net;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Limits;

/// <summary>How much an account may have stored in a day.</summary>
public sealed class StorageQuotaTests
{
    [Fact]
    public void A_day_s_bytes_can_be_taken_at_once_and_come_back_within_a_day()
    {
        FakeTimeProvider time = new();
        StorageQuota quota = new(2400, 0, time);
        Assert.True(quota.TryTake(2400, out _));

        Assert.False(quota.TryTake(100, out var wait));
        Assert.Equal(TimeSpan.FromHours(1), wait);
        time.Advance(wait);
        Assert.True(quota.TryTake(100, out _));
        Assert.False(quota.TryTake(1, out _));
        quota.GiveBack(100);
        Assert.True(quota.TryTake(100, out _));
        Assert.False(quota.TryTake(5000, out wait));
        Assert.Equal(TimeSpan.FromDays(1), wait);
    }

    [Fact]
    public async Task Fault_S31_A_guest_has_less_than_an_account_and_0_is_no_limit()
    {
        FakeTimeProvider time = new();
        await using var broker = await RunningBroker.StartAsync();
        var records = broker.Get<IRecords>();
        StorageQuotas quotas = new(new BrokerLimits { StoredBytesPerDayPerGuest = 10, StoredBytesPerDayPerAccount = 20 }, records, time);
        StorageQuotas none = new(new BrokerLimits { StoredBytesPerDayPerGuest = 0, StoredBytesPerDayPerAccount = 0 }, records, time);

        Assert.Equal((true, false), (quotas.Of(Guest("a")).TryTake(10, out _), quotas.Of(Guest("a")).TryTake(1, out _)));
        Assert.Equal((true, false), (quotas.Of(Person("b")).TryTake(20, out _), quotas.Of(Person("b")).TryTake(1, out _)));
        Assert.True(none.Of(Guest("a")).TryTake(int.MaxValue, out _) && none.Of(Person("b")).TryTake(int.MaxValue, out _));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(12, 500)]
    [InlineData(24, 1000)]
    [InlineData(-24_000, 0)]
    [InlineData(240_000, 1000)]
    public async Task Fault_S31_What_is_used_outlives_a_restart_whatever_the_clock_says_after_it(int hoursLater, int left)
    {
        FakeTimeProvider time = new();
        time.AdjustTime(DateTimeOffset.UnixEpoch.AddYears(60));
        BrokerLimits limits = new() { StoredBytesPerDayPerAccount = 1000 };
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var records = broker.Get<IRecords>();
        StorageQuotas before = new(limits, records, time);
        Assert.True(before.Of(ana.Account).TryTake(1000, out _));
        await before.NoteAsync(broker.Get<ConnectionDirectory>());

        time.AdjustTime(time.GetUtcNow().AddHours(hoursLater));
        StorageQuotas after = new(limits, records, time);
        after.Load(broker.Get<AccountDirectory>());

        var quota = after.Of(ana.Account);
        Assert.Equal(left > 0, left > 0 && quota.TryTake(left, out _));
        Assert.False(quota.TryTake(1, out _));
    }

    [Fact]
    public async Task Fault_S31_Only_who_stored_something_within_a_day_is_held_in_memory_and_on_disk()
    {
        FakeTimeProvider time = new();
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var records = broker.Get<IRecords>();
        StorageQuotas quotas = new(new BrokerLimits(), records, time);
        var nobody = broker.Get<ConnectionDirectory>();
        Assert.True(quotas.Of(ana.Account).TryTake(1000, out _));
        await quotas.NoteAsync(nobody);
        Assert.Equal((1, 1), (quotas.Count, records.ReadAll("quota/"u8).Count));

        time.Advance(TimeSpan.FromDays(1));
        await quotas.NoteAsync(nobody);

        Assert.Equal((0, 0), (quotas.Count, records.ReadAll("quota/"u8).Count));
    }

    [Fact]
    public async Task What_is_used_is_written_by_one_of_several_nodes_and_forgotten_by_all()
    {
        FakeTimeProvider time = new();
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var records = broker.Get<IRecords>();
        StorageQuotas quotas = new(new BrokerLimits(), records, time);
        Assert.True(quotas.Of(ana.Account).TryTake(1000, out _));

        await quotas.NoteAsync(broker.Get<ConnectionDirectory>(), writes: false);

        Assert.Equal((1, 0), (quotas.Count, records.ReadAll("quota/"u8).Count));
        time.Advance(TimeSpan.FromDays(1));
        await quotas.NoteAsync(broker.Get<ConnectionDirectory>(), writes: false);
        Assert.Equal(0, quotas.Count);
    }

    [Fact]
    public async Task Fault_S31_Over_its_quota_an_account_is_told_when_to_come_again_on_all_its_clients_and_after_a_restart()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:StoredBytesPerDayPerAccount", "2000");
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using (var client = await broker.ConnectAsync(ana))
        {
            Assert.True((await client.PublishAsync("rooms/lobby", new string('a', 700))).Accepted);
        }

        await using (var other = await broker.ConnectAsync(ana))
        {
            Assert.True((await other.PublishAsync("users/bob", new string('a', 700))).Accepted);
            var refused = await other.PublishAsync("rooms/lobby", new string('a', 700));
            Assert.Equal((0x97, "quota"), (refused.ReasonCode, refused.Properties.User("code")));
            Assert.InRange(int.Parse(refused.Properties.User("retry")!, System.Globalization.CultureInfo.InvariantCulture), 1, 86_400);
        }

        await using (var old = await broker.ConnectAsync(ana, MqttVersion.V311))
        {
            await old.SubscribeAsync("users/ana");
            Assert.True((await old.PublishAsync("rooms/lobby", new string('a', 700))).Accepted);
            var notice = (await old.PublishesUntilAsync(publish => publish.Text.Contains("notice", StringComparison.Ordinal)))[^1];
            Assert.Equal("quota", notice.Json.GetProperty("code").GetString());
            Assert.InRange(notice.Json.GetProperty("retry").GetInt32(), 1, 86_400);
        }

        await broker.RestartAsync();
        await using var later = await broker.ConnectAsync(ana);
        Assert.Equal("quota", (await later.PublishAsync("rooms/lobby", new string('a', 700))).Properties.User("code"));
        await using var honest = await broker.ConnectAsync(bob);
        Assert.True((await honest.PublishAsync("rooms/lobby", new string('a', 700))).Accepted);
        Assert.Equal(1, broker.Get<IEventLog>().ReadAfter(broker.Room("lobby").Log, 0, 100).Entries.Count(entry => entry.Author == ana.Account.Id && entry.Body.Length > 700));
    }

    [Fact]
    public async Task Fault_S31_Who_comes_and_goes_all_day_fills_no_disk_and_is_shown_all_the_same()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:StoredBytesPerDayPerAccount", "2000");
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        for (var i = 0; i < 40; i++)
        {
            await client.SubscribeAsync("rooms/lobby");
            Assert.Single(broker.Room("lobby").SnapshotPresence());
            await client.UnsubscribeAsync("rooms/lobby");
            Assert.Empty(broker.Room("lobby").SnapshotPresence());
        }

        await broker.Get<IEventLog>().SettleAsync();
        var stored = broker.Get<IEventLog>().ReadAfter(broker.Room("lobby").Log, 0, 100).Entries;
        Assert.InRange(stored.Count, 4, 20);
        Assert.InRange(stored.Sum(entry => entry.Body.Length), 1, 2000);
    }

    [Fact]
    public async Task Fault_S31_Whose_quota_is_used_up_comes_and_goes_unwritten_and_is_shown_all_the_same()
    {
        string[] rooms = ["r1", "r2", "r3", "r4"];
        await using var broker = await RunningBroker.StartAsync(
            ["--WebMessenger:Limits:StoredBytesPerDayPerAccount", "2000", .. rooms.SelectMany((room, i) => new[] { $"--WebMessenger:Rooms:Default:{i + 1}", room })]);
        await using var client = await broker.ConnectAsync(await broker.RegisterAsync("ana"));
        await client.SubscribeAsync("rooms/lobby");
        for (var i = 0; (await client.PublishAsync("rooms/lobby", "x")).Accepted; i++)
        {
            Assert.InRange(i, 0, 100);
        }

        foreach (var room in rooms)
        {
            await client.SubscribeAsync("rooms/" + room);
            Assert.Single(broker.Room(room).SnapshotPresence());
        }

        await broker.Get<IEventLog>().SettleAsync();

        // One may have found what was too little for a message.
        Assert.InRange(rooms.Sum(room => broker.Get<IEventLog>().ReadAfter(LogName.OfRoom(room), 0, 100).Entries.Count), 0, 1);
    }

    [Fact]
    public async Task Fault_S31_Guests_and_new_accounts_of_one_address_store_no_more_by_being_many()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:StoredBytesPerDayPerAddress", "2000");
        var (operatorsOwn, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        List<string?> codes = [];
        foreach (var name in new[] { "Zoe", "Gil", "Max" })
        {
            Assert.True((await broker.Get<Registration>().EnterAsGuestAsync(name, null)).TryGet(out var guest, out _));
            await using var client = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
            codes.Add((await client.PublishAsync("rooms/lobby", new string('a', 700))).Properties.User("code"));
        }

        Assert.Equal([null, null, "quota"], codes);
        await using var other = await broker.ConnectAsync(bob);
        Assert.Equal("quota", (await other.PublishAsync("rooms/lobby", new string('a', 700))).Properties.User("code"));
        await using var administrator = await broker.ConnectAsync(operatorsOwn);
        Assert.True((await administrator.PublishAsync("rooms/lobby", new string('a', 700))).Accepted);
    }

    [Fact]
    public async Task Fault_S31_An_address_pays_for_its_guests_always_and_for_an_account_on_its_first_day_and_a_network_for_its_addresses()
    {
        FakeTimeProvider time = new(DateTimeOffset.UnixEpoch.AddYears(50));
        await using var broker = await RunningBroker.StartAsync();
        StorageQuotas quotas = new(new BrokerLimits { StoredBytesPerDayPerAddress = 10 }, broker.Get<IRecords>(), time);
        var person = Session(new Account("p", AccountKind.Person, time.GetUtcNow(), new Profile("p", "p", null, false)));
        Assert.Equal((true, false), (Of(Session(Guest("a")), "192.0.2.1").TryTake(10, out _), Of(Session(Guest("b")), "192.0.2.1").TryTake(1, out var wait)));
        Assert.InRange(wait, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        Assert.False(Of(person, "192.0.2.1").TryTake(1, out _));
        Assert.True(Of(Session(Guest("c")), "192.0.2.2").TryTake(10, out _));
        Assert.True(Of(Session(Person("old")), "192.0.2.1").TryTake(1000, out _));

        // A /48 has as much as four addresses.
        Assert.Equal(4, Enumerable.Range(0, 10).Count(i => Of(Session(Guest("v" + i)), $"2001:db8:7:{i}::1").TryTake(10, out _)));

        // What could not be stored costs the address nothing.
        Of(Session(Guest("a")), "192.0.2.1").GiveBack(10);
        Assert.True(Of(Session(Guest("b")), "192.0.2.1").TryTake(10, out _));

        // On a connection that began on its first day as well.
        var begun = Of(person, "192.0.2.1");
        time.Advance(TimeSpan.FromHours(23));
        Assert.False(begun.TryTake(11, out _));
        time.Advance(TimeSpan.FromHours(1));
        Assert.True(begun.TryTake(11, out _));

        StorageQuota Of(LoginSession session, string address) => quotas.Of(session, IPAddress.Parse(address));
    }

    [Fact]
    public void Fault_S31_So_many_addresses_are_remembered_and_those_that_used_nothing_as_long_as_somebody_is_there()
    {
        FakeTimeProvider time = new();
        AddressQuotas addresses = new(10, time);
        Assert.True(addresses.Of(IPAddress.Loopback)!.TryTake(10, out _));
        for (var i = 0; i < 2 * AddressQuotas.Most; i++)
        {
            addresses.Of(new IPAddress(0x01000000L + i));
        }

        Assert.InRange(addresses.Count, AddressQuotas.Most / 2, AddressQuotas.Most);
        Assert.False(addresses.Of(IPAddress.Loopback)!.TryTake(1, out _));

        // Who is still there does not get a second one by saying nothing for a day.
        time.Advance(TimeSpan.FromDays(1));
        var held = addresses.Of(IPAddress.Loopback)!;
        for (var i = 0; i < 2; i++)
        {
            addresses.Sweep();
            GC.Collect();
        }

        addresses.Sweep();
        Assert.Equal(1, addresses.Count);
        Assert.Same(held, addresses.Of(IPAddress.Loopback));
        Assert.Null(new AddressQuotas(0, time).Of(IPAddress.Loopback));
    }

    [Fact]
    public async Task Fault_S31_Limited_tokens_together_have_half_of_the_day_of_their_account()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:StoredBytesPerDayPerAccount", "4000");
        var ana = await broker.RegisterAsync("ana");
        List<string?> codes = [];
        foreach (var verbs in new[] { Verbs.Post, Verbs.Post | Verbs.Read, Verbs.Post })
        {
            await using var limited = await broker.ConnectAsync(ana with { Token = await broker.TokenAsync(ana.Account, verbs: verbs) });
            codes.Add((await limited.PublishAsync("rooms/lobby", new string('a', 700))).Properties.User("code"));
        }

        Assert.Equal([null, null, "quota"], codes);
        await using var owner = await broker.ConnectAsync(ana);
        Assert.True((await owner.PublishAsync("rooms/lobby", new string('a', 700))).Accepted);
        Assert.True((await owner.PublishAsync("rooms/lobby", new string('a', 700))).Accepted);
        Assert.Equal("quota", (await owner.PublishAsync("rooms/lobby", new string('a', 700))).Properties.User("code"));
    }

    private static LoginSession Session(Account account) =>
        new("s-" + account.Id, LoginSessionKind.Browser, account, Scope.Everything, DateTimeOffset.UnixEpoch, "test", null);

    private static Account Guest(string id) => new(id, AccountKind.Guest, DateTimeOffset.UnixEpoch, new Profile("guest-" + id, id, null, false));

    private static Account Person(string id) => new(id, AccountKind.Person, DateTimeOffset.UnixEpoch, new Profile(id, id, null, false));
}
