using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who did what to whom in a room, and why, is kept for those who look after it.</summary>
public sealed class AuditTests
{
    private const string Path = "/api/rooms/yard/audit";

    private static string? Field(JsonElement entry, string name) => entry.TryGetProperty(name, out var field) ? field.GetString() : null;

    private static string User(JsonElement entry, string name) => entry.GetProperty(name).GetProperty("user").GetString()!;

    [Fact]
    public async Task What_is_done_to_people_to_the_room_and_to_what_others_said_is_told_with_its_reason()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var (mine, theirs) = (await talk.SayAsync(talk.Mod, "mine"), await talk.SayAsync(talk.Bea, "a secret of hers"));
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account, minutes: 5, reason: "Too loud.");
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "unmute", talk.Bea.Account);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", talk.Bea.Account);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Bea.Account);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "unban", talk.Bea.Account);
        Assert.Null((await talk.DeleteAsync(talk.Mod, theirs, reason: "Not here.")).Refusal);
        Assert.Null((await talk.DeleteAsync(talk.Mod, mine)).Refusal);
        using var makers = Calls.As(broker, talk.Maker);
        await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { topic = "Quiet please" });
        await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Caio, MemberRole.Owner);

        // What is refused, or changes nothing, is nothing that was done.
        Assert.NotNull((await Acts.ModerateAsync(broker, "yard", talk.Bea, "kick", talk.Caio.Account)).Refusal);

        var entries = (await makers.Get(Path)).GetProperty("entries").EnumerateArray().Reverse().ToArray();
        Assert.Equal(["role", "mute", "unmute", "kick", "ban", "unban", "delete", "policy", "role"], entries.Select(one => one.Type()));
        var (mute, delete) = (entries[1], entries[6]);
        Assert.Equal(("dora", "bea", "Too loud."), (User(mute, "from"), User(mute, "target"), Field(mute, "reason")));
        Assert.NotNull(Field(mute, "until"));
        Assert.Equal(("bea", "Not here.", theirs), (User(delete, "target"), Field(delete, "reason"), delete.GetProperty("of").GetInt64()));
        Assert.Equal("Quiet please", entries[7].GetProperty("changes").GetProperty("topic").GetString());
        Assert.Equal(("maker", "caio", "owner"), (User(entries[8], "from"), User(entries[8], "target"), Field(entries[8], "role")));
        var stored = string.Concat(broker.Get<IRecords>().ReadAll("au/"u8).Select(one => System.Text.Encoding.UTF8.GetString(one.Value)));
        Assert.DoesNotContain("secret", stored, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Moderators_and_administrators_read_it_page_by_page_and_nobody_else()
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await MayAllAsync(broker, "admina");
        var talk = await InYardAsync(broker);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private" });
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account);
        foreach (var who in new[] { talk.Mod, talk.Maker, admin })
        {
            using var calls = Calls.As(broker, who);
            var first = await calls.Get(Path + "?limit=1");
            Assert.Equal("mute", first.GetProperty("entries")[0].Type());
            var rest = await calls.Get($"{Path}?limit=2&before={first.GetProperty("next").GetString()}");
            Assert.Equal(["policy", "role"], rest.GetProperty("entries").EnumerateArray().Select(one => one.Type()));
            Assert.Equal(JsonValueKind.Null, rest.GetProperty("next").ValueKind);
        }

        using var mods = Calls.As(broker, talk.Mod);
        await mods.Get(Path + "?limit=201", HttpStatusCode.BadRequest);
        await mods.Get(Path + "?before=yesterday", HttpStatusCode.BadRequest);
        using var caios = Calls.As(broker, talk.Caio);
        await caios.Get(Path, HttpStatusCode.Forbidden);
        using var eves = Calls.As(broker, await MayAllAsync(broker, "eve"));
        await eves.Get(Path, HttpStatusCode.NotFound);
        using var weak = Calls.As(broker, talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account, verbs: Verbs.All) });
        await weak.Get(Path, HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task The_end_of_a_room_is_told_to_administrators_alone()
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await MayAllAsync(broker, "admina");
        var talk = await InYardAsync(broker);
        using var makers = Calls.As(broker, talk.Maker);
        using var admins = Calls.As(broker, admin);
        await makers.Delete("/api/rooms/yard");

        await makers.Get(Path, HttpStatusCode.NotFound);
        var entries = (await admins.Get(Path)).GetProperty("entries").EnumerateArray().ToArray();
        Assert.Equal(["destroy", "role"], entries.Select(one => one.Type()));
        Assert.Equal("maker", User(entries[0], "from"));
    }

    [Fact]
    public async Task The_newest_comes_first_also_within_a_millisecond_and_after_a_clock_that_was_set_back()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var talk = await InYardAsync(broker);
        async Task MuteAsync(int times, int from)
        {
            for (var i = 0; i < times; i++)
            {
                Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account, reason: $"{from + i}")).Refusal);
            }
        }

        await MuteAsync(6, from: 0);
        await broker.RestartAsync();
        time.AdjustTime(time.GetUtcNow() - TimeSpan.FromHours(1));
        await MuteAsync(6, from: 6);

        using var makers = Calls.As(broker, talk.Maker);
        var entries = (await makers.Get(Path)).GetProperty("entries").EnumerateArray().Where(one => one.Type() == "mute").ToArray();
        Assert.Equal(Enumerable.Range(0, 12).Reverse().Select(number => $"{number}"), entries.Select(one => Field(one, "reason")));
        var times = entries.Select(one => Field(one, "at")!).ToArray();
        Assert.Equal(times.OrderDescending(StringComparer.Ordinal), times);
    }

    [Fact]
    public async Task Who_takes_somebody_off_the_list_is_told_and_who_leaves_is_not()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), guest);
        using var mods = Calls.As(broker, talk.Mod);
        using var caios = Calls.As(broker, talk.Caio);
        await mods.Delete("/api/rooms/yard/members/bea");
        await mods.Delete("/api/rooms/yard/members/" + guest.UserName);
        await caios.Delete("/api/rooms/yard/members/me");

        var entries = (await mods.Get(Path)).GetProperty("entries").EnumerateArray().ToArray();
        Assert.Equal(["remove", "remove", "role"], entries.Select(one => one.Type()));
        Assert.Equal([guest.UserName, "bea"], entries[..2].Select(one => User(one, "target")));
        Assert.All(entries[..2], one => Assert.Equal("dora", User(one, "from")));
    }

    [Fact]
    public async Task What_this_program_did_not_write_is_passed_over()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account);
        var key = broker.Room("yard").Key;
        foreach (var place in new[] { "0", "later", "later/still" })
        {
            var stored = System.Text.Encoding.ASCII.GetBytes($"au/{key}/{place}");
            await broker.Get<IRecords>().WriteAsync([new RecordChange(stored, "{}"u8.ToArray())]);
        }

        await broker.Get<AuditSweep>().SweepAsync(TestContext.Current.CancellationToken);

        using var mods = Calls.As(broker, talk.Mod);
        Assert.Equal(["mute", "role"], (await mods.Get(Path)).GetProperty("entries").EnumerateArray().Select(one => one.Type()));
    }

    [Fact]
    public async Task What_administrators_did_is_kept_as_the_defaults_say_whatever_they_set()
    {
        FakeTimeProvider time = new(DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds()));
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton<TimeProvider>(time),
            "--WebMessenger:Limits:AuditPerRoom", "1", "--WebMessenger:Limits:AuditDays", "1");
        foreach (var act in new[] { "ban", "erase" })
        {
            await broker.Get<ServerAudit>().NoteAsync(AdminActor.Operator, act, "ana");
        }

        time.AdjustTime(time.GetUtcNow().AddDays(179));
        await broker.Get<AuditSweep>().SweepAsync(TestContext.Current.CancellationToken);
        Assert.Equal(2, broker.Get<ServerAudit>().Page(null, 9).Entries.Length);

        time.AdjustTime(time.GetUtcNow().AddDays(2));
        await broker.Get<AuditSweep>().SweepAsync(TestContext.Current.CancellationToken);
        Assert.Empty(broker.Get<ServerAudit>().Page(null, 9).Entries);
    }

    [Fact]
    public async Task Who_does_little_things_over_and_over_has_nothing_gone_that_others_did()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:AuditPerRoom", "6");
        var talk = await InYardAsync(broker);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Caio.Account);
        await Acts.ModerateAsync(broker, "yard", talk.Maker, "mute", talk.Caio.Account, minutes: 5);
        for (var times = 0; times < 4; times++)
        {
            await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account);
            await Acts.ModerateAsync(broker, "yard", talk.Mod, "unmute", talk.Bea.Account);
        }

        await broker.Get<AuditSweep>().SweepAsync(TestContext.Current.CancellationToken);

        var kept = broker.Get<IRecords>().ReadAll("au/"u8).Select(one => AuditRecord.Read(one.Value)!).ToList();
        Assert.Equal(6, kept.Count);
        Assert.Equal(2, kept.Count(one => one.By.User == "maker"));
    }

    [Fact]
    public async Task What_is_too_old_or_too_much_goes_once_a_day()
    {
        // In whole seconds, so that what is stored in milliseconds is as old as this clock says.
        FakeTimeProvider time = new(DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds()));
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton<TimeProvider>(time),
            "--WebMessenger:Limits:AuditPerRoom", "3", "--WebMessenger:Limits:AuditDays", "2");
        var talk = await InYardAsync(broker);
        for (var i = 0; i < 4; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account, minutes: 1 + i, reason: $"{i}");
        }

        Assert.Equal(["3", "2", "1", "0", null], Reasons());
        await broker.Get<AuditSweep>().SweepAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["3", "2", null], Reasons());

        // The oldest two are older than two days by then, one of them by half a second.
        time.Advance(TimeSpan.FromDays(2) - TimeSpan.FromSeconds(0.5));
        await broker.Get<AuditSweep>().SweepAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["3"], Reasons());

        string?[] Reasons() => [.. broker.Get<IRecords>().ReadAll("au/"u8).Select(one => AuditRecord.Read(one.Value)!.Reason)];
    }
}
