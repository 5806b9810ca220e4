using System.Net;
using System.Text;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Rules;
using WebMessenger.Broker.Tests.Devices;
using WebMessenger.Broker.Tests.Hooks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Rules;

/// <summary>What is stored of rules, on disks that refuse and after crashes.</summary>
public sealed class RuleRecordsTests
{
    [Fact]
    public async Task What_cannot_be_written_changes_nothing_of_a_rule()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartWithAsync(records.Place, "--WebMessenger:Limits:RulesPerRoom", "1");
        var talk = await MessageTalk.InYardAsync(broker);
        object terms = new { name = "Mode", filter = "mode", when = "changes", text = "{value}" };
        var id = await RuleTests.MadeAsync(broker, talk.Mod, terms);
        using DataCalls device = new(broker, talk.Mod.Token);
        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        await device.PutAsync("mode", "1");
        await device.PutAsync("mode", "2");
        Assert.Equal(["Mode 2"], await RuleTests.SaidAsync(talk));

        foreach (var method in (HttpMethod[])[HttpMethod.Put, HttpMethod.Delete])
        {
            records.Fails = true;
            var (status, text) = await page.SendAsync(method, $"{RuleTests.Rules}/{id}", method == HttpMethod.Put ? terms : null);
            records.Fails = false;
            Assert.True((int)status >= 500, $"{method} answered {status}: {text}");
            Assert.Equal(id, Assert.Single((await page.Get(RuleTests.Rules)).GetProperty("rules").EnumerateArray()).GetProperty("id").GetString());
            await page.Expect(HttpStatusCode.Conflict, HttpMethod.Post, RuleTests.Rules, terms);
        }

        await device.PutAsync("mode", "3");
        Assert.Equal(["Mode 2", "Mode 3"], await RuleTests.SaidAsync(talk));
        await page.Expect(HttpStatusCode.NoContent, HttpMethod.Put, $"{RuleTests.Rules}/{id}", terms);
        await page.Delete($"{RuleTests.Rules}/{id}");
        Assert.Equal([], Keys(broker));
    }

    [Fact]
    public async Task What_a_crash_left_of_a_rule_goes_with_the_next_start_and_what_cannot_be_read_ends_none()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var half = await RuleTests.MadeAsync(broker, talk.Mod, new { name = "Half", filter = "mode", when = "changes", text = "{value}" });
        var whole = await RuleTests.MadeAsync(broker, talk.Mod, new { name = "Mode", filter = "#", when = "changes", text = "{topic} {value}" });
        using (DataCalls device = new(broker, talk.Mod.Token))
        {
            await device.PutAsync("mode", "1");
            await device.PutAsync("other", "1");
        }

        await RuleTests.UntilStoredAsync(broker, 3);
        var (records, room) = (broker.Get<IRecords>(), broker.Room("yard").Key);
        await records.WriteAsync(
        [
            // One was being removed, the other had been changed, and something has written over a state of it.
            new RecordChange(Encoding.ASCII.GetBytes($"ruleat/{room}/{half}"), null),
            new RecordChange(Encoding.ASCII.GetBytes($"rulestate/{room}/{whole}/0/mode"), """{"side":"x","heard":1}"""u8.ToArray()),
            new RecordChange(Encoding.ASCII.GetBytes($"rulestate/{room}/{whole}/1/other"), "no state"u8.ToArray()),
        ]);
        await broker.RestartAsync();
        await broker.Get<RoomRules>().CatchUpAsync();

        Assert.Equal(whole, Assert.Single(broker.Get<RoomRules>().Listeners).Rule.Id);
        Assert.DoesNotContain(Keys(broker), key => key.Contains(half, StringComparison.Ordinal) || key.EndsWith("/0/mode", StringComparison.Ordinal));
        using DataCalls again = new(broker, talk.Mod.Token);
        await again.PutAsync("mode", "2");
        await again.PutAsync("other", "2");
        Assert.Equal(["Mode mode 2", "Mode other 2"], await RuleTests.SaidAsync(talk));
    }

    [Fact]
    public async Task A_rule_that_waits_for_silence_writes_nothing_while_its_devices_speak()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        await RuleTests.MadeAsync(broker, talk.Mod, new { name = "Quiet", filter = "#", when = "silent", seconds = 60, text = "{topic} is silent" });
        using DataCalls device = new(broker, talk.Mod.Token);
        await device.PutAsync("alive", "1");
        await RuleTests.UntilStoredAsync(broker, 1);
        var stored = Assert.Single(broker.Get<IRecords>().ReadAll("rulestate/"u8)).Value;
        var listener = Assert.Single(broker.Get<RoomRules>().Listeners);
        var now = DateTimeOffset.UtcNow;
        for (var beat = 1; beat <= 3; beat++)
        {
            listener.Hear(new DataMessage { Topic = "alive", Payload = "1"u8.ToArray(), At = now.AddSeconds(beat) });
        }

        broker.Get<RoomRules>().Save();
        await broker.Get<IRecords>().WriteAsync([new RecordChange("marker/"u8.ToArray(), [])]);
        Assert.Equal(stored, Assert.Single(broker.Get<IRecords>().ReadAll("rulestate/"u8)).Value);

        // It knows all the same: of the last beat, and of nothing before it.
        listener.LookForSilence(now.AddSeconds(62));
        Assert.Empty(await RuleTests.SaidAsync(talk));
        listener.LookForSilence(now.AddSeconds(64));
        Assert.Equal(["Quiet alive is silent"], await RuleTests.SaidAsync(talk));
    }

    [Fact]
    public async Task With_its_maker_a_rule_goes_unless_somebody_else_is_its_maker_by_then()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartWithAsync(records.Place);
        var talk = await MessageTalk.InYardAsync(broker);
        var (room, rules) = (broker.Room("yard"), broker.Get<RoomRules>());
        object terms = new { name = "Mode", filter = "mode", when = "changes", text = "{value}" };
        string[] ids = [await RuleTests.MadeAsync(broker, talk.Mod, terms), await RuleTests.MadeAsync(broker, talk.Mod, terms)];

        records.Hold();
        var forgotten = ((IAccountRecords)rules).ForgetAsync(talk.Mod.Account.Id);
        var first = records.Deleted.SelectMany(keys => keys).Single(key => key.StartsWith("ruleat/", StringComparison.Ordinal));
        var other = rules.Find(room.Key, ids.Single(id => first != $"ruleat/{room.Key}/{id}"))!;
        var changed = rules.ChangeAsync(room, talk.Maker.Account, other.Id, other.Terms);
        records.Release();
        await forgotten;
        Assert.Equal(BotChange.Done, await changed);
        Assert.Equal([(other.Id, talk.Maker.Account.Id)], rules.Listeners.Select(one => (one.Rule.Id, one.Rule.Maker)));
        Assert.Equal([$"rule/{room.Key}/{other.Id}", $"ruleat/{room.Key}/{other.Id}"], Keys(broker));
    }

    private static string[] Keys(RunningBroker broker) =>
        [.. broker.Get<IRecords>().ReadAll("rule"u8).Select(record => Encoding.UTF8.GetString(record.Key))];
}
