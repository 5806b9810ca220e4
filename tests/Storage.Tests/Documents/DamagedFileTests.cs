using LiteDB;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

public sealed class DamagedFileTests : IDisposable
{
    private const long NoCheckpoint = long.MaxValue;

    private readonly StoreFolder _folder = new();

    public void Dispose()
    {
        LiteDbPool.Mend();
        _folder.Dispose();
    }

    [Fact]
    public async Task Attack_71_A_flipped_bit_in_the_log_is_found_and_never_served()
    {
        var (workload, data, log, last) = await WrittenAsync();
        var seed = Random.Shared.Next();
        Random random = new(seed);
        var refused = 0;
        for (var round = 0; round < 150; round++)
        {
            var damaged = log.Copy();
            Flip(damaged, random.NextInt64(damaged.Length), random.Next(8));
            try
            {
                await using var store = DocumentStore.Open(new StoreFiles("image", data.Copy(), damaged), NoCheckpoint);
                // Only what was written last can look like a write that never ended; of all else it is known that it was acknowledged.
                Assert.True(await workload.WrongAsync(store, last - 1) is null, $"seed {seed}, round {round}: {await workload.WrongAsync(store, last - 1)}");
            }
            catch (StoreUnavailableException refusal)
            {
                Assert.StartsWith("image.log: is damaged at page ", refusal.Message, StringComparison.Ordinal);
                refused++;
            }
        }
        Assert.InRange(refused, 100, 150);
    }

    [Fact]
    public async Task Attack_71_A_bit_flipped_in_the_last_write_takes_that_write_only()
    {
        var (workload, data, log, last) = await WrittenAsync();
        Flip(log, log.Length - 100, 3);
        await using var store = DocumentStore.Open(new StoreFiles("image", data, log), NoCheckpoint);
        Assert.Null(await workload.WrongAsync(store, last - 1));
        Assert.Equal(last - 1, await Workload.NewestAsync(store));
    }

    [Fact]
    public async Task Attack_70_A_log_cut_anywhere_opens_with_whole_transactions()
    {
        var (workload, data, log, last) = await WrittenAsync();
        // The long form: each of the last 65,536 bytes.
        var each = Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1" ? log.Length - 65_536 : log.Length;
        for (var length = log.Length; length > 0; length -= length > each ? 1 : 1_777)
        {
            var cut = log.Copy();
            cut.SetLength(length);
            await using var store = DocumentStore.Open(new StoreFiles("image", data.Copy(), cut), NoCheckpoint);
            Assert.True(await workload.WrongAsync(store, length == log.Length ? last : 0) is null, $"cut to {length}: {await workload.WrongAsync(store, 0)}");
        }
    }

    [Fact]
    public async Task Attack_71_A_page_that_rots_while_the_store_is_open_is_not_served()
    {
        MemoryFile data = new();
        MemoryFile log = new();
        Workload workload = new(1);
        await using var store = DocumentStore.Open(new StoreFiles("image", data, log), NoCheckpoint);
        for (var count = 0; count < 20; count++)
        {
            await workload.WriteNextAsync(store);
        }
        Flip(log, 3 * PageFrame.Size + 500, 0);
        // Rolling back asks for a checkpoint, which reads the whole log.
        await workload.WriteAndThrowAsync(store);
        var refusal = await Assert.ThrowsAsync<StoreUnavailableException>(() => workload.WriteNextAsync(store));
        Assert.StartsWith("image.log: is damaged at page 3", refusal.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => workload.WrongAsync(store, 0));
    }

