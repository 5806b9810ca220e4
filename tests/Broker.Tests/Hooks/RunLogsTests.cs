using System.Text;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Hooks;

/// <summary>What hooks did last is on disk for as long as they are.</summary>
public sealed class RunLogsTests
{
    [Fact]
    public async Task Of_one_that_is_gone_nothing_is_written()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account);
        var (runs, room) = (broker.Get<RunLogs>(), broker.Room("yard").Key);
        await hook.SayAsync("one");
        await UntilWrittenAsync(broker, 1);

        // A call that was under way is noted after.
        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        await page.Delete($"{HookPost.Hooks}/{hook.Id}");
        runs.Add(room, hook.Id, "said");
        await runs.SaveAsync();
        Assert.Equal(0, Written(broker));
    }

    [Fact]
    public async Task One_that_cannot_be_read_or_written_now_is_written_later_as_are_the_others()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartWithAsync(records.Place);
        await records.WriteAsync([.. Enumerable.Range(0, 8).Select(number => new RecordChange(Encoding.ASCII.GetBytes($"hook/r/hook-{number}"), [1]))]);
        using RunLogs runs = new(records, TimeProvider.System);
        AddToAll();
        records.Unreadable = "runs/r/hook-4";
        await runs.SaveAsync();
        Assert.Equal(7, Written(broker));
        records.Unreadable = null;
        await runs.SaveAsync();
        Assert.Equal(8, Written(broker));

        AddToAll();
        records.Fails = true;
        await runs.SaveAsync();
        records.Fails = false;
        await runs.SaveAsync();
        using RunLogs read = new(records, TimeProvider.System);
        Assert.All(Enumerable.Range(0, 8), number => Assert.Equal(2, read.Of("r", $"hook-{number}").Length));

        void AddToAll()
        {
            for (var number = 0; number < 8; number++)
            {
                runs.Add("r", $"hook-{number}", "said");
            }
        }
    }

    private static int Written(RunningBroker broker) => broker.Get<IRecords>().ReadAll("runs/"u8).Count;

    private static async Task UntilWrittenAsync(RunningBroker broker, int runs)
    {
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (Written(broker) is var written && written < runs)
        {
            Assert.True(DateTime.UtcNow < deadline, $"{written} of {runs} are on disk.");
            await broker.Get<RunLogs>().SaveAsync();
        }
    }
}
