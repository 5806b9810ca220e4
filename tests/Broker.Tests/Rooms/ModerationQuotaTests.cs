using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>What kicks, bans and mutes may store: they always work, and fill no disk.</summary>
public sealed class ModerationQuotaTests
{
    private static readonly string _long = new('a', 500);

    [Fact]
    public async Task Fault_S31_They_are_paid_for_and_beyond_that_so_many_a_day_go_on_without_room()
    {
        var free = 10L << 30;
        DiskSpace space = new(() => new DiskRoom(Interlocked.Read(ref free), 20L << 30), new BrokerLimits());
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartWithAsync(
            services => services.AddSingleton(space).AddSingleton<TimeProvider>(time), "--WebMessenger:Limits:ActsBeyondQuotaPerDay", "2");
        var talk = await InYardAsync(broker);
        async Task<string?> DoAsync(string type) =>
            (await Acts.ModerateAsync(broker, "yard", talk.Mod, type, talk.Bea.Account, minutes: type == "mute" ? 1 : 0, reason: _long)).Refusal?.Notice;
        for (var i = 0; i < 4; i++)
        {
            Assert.Null(await DoAsync("mute"));
        }

        Interlocked.Exchange(ref free, 1);
        space.Look();
        Assert.Null(await DoAsync("mute"));
        Assert.Null(await DoAsync("kick"));
        Assert.Equal("busy", await DoAsync("ban"));

        // Another's do not cost his, and his come back.
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "ban", talk.Bea.Account)).Refusal);
        time.Advance(TimeSpan.FromHours(12));
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Caio.Account)).Refusal);

        // What gives something has no room at all.
        Assert.Equal("busy", (await Acts.ModerateAsync(broker, "yard", talk.Maker, "unban", talk.Bea.Account)).Refusal?.Notice);
    }

    [Fact]
    public async Task Fault_S31_They_cost_the_day_of_who_does_them()
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:StoredBytesPerDayPerAccount", "20000", "--WebMessenger:Limits:ActsBeyondQuotaPerDay", "3");
        var talk = await InYardAsync(broker);
        var done = 0;
        while ((await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account, 1, _long)).Refusal is null)
        {
            done++;
            Assert.InRange(done, 0, 100);
        }

        Assert.InRange(done, 4, 20);
        Assert.Equal("quota", (await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", talk.Bea.Account)).Refusal?.Notice);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "kick", talk.Bea.Account)).Refusal);
    }

    [Fact]
    public async Task Fault_S31_Reasons_of_deletions_cost_the_day_of_who_gives_them_and_deleting_goes_on_without()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:StoredBytesPerDayPerAccount", "20000");
        var talk = await InYardAsync(broker);
        var reason = new string('é', 500);
        List<long> said = [];
        await using (var bea = await broker.ConnectAsync(talk.Bea))
        {
            for (var i = 0; i < 25; i++)
            {
                said.Add((await bea.PublishAsync(Topic, "a word")).Seq);
            }
        }

        foreach (var seq in said)
        {
            Assert.Null((await talk.DeleteAsync(talk.Mod, seq, reason: reason)).Refusal);
        }

        var stored = broker.Get<IRecords>().ReadAll("au/"u8).Where(one => AuditRecord.Read(one.Value)!.Type == "delete").ToArray();
        Assert.Equal(25, stored.Length);
        Assert.InRange(stored.Count(one => AuditRecord.Read(one.Value)!.Reason == reason), 8, 20);
        Assert.Null(AuditRecord.Read(stored[0].Value)!.Reason);

        // What is paid for is what was said, and not six bytes for two.
        Assert.Contains(reason, System.Text.Encoding.UTF8.GetString(stored[^1].Value), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fault_S31_What_could_not_be_written_of_who_took_somebody_off_or_ended_a_room_costs_nothing()
    {
        GatedRecords records = new();
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartWithAsync(
            records.Place + (Action<IServiceCollection>)(services => services.AddSingleton<TimeProvider>(time)));
        var talk = await InYardAsync(broker);
        var quotas = broker.Get<StorageQuotas>();
        using var mods = Calls.As(broker, talk.Mod);
        using var makers = Calls.As(broker, talk.Maker);
        var (mod, maker) = (quotas.Of(talk.Mod.Account).Used, quotas.Of(talk.Maker.Account).Used);

        records.FailsFor = "m/";
        await mods.Delete("/api/rooms/yard/members/bea", HttpStatusCode.ServiceUnavailable);

        Assert.True(broker.Room("yard").IsMember(talk.Bea.Account.Id));
        Assert.Equal(mod, quotas.Of(talk.Mod.Account).Used);
        records.FailsFor = null;
        await mods.Delete("/api/rooms/yard/members/bea");
        Assert.NotEqual(mod, quotas.Of(talk.Mod.Account).Used);

        // The room ends all the same.
        records.FailsFor = "au/";
        await makers.Delete("/api/rooms/yard");
        Assert.Equal(maker, quotas.Of(talk.Maker.Account).Used);
    }

    [Fact]
    public async Task Attack_67_Over_HTTP_they_come_as_fast_as_publishes_and_no_faster()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton<TimeProvider>(time),
            "--WebMessenger:Limits:PublishPerSecond", "1", "--WebMessenger:Limits:PublishBurst", "2");
        var talk = await InYardAsync(broker);
        using var mods = Calls.As(broker, talk.Mod);
        Task<System.Text.Json.JsonElement> MuteAsync(HttpStatusCode status) =>
            mods.Expect(status, HttpMethod.Post, "/api/rooms/yard/events", new { type = "mute", user = "bea", minutes = 1 });

        await MuteAsync(HttpStatusCode.Created);
        await MuteAsync(HttpStatusCode.Created);
        Assert.Equal("too_many_attempts", (await MuteAsync(HttpStatusCode.TooManyRequests)).GetProperty("code").GetString());
        time.Advance(TimeSpan.FromSeconds(1));
        await MuteAsync(HttpStatusCode.Created);
    }
}
