using System.Globalization;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>
/// The last 65,536 bytes of the newest log file, cut and flipped byte by byte: samples of it in each run, all of it in the long form.
/// The events are of many lengths; some reach over the log's blocks of 32 KiB.
/// </summary>
public sealed class RocksTailTests : IDisposable
{
    private const int Tail = 65_536;
    private const int Samples = 60;

    private static readonly LogName Lobby = LogName.OfRoom("lobby");

    private static readonly RocksEventLogOptions _options = new() { MemtableBytes = 1 << 20, BlockCacheBytes = 1 << 20 };

    private readonly string _folder = NewFolder();
    private readonly List<string> _texts = [];
    private readonly List<long> _ends = [];
    private readonly int _seed = Random.Shared.Next();

    private static bool IsLong => Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1";

    private string Original => Path.Combine(_folder, "original");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Attack_70_cut_at_any_of_its_last_65536_bytes_the_log_opens_with_all_that_is_intact_in_the_same_epoch()
    {
        var (wal, epoch) = await FillAsync();
        await ForEachAsync(Positions(wal.Length, wal.Length), async (length, folder) =>
        {
            await CopyAsync(folder, wal.AsMemory(0, length));
            var intact = _ends.Count(end => end <= length);
            LogLines lines = new();
            await using var log = RocksEventLog.Open(folder, _options, TimeProvider.System, lines);
            Assert.Empty(lines.Errors);
            Assert.Equal((epoch, intact), (log.Head(Lobby).Epoch, log.Head(Lobby).Head));
            AssertTexts(log, intact);
            Assert.Equal((intact + 1, epoch), await NextAsync(log));
        });
    }

    [Fact]
    public async Task Attack_71_a_bit_flipped_in_any_of_its_last_65536_bytes_is_named_and_what_it_took_changes_the_epoch()
    {
        var (wal, epoch) = await FillAsync();
        await ForEachAsync(Positions(wal.Length, wal.Length - 1), async (at, folder) =>
        {
            var damaged = (byte[])wal.Clone();
            damaged[at] ^= (byte)(1 << new Random(_seed + at).Next(8));
            var path = await CopyAsync(folder, damaged);
            var intact = _ends.Count(end => end <= at);
            LogLines lines = new();
            await using var log = RocksEventLog.Open(folder, _options, TimeProvider.System, lines);
            Assert.Contains(path, Assert.Single(lines.Errors), StringComparison.Ordinal);
            var head = log.Head(Lobby);
            Assert.Equal(intact, head.Head);
            Assert.NotEqual(epoch, head.Epoch);
            AssertTexts(log, intact);
            Assert.Equal((intact + 1, head.Epoch), await NextAsync(log));
        });
    }

    /// <summary>In memory, where the system has such a place: it is opened very often.</summary>
    private static string NewFolder()
    {
        const string memory = "/dev/shm";
        const long enough = 256 << 20;
        try
        {
            if (Directory.Exists(memory) && new DriveInfo(memory).AvailableFreeSpace >= enough)
            {
                return Directory.CreateDirectory(Path.Combine(memory, $"webmessenger-tail-{Guid.NewGuid():N}")).FullName;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not for us, then.
        }

        return Directory.CreateTempSubdirectory("webmessenger-tail-").FullName;
    }

    private static string WalOf(string folder) => Directory.GetFiles(folder, "*.log").MaxBy(path => new FileInfo(path).Length)!;

    private static async Task<(long Seq, string Epoch)> NextAsync(RocksEventLog log)
    {
        var next = await log.AppendAsync(Lobby, "ana", "next", 0, Encoding.UTF8.GetBytes("next"));
        Assert.Equal(AppendOutcome.Stored, next.Outcome);
        return (next.Seq, next.Epoch);
    }

    /// <summary>
    /// All of the tail in the long form; else samples, and what is near some ends of records and near the edges of blocks.
    /// </summary>
    private IEnumerable<int> Positions(int length, int last)
    {
        var first = length - Tail;
        if (IsLong)
        {
            return Enumerable.Range(first + 1, last - first);
        }

        Random random = new(_seed);
        var near = random.GetItems(_ends.ToArray(), 6).Concat([_ends[^1], 32 << 10, 64 << 10, 96 << 10]).SelectMany(end => new[] { end - 1, end, end + 1, end + 6, end + 7 });
        return Enumerable.Range(0, Samples).Select(_ => random.Next(first, last + 1)).Concat(near.Select(at => (int)at)).Where(at => at > first && at <= last).Distinct();
    }

    private async Task ForEachAsync(IEnumerable<int> positions, Func<int, string, Task> check)
    {
        var count = 0;
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = 2, CancellationToken = TestContext.Current.CancellationToken };
        await Parallel.ForEachAsync(positions, parallel, async (position, _) =>
        {
            var place = Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"at-{position}"));
            var folder = Directory.CreateDirectory(Path.Combine(place, "events")).FullName;
            try
            {
                await check(position, folder);
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"seed {_seed}, byte {position}: {error.Message}", error);
            }

            Interlocked.Increment(ref count);
            Directory.Delete(place, recursive: true);
        });
        Assert.True(count >= (IsLong ? Tail - 1 : Samples / 2));
    }

    private async Task<string> CopyAsync(string folder, ReadOnlyMemory<byte> wal)
    {
        var name = Path.GetFileName(WalOf(Original));
        foreach (var file in RocksStore.FilesIn(Original).Where(file => Path.GetFileName(file) != name))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        var path = Path.Combine(folder, name);
        await File.WriteAllBytesAsync(path, wal);
        return path;
    }

    private void AssertTexts(RocksEventLog log, int intact)
    {
        List<string> read = [];
        while (log.ReadAfter(Lobby, read.Count, 1_000).Entries is { Count: > 0 } entries)
        {
            read.AddRange(entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span)));
        }

        Assert.Equal(_texts.Take(intact), read);
    }

    /// <summary>Events one batch each, over three and a half blocks; where in the file each ends.</summary>
    private async Task<(byte[] Wal, string Epoch)> FillAsync()
    {
        Random random = new(_seed);
        await using (var log = RocksEventLog.Open(Original, _options, TimeProvider.System, new LogLines()))
        {
            var wal = "";
            do
            {
                var length = random.Next(12) switch { 0 => random.Next(3_000, 9_000), 1 => 0, _ => random.Next(1, 400) };
                // One that begins in a block, fills the next and ends in a third.
                length = _texts.Count == 40 ? 50_000 : length;
                var text = $"{_texts.Count} {new string((char)('a' + random.Next(26)), length)}";
                Assert.Equal(AppendOutcome.Stored, (await log.AppendAsync(Lobby, "ana", $"id {_texts.Count}", 0, Encoding.UTF8.GetBytes(text))).Outcome);
                wal = wal.Length == 0 ? WalOf(Original) : wal;
                _texts.Add(text);
                _ends.Add(new FileInfo(wal).Length);
            }
            while (_ends[^1] < 112 << 10 || _texts.Count < 60);

            var bytes = await File.ReadAllBytesAsync(wal);
            Assert.Equal(_ends[^1], bytes.Length);
            return (bytes, log.Head(Lobby).Epoch);
        }
    }
}
