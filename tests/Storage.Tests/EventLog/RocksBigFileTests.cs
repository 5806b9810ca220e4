using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>What one append reads from disk, when there is far more than the cache holds.</summary>
public sealed class RocksBigFileTests : IDisposable
{
    private const int Before = 200_000;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Fault_R15_That_an_id_is_new_is_known_without_reading_the_filter_of_all_that_there_are()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells what a thread has read.");
        RocksEventLogOptions small = new() { BatchCount = 16_384, MemtableBytes = 1 << 20, BlockCacheBytes = 1 << 20 };
        await using var log = RocksEventLog.Open(_folder.In("events"), small, TimeProvider.System, NullLogger<RocksEventLog>.Instance);
        for (var first = 0; first < Before; first += small.BatchCount)
        {
            var said = Enumerable.Range(first, small.BatchCount).Select(_ => new Said()).ToList();
            said.ForEach(one => log.Append(one, moreFollows: true));
            log.Wake();
            await Task.WhenAll(said.Select(one => one.BytesRead));
        }

        List<long> read = [];
        for (var i = 0; i < 50; i++)
        {
            Said one = new();
            log.Append(one);
            read.Add(await one.BytesRead);
        }

        // The filter of all of them is 500 kB; a part of it, and of the index, 4 kB.
        var each = (read[^1] - read[0]) / (read.Count - 1);
        Assert.True(each < 100_000, $"An append reads {each:N0} bytes.");
    }

    private sealed class Said() : PendingAppend(LogName.OfRoom("big"), "ana", Guid.NewGuid().ToString("N"), 0, "hello"u8.ToArray())
    {
        private readonly TaskCompletionSource<long> _bytesRead = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>By the log's thread since it began.</summary>
        public Task<long> BytesRead => _bytesRead.Task;

        protected override void Completed()
        {
            Assert.Equal(AppendOutcome.Stored, Outcome);
            var line = File.ReadLines("/proc/thread-self/io").First();
            _bytesRead.SetResult(long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));
        }
    }
}
