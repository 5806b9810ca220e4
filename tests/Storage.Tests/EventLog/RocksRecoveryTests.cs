using System.Globalization;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>What the event log makes of files that are not as it left them.</summary>
public sealed class RocksRecoveryTests : IDisposable
{
    private const int Events = 40;

    private static readonly LogName Lobby = LogName.OfRoom("lobby");

    private static readonly LogName Garden = LogName.OfRoom("garden");

    private static readonly byte[] LastSaid = [.. "last said"u8];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Attack_70_a_log_cut_at_any_byte_of_its_tail_opens_with_all_that_is_intact()
    {
        var (original, ends, epoch) = await Fill();
        var wal = await File.ReadAllBytesAsync(WalOf(original), TestContext.Current.CancellationToken);
        foreach (var length in Samples(0, wal.Length, 60).Append(wal.Length))
        {
            LogLines lines = new();
            var copy = CopyOf(original, $"cut {length}");
            await File.WriteAllBytesAsync(WalOf(copy), wal.AsMemory(0, length), TestContext.Current.CancellationToken);

            await using (var log = Open(copy, lines))
            {
                // Every event whose record ends before the cut is there, and nothing else.
                var intact = ends.Count(end => end <= length);
                Assert.Equal(Texts(intact), Read(log, Lobby));
                Assert.Equal(Texts(intact).LastOrDefault(), Record(log));
                Assert.Equal(intact + 1, (await Say(log, "next")).Seq);
                Assert.Equal("next", Record(log));
                if (intact > 0)
                {
                    Assert.Equal(epoch, log.Head(Lobby).Epoch);
                }
            }

            Assert.Empty(lines.Errors);
        }
    }

    [Fact]
    public async Task Attack_71_a_flipped_bit_is_found_and_named_and_what_was_lost_with_it_changes_the_epoch()
    {
        var (original, ends, epoch) = await Fill();
        var wal = await File.ReadAllBytesAsync(WalOf(original), TestContext.Current.CancellationToken);
        // All bits of the first two headers, where a damage is hardest to tell from the end of the log;
        // samples of the rest, and the very last header.
        var bits = Enumerable.Range(0, 14 * 8).Concat(Enumerable.Range((int)ends[^2] * 8, 7 * 8)).Concat(Samples(0, wal.Length * 8, 100));
        foreach (var bit in bits.Distinct())
        {
            LogLines lines = new();
            var copy = CopyOf(original, string.Create(CultureInfo.InvariantCulture, $"bit {bit}"));
            var damaged = (byte[])wal.Clone();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            var path = WalOf(copy);
            await File.WriteAllBytesAsync(path, damaged, TestContext.Current.CancellationToken);

            string after;
            await using (var log = Open(copy, lines))
            {
                Assert.Contains(path, Assert.Single(lines.Errors), StringComparison.Ordinal);
                var intact = ends.Count(end => end <= bit / 8);
                Assert.Equal(Texts(intact), Read(log, Lobby));
                Assert.Equal(Texts(intact).LastOrDefault(), Record(log));
                after = log.Head(Lobby).Epoch;
                Assert.NotEqual(epoch, after);
                Assert.Equal((intact + 1, after), ((await Say(log, "next")).Seq, log.Head(Lobby).Epoch));
            }

            // The files as they were found are kept, and the damage is over.
            var aside = Assert.Single(Directory.GetDirectories(_folder.Path, Path.GetFileName(copy) + ".damaged-*"));
            Assert.Equal(damaged, await File.ReadAllBytesAsync(Path.Combine(aside, Path.GetFileName(path)), TestContext.Current.CancellationToken));
            await using var again = Open(copy, lines);
            Assert.Equal(after, again.Head(Lobby).Epoch);
            Assert.Single(lines.Errors);
        }
    }

    [Fact]
    public async Task A_store_that_does_not_open_is_kept_aside_once_however_often_it_is_tried()
    {
        var (original, _, _) = await Fill();
        var manifest = Directory.GetFiles(original, "MANIFEST-*").Single();
        var bytes = await File.ReadAllBytesAsync(manifest, TestContext.Current.CancellationToken);
        bytes[10] ^= 1;
        await File.WriteAllBytesAsync(manifest, bytes, TestContext.Current.CancellationToken);

        for (var i = 0; i < 3; i++)
        {
            Assert.ThrowsAny<IOException>(() => Open(original));
        }

        Assert.Single(Directory.GetDirectories(_folder.Path, Path.GetFileName(original) + ".damaged-*"));
    }

