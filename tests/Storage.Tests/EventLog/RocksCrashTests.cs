using System.Globalization;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>What is left of the event log when its process is killed.</summary>
public sealed class RocksCrashTests : IDisposable
{
    private const int Kills = 15;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Attack_69_killed_while_writing_every_acknowledged_event_is_there_once_in_order()
    {
        var folder = _folder.In("events");
        Dictionary<long, string> acknowledged = [];
        string? epoch = null;
        for (var round = 0; round < Kills; round++)
        {
            using (var child = AppendingChild.Start(folder, round))
            {
                // Killed at another number of acknowledgements each time.
                // What it had said by then counts too, but for the last line: the kill may have cut it.
                var fatal = Random.Shared.Next(1, 400);
                var lines = 0;
                string? before = null;
                while (await child.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
                {
                    if (before?.Split(' ', 2) is [var seq, var text])
                    {
                        Assert.True(acknowledged.TryAdd(long.Parse(seq, CultureInfo.InvariantCulture), text));
                    }

                    before = line;
                    if (++lines == fatal)
                    {
                        child.Kill();
                    }
                }

                Assert.True(lines >= fatal);
                await child.WaitForExitAsync(TestContext.Current.CancellationToken);
                Assert.NotEqual(0, child.ExitCode);
            }

            LogLines said = new();
            await using var log = RocksEventLog.Open(folder, null, TimeProvider.System, said);
            Assert.Empty(said.Errors);
            epoch ??= log.Head(AppendingChild.Room).Epoch;
            Assert.Equal(epoch, log.Head(AppendingChild.Room).Epoch);
            Check(log, acknowledged);
        }
    }

    private static void Check(RocksEventLog log, Dictionary<long, string> acknowledged)
    {
        List<(long Seq, string Text)> stored = [];
        while (log.ReadAfter(AppendingChild.Room, stored.Count, 1_000) is { Entries: { Count: > 0 } entries })
        {
            stored.AddRange(entries.Select(entry => (entry.Seq, Encoding.UTF8.GetString(entry.Body.Span))));
        }

        Assert.Equal(Enumerable.Range(1, stored.Count).Select(seq => (long)seq), stored.Select(entry => entry.Seq));
        Assert.Equal(stored.Count, stored.Select(entry => entry.Text).Distinct().Count());
        Assert.NotEmpty(acknowledged);
        Assert.All(acknowledged, one => Assert.Equal(one.Value, stored[(int)one.Key - 1].Text));
        // One sender: what it said first stands first.
        foreach (var round in stored.GroupBy(entry => entry.Text.Split(" event ")[0]))
        {
            var numbers = round.Select(entry => int.Parse(entry.Text.Split(" event ")[1], CultureInfo.InvariantCulture)).ToList();
            Assert.Equal(Enumerable.Range(0, numbers.Count), numbers);
        }

        // What is in the log is in the journal, and nothing else.
        JournalCheck.AssertTellsOf(log, AppendingChild.Room, stored.Count);

        // An event and its record, and two records of one write,
        // are there together or not at all; and a record never without the events before it.
        var records = log.ReadAll(AppendingChild.RecordOfEvent).Select(record => Encoding.UTF8.GetString(record.Value));
        Assert.Equal(stored.Select(entry => entry.Text).Order(StringComparer.Ordinal), records);
        var last = log.Find(AppendingChild.FirstOfPair);
        Assert.NotNull(last);
        Assert.Equal(last, log.Find(AppendingChild.SecondOfPair));
        var seqOfLast = 1 + stored.FindIndex(entry => entry.Text == Encoding.UTF8.GetString(last));
        Assert.True(seqOfLast >= acknowledged.Keys.Max());
    }
}
