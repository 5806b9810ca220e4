using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>Copies of a store that goes on writing, and what tells damage from what a cut leaves behind.</summary>
public sealed class StoreCopyTests : IDisposable
{
    private const long CheckpointAt = 160 * 1024;
    private const long Reserve = 6 * PageFrame.Size;

    private readonly StoreFolder _folder = new();
    private readonly StoreFolder _copies = new();
    private readonly int _seed = Random.Shared.Next();

    public void Dispose()
    {
        LiteDbPool.Mend();
        _folder.Dispose();
        _copies.Dispose();
    }

    [Fact]
    public async Task A_copy_made_amid_writes_has_all_that_was_acknowledged_before_and_no_half_transaction()
    {
        Workload workload = new(_seed);
        await using var store = DocumentStore.Open(StoreFiles.Open(_folder.DataFile), CheckpointAt, Reserve);
        var written = 0;
        for (var copy = 0; copy < 20; copy++)
        {
            for (var write = 0; write < copy % 5; write++)
            {
                await workload.WriteNextAsync(store);
                written++;
            }
            if (copy % 4 == 0)
            {
                await workload.WriteAndThrowAsync(store);
            }
            var path = Path.Combine(Path.GetDirectoryName(_copies.DataFile)!, $"{copy}.db");
            var copying = store.CopyAsync(path);
            var after = Enumerable.Range(0, 5).Select(_ => workload.WriteNextAsync(store)).ToList();
            await copying;

            StoreCopy.ThrowIfDamaged(path);
            await using (var opened = DocumentStore.Open(path))
            {
                Assert.True(await workload.WrongAsync(opened, written) is null, $"seed {_seed}: {await workload.WrongAsync(opened, written)}");
                Assert.Equal(written, await Workload.NewestAsync(opened));
            }
            await Task.WhenAll(after);
            written += after.Count;
        }
        Assert.Null(await workload.WrongAsync(store, written));
    }

    [Fact]
    public async Task Whatever_a_power_cut_leaves_is_no_damage()
    {
        Workload workload = new(_seed);
        RecordedDisk disk = new();
        await using (var store = DocumentStore.Open(disk.Files, CheckpointAt, Reserve))
        {
            for (var written = 1; written <= 120; written++)
            {
                await workload.WriteNextAsync(store);
                disk.Acknowledge(written);
            }
        }
        foreach (var image in PowerCuts.Of(disk.Operations(), 200, _seed))
        {
            var error = Record.Exception(() => StoreCopy.ThrowIfDamaged(image.Files));
            Assert.True(error is null, $"seed {_seed}, cut at {image.At}: {error?.Message}");
        }
    }

    [Fact]
    public async Task Attack_71_Each_flipped_bit_in_the_data_file_is_found_also_in_pages_that_nobody_reads()
    {
        var (data, log) = await WrittenAsync(long.MaxValue);
        // Opened and closed once: all is in the data file, and the log is empty.
        await using (DocumentStore.Open(new StoreFiles("image", data, log), long.MaxValue))
        {
        }
        StoreCopy.ThrowIfDamaged(new StoreFiles("image", data, log));
        Random random = new(_seed);
        for (var round = 0; round < 300; round++)
        {
            var damaged = data.Copy();
            Flip(damaged, random.NextInt64(damaged.Length), random.Next(8));
            var refusal = Assert.Throws<StoreUnavailableException>(() => StoreCopy.ThrowIfDamaged(new StoreFiles("image", damaged, log.Copy())));
            Assert.StartsWith("image: is damaged at page ", refusal.Message, StringComparison.Ordinal);
        }
        var cut = data.Copy();
        cut.SetLength(cut.Length - 1);
        Assert.Throws<StoreUnavailableException>(() => StoreCopy.ThrowIfDamaged(new StoreFiles("image", cut, log.Copy())));
    }

    [Fact]
    public async Task Attack_71_A_flipped_bit_in_what_the_log_had_acknowledged_is_found()
    {
        var (data, log) = await WrittenAsync(long.MaxValue);
        StoreCopy.ThrowIfDamaged(new StoreFiles("image", data, log));
        Flip(log, 5 * PageFrame.Size + 500, 2);

        var refusal = Assert.Throws<StoreUnavailableException>(() => StoreCopy.ThrowIfDamaged(new StoreFiles("image", data, log)));

        Assert.StartsWith("image.log: is damaged at page 5", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_that_lacks_its_data_file_is_found()
    {
        var (_, log) = await WrittenAsync(long.MaxValue);
        // The header as it was first written is in the log, and so is every page: only without it is anything missing.
        StoreCopy.ThrowIfDamaged(new StoreFiles("image", new MemoryFile(), log));
        MemoryFile headless = new();
        var frame = new byte[PageFrame.Size];
        var page = new byte[Page.Size];
        page[0] = 7;
        Page.MarkForLog(page, 1);
        PageFrame.Build(frame, page, 1, 0, 0);
        headless.Write(frame, 0);

        var refusal = Assert.Throws<StoreUnavailableException>(() => StoreCopy.ThrowIfDamaged(new StoreFiles("image", new MemoryFile(), headless)));

        Assert.Contains("put the data file back", refusal.Message, StringComparison.Ordinal);
    }

    private async Task<(MemoryFile Data, MemoryFile Log)> WrittenAsync(long checkpointAt)
    {
        MemoryFile data = new();
        MemoryFile log = new();
        Workload workload = new(_seed);
        await using var store = DocumentStore.Open(new StoreFiles("image", data, log), checkpointAt);
        for (var count = 0; count < 60; count++)
        {
            await workload.WriteNextAsync(store);
        }
        return (data.Copy(), log.Copy());
    }

    private static void Flip(MemoryFile file, long at, int bit)
    {
        var one = new byte[1];
        file.Read(one, at);
        one[0] ^= (byte)(1 << bit);
        file.Write(one, at);
    }
}