    [Theory]
    [InlineData("")]
    [InlineData("this is somebody's letter")]
    public async Task A_file_that_is_no_store_is_refused_and_left_as_it_is(string start)
    {
        await using (_folder.Open())
        {
        }
        var foreign = start.PadRight(start.Length == 0 ? 20_000 : 100);
        await File.WriteAllTextAsync(_folder.DataFile, foreign, TestContext.Current.CancellationToken);
        var refusal = Assert.Throws<StoreUnavailableException>(_folder.Open);
        Assert.StartsWith(_folder.DataFile + ": ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("restore it from a backup", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(foreign, await File.ReadAllTextAsync(_folder.DataFile, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_data_file_cut_short_is_never_served_as_an_emptier_one()
    {
        await using (var store = _folder.Open())
        {
            await store.WriteAsync(database => database.GetCollection("numbers").Insert(Enumerable.Range(0, 500).Select(id => new BsonDocument { ["_id"] = id, ["body"] = new string('x', 500) })));
        }
        using (var file = File.OpenWrite(_folder.DataFile))
        {
            file.SetLength(PageFrame.Size);
        }
        await using var again = _folder.Open();
        var refusal = await Assert.ThrowsAsync<StoreUnavailableException>(() => again.ReadAsync(database => database.GetCollection("numbers").Count()));
        Assert.Contains(_folder.DataFile, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attack_71_A_flipped_bit_in_the_data_file_is_found_and_never_served()
    {
        var (workload, data, log, last) = await WrittenAsync();
        await using (DocumentStore.Open(new StoreFiles("image", data, log), NoCheckpoint))
        {
        }
        Assert.Equal(0, log.Length);
        var seed = Random.Shared.Next();
        Random random = new(seed);
        var found = 0;
        for (var round = 0; round < 150; round++)
        {
            var damaged = data.Copy();
            Flip(damaged, random.NextInt64(damaged.Length), random.Next(8));
            try
            {
                await using var store = DocumentStore.Open(new StoreFiles("image", damaged, new MemoryFile()), NoCheckpoint);
                Assert.True(await workload.WrongAsync(store, last) is null, $"seed {seed}, round {round}");
                await workload.WriteNextAsync(store);
            }
            catch (StoreUnavailableException refusal)
            {
                Assert.StartsWith("image: is damaged", refusal.Message, StringComparison.Ordinal);
                found++;
            }
        }
        GC.Collect();
        GC.WaitForPendingFinalizers();
        // The others lie in pages that nobody has read.
        Assert.NotEqual(0, found);
    }

    [Fact]
    public async Task A_log_without_its_data_file_is_refused()
    {
        MemoryFile data = new();
        MemoryFile log = new();
        await using var store = DocumentStore.Open(new StoreFiles("image", data, log), NoCheckpoint);
        await store.WriteAsync(database => database.GetCollection("numbers").Insert(new BsonDocument { ["_id"] = 1 }));
        // Pages of a known collection, and no header among them, which is then in the data file alone.
        MemoryFile headless = new();
        var frame = new byte[PageFrame.Size];
        PageFrame.Build(frame, HeadlessPage(), 1, 0, 0);
        headless.Write(frame, 0);
        var refusal = Assert.Throws<StoreUnavailableException>(() => DocumentStore.Open(new StoreFiles("lone", new MemoryFile(), headless), NoCheckpoint));
        Assert.Contains("put the data file back", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attack_73_A_second_opening_is_refused_in_one_line_and_the_first_goes_on()
    {
        await using var store = _folder.Open();
        var refusal = Assert.Throws<StoreUnavailableException>(_folder.Open);
        Assert.StartsWith(_folder.DataFile + ": ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("another server", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
        await store.WriteAsync(database => database.GetCollection("numbers").Insert(new BsonDocument { ["_id"] = 1 }));
    }

    [Fact]
    public void A_path_that_is_a_folder_is_refused_by_name()
    {
        Directory.CreateDirectory(_folder.DataFile);
        var refusal = Assert.Throws<StoreUnavailableException>(_folder.Open);
        Assert.StartsWith(_folder.DataFile + ": ", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>A store as kill -9 would leave it: everything in the log.</summary>
    private static async Task<(Workload Workload, MemoryFile Data, MemoryFile Log, int Last)> WrittenAsync()
    {
        const int Transactions = 40;
        MemoryFile data = new();
        MemoryFile log = new();
        Workload workload = new(5);
        await using var store = DocumentStore.Open(new StoreFiles("image", data, log), NoCheckpoint);
        for (var count = 0; count < Transactions; count++)
        {
            await workload.WriteNextAsync(store);
        }
        return (workload, data.Copy(), log.Copy(), Transactions);
    }

    private static byte[] HeadlessPage()
    {
        var page = new byte[Page.Size];
        page[0] = 5;
        Page.MarkForLog(page, 1);
        return page;
    }

    private static void Flip(MemoryFile file, long offset, int bit)
    {
        LiteDbPool.Mend();
        Span<byte> value = [0];
        file.Read(value, offset);
        value[0] ^= (byte)(1 << bit);
        file.Write(value, offset);
    }
}
