using System.Globalization;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>What is left of a log that is being shortened when its process is killed.</summary>
public sealed class RocksTruncateCrashTests : IDisposable
{
    private const int Kills = 12;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Killed_while_it_is_shortened_nothing_comes_back_nothing_newer_is_lost_and_the_next_start_finishes()
    {
        var folder = _folder.In("events");
        Dictionary<long, string> said = [];
        var cut = 0L;
        for (var round = 0; round < Kills; round++)
        {
            using (var child = TruncatingChild.Start(folder, round))
            {
                // Killed at another line each time; the last one may have been cut by the kill.
                var fatal = Random.Shared.Next(200, 1_500);
                var lines = 0;
                string? before = null;
                while (await child.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
                {
                    cut = Math.Max(cut, Take(before, said));
                    before = line;
                    if (++lines == fatal)
                    {
                        child.Kill();
                    }
                }

                Assert.True(lines >= fatal);
                await child.WaitForExitAsync(TestContext.Current.CancellationToken);
            }

            LogLines told = new();
            var log = RocksEventLog.Open(folder, TruncatingChild.Options, TimeProvider.System, told);
            Assert.Empty(told.Errors);
            var head = log.Head(TruncatingChild.Room);
            Assert.True(head.First >= cut, $"{head.First} after a cut at {cut}");
            Check(log, head, said);
            await log.GiveBackAsync(TruncatingChild.Room, TestContext.Current.CancellationToken);
            Check(log, head, said);
            await log.DisposeAsync();
            Assert.Equal((head.Head - head.First + 1, 0), StoredEvents.Count(folder, TruncatingChild.Room, head.First));
        }

        Assert.True(cut > 0);
    }

    private static long Take(string? line, Dictionary<long, string> said)
    {
        switch (line?.Split(' ', 3))
        {
            case ["said", var seq, var text]:
                Assert.True(said.TryAdd(long.Parse(seq, CultureInfo.InvariantCulture), text));
                return 0;
            case ["cut", var seq]:
                return long.Parse(seq, CultureInfo.InvariantCulture);
            default:
                return 0;
        }
    }

    private static void Check(RocksEventLog log, LogHead head, Dictionary<long, string> said)
    {
        List<(long Seq, string Text)> stored = [];
        for (var after = 0L; log.ReadAfter(TruncatingChild.Room, after, 1_000).Entries is { Count: > 0 } page; after = page[^1].Seq)
        {
            stored.AddRange(page.Select(entry => (entry.Seq, Encoding.UTF8.GetString(entry.Body.Span))));
        }

        Assert.Equal(Enumerable.Range(0, (int)(head.Head - head.First + 1)).Select(i => head.First + i), stored.Select(one => one.Seq));
        foreach (var (seq, text) in stored)
        {
            // What was acknowledged is there; what was not may be.
            Assert.Equal(said.GetValueOrDefault(seq, text), text);
        }

        Assert.All(said.Keys, seq => Assert.True(seq <= head.Head));
    }
}