    [Fact]
    public async Task Attack_71_a_damage_renews_the_epoch_of_every_log_also_when_the_program_dies_in_between()
    {
        var folder = _folder.In("events");
        List<(LogName Log, string Epoch)> before = [];
        await using (var log = Open(folder))
        {
            for (var i = 0; i < 50; i++)
            {
                var name = i % 2 == 0 ? LogName.OfRoom($"room-{i}") : LogName.OfAccount($"account-{i}");
                before.Add((name, (await Say(log, "x", name)).Epoch));
            }
        }

        // As it is left by a program that died after it had opened the store without the damaged part.
        await File.WriteAllTextAsync(Path.Combine(folder, RocksStore.RenewEpochsMark), "", TestContext.Current.CancellationToken);
        await using (var log = Open(folder))
        {
            Assert.All(before, was => Assert.NotEqual(was.Epoch, log.Head(was.Log).Epoch));
            Assert.All(before, was => Assert.Equal(1, log.Head(was.Log).Head));
            Assert.Equal("x", Record(log));
            before = [.. before.Select(was => (was.Log, log.Head(was.Log).Epoch))];
        }

        await using var again = Open(folder);
        Assert.All(before, was => Assert.Equal(was.Epoch, again.Head(was.Log).Epoch));
    }

    [Fact]
    public async Task Attack_71_a_damaged_table_is_never_served_as_valid()
    {
        var folder = _folder.In("events");
        await using (var log = Open(folder))
        {
            for (var i = 0; i < Events; i++)
            {
                await log.AppendAsync(Lobby, "ana", null, 0, Incompressible(4_096));
            }

            await Say(log, "another room", Garden);
        }

        // Opening moves what is in the write-ahead log into a table.
        await using (var log = Open(folder))
        {
            Assert.Equal(Events, log.ReadAfter(Lobby, 0, Events).Entries.Count);
        }

        var table = Assert.Single(Directory.GetFiles(folder, "*.sst"));
        var bytes = await File.ReadAllBytesAsync(table, TestContext.Current.CancellationToken);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(table, bytes, TestContext.Current.CancellationToken);

        await using var damaged = Open(folder);
        Assert.Contains(table, Assert.Throws<LogDamagedException>(() => damaged.ReadAfter(Lobby, 0, Events)).Message, StringComparison.Ordinal);
        Assert.Equal(["another room"], Read(damaged, Garden));
        Assert.Equal(AppendOutcome.Stored, (await Say(damaged, "elsewhere", Garden)).Outcome);
    }

    [Fact]
    public async Task Attack_71_a_store_that_cannot_be_opened_says_so_in_one_line()
    {
        var (folder, _, _) = await Fill();
        var manifest = Assert.Single(Directory.GetFiles(folder, "MANIFEST-*"));
        var bytes = await File.ReadAllBytesAsync(manifest, TestContext.Current.CancellationToken);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(manifest, bytes, TestContext.Current.CancellationToken);

        var refusal = Assert.Throws<LogDamagedException>(() => Open(folder));

        Assert.Contains(folder, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public async Task Attack_73_a_folder_in_use_is_refused_with_one_clear_line()
    {
        var folder = _folder.In("events");
        await using var log = Open(folder);

        var refusal = Assert.Throws<IOException>(() => Open(folder));

        Assert.Contains(folder, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("in use", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
        Assert.Equal(1, (await Say(log, "still works")).Seq);
    }

    private static RocksEventLog Open(string folder, LogLines? lines = null) =>
        RocksEventLog.Open(folder, null, TimeProvider.System, lines ?? new LogLines());

    private static Task<AppendResult> Say(RocksEventLog log, string text, LogName? name = null) =>
        log.AppendAsync(name ?? Lobby, "ana", "id of " + text, 0, Encoding.UTF8.GetBytes(text), [new(LastSaid, Encoding.UTF8.GetBytes(text))]);

    /// <summary>The record that each event brings with it: what was said last.</summary>
    private static string? Record(RocksEventLog log) => log.Find(LastSaid) is { } text ? Encoding.UTF8.GetString(text) : null;

    private static byte[] Incompressible(int length)
    {
        var bytes = new byte[length];
        Random.Shared.NextBytes(bytes);
        return bytes;
    }

    private static string Text(int i) => $"event {i}, said once and kept";

    private static List<string> Texts(int count) => [.. Enumerable.Range(0, count).Select(Text)];

    private static List<string> Read(RocksEventLog log, LogName name) =>
        [.. log.ReadAfter(name, 0, 1_000).Entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span))];

    /// <summary>The write-ahead log that holds the events; the other one is empty.</summary>
    private static string WalOf(string folder) => Directory.GetFiles(folder, "*.log").MaxBy(path => new FileInfo(path).Length)!;

    private static IEnumerable<int> Samples(int from, int to, int count) => Enumerable.Range(0, count).Select(i => from + (int)((long)(to - from) * i / count));

    /// <summary>A folder with events one batch each, where in the file each ends, and the epoch.</summary>
    private async Task<(string Folder, List<long> Ends, string Epoch)> Fill()
    {
        var folder = _folder.In("original");
        List<long> ends = [];
        await using var log = Open(folder);
        for (var i = 0; i < Events; i++)
        {
            await Say(log, Text(i));
            ends.Add(new FileInfo(WalOf(folder)).Length);
        }

        return (folder, ends, log.Head(Lobby).Epoch);
    }

    private string CopyOf(string folder, string name)
    {
        var copy = Directory.CreateDirectory(_folder.In(name)).FullName;
        foreach (var file in Directory.GetFiles(folder))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return copy;
    }
}
