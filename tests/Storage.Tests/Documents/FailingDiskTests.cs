using LiteDB;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

public sealed class FailingDiskTests : IDisposable
{
    private const long CheckpointAt = 100 * 1024;

    // Less than a write of these tests needs, so that a full disk is met at once.
    private const long Reserve = PageFrame.Size;

    private readonly StoreFolder _folder = new();
    private readonly FaultyFile _data;
    private readonly FaultyFile _log;
    private readonly DocumentStore _store;
    private readonly ToldLines _told = new();

    public FailingDiskTests()
    {
        _data = new FaultyFile(DiskFile.Open(_folder.DataFile));
        _log = new FaultyFile(DiskFile.Open(_folder.LogFile));
        _store = DocumentStore.Open(new StoreFiles(_folder.DataFile, _data, _log), CheckpointAt, Reserve, _told);
    }

    // LiteDB has finalizers that throw, and a throwing finalizer ends the process: they must run while the test does.
    public void Dispose()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        LiteDbPool.Mend();
        _folder.Dispose();
    }

    [Fact]
    public async Task Attack_72_On_a_full_disk_writes_are_refused_reading_goes_on_and_writing_resumes_by_itself()
    {
        await WriteAsync(1);

        _data.IsFull = _log.IsFull = true;
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var refusal = await Assert.ThrowsAsync<StoreUnavailableException>(() => WriteAsync(2));
            Assert.Contains(_folder.DataFile, refusal.Message, StringComparison.Ordinal);
            Assert.Contains("No space left", refusal.Message, StringComparison.Ordinal);
            Assert.Equal([1], await ReadAsync(_store));
        }

        _data.IsFull = _log.IsFull = false;
        await WriteAsync(3);
        Assert.Equal([1, 3], await ReadAsync(_store));
        await AssertAfterReopeningAsync(1, 3);
    }

    [Fact]
    public async Task Fault_B36_However_many_write_to_a_full_disk_it_is_told_once_and_so_is_its_end()
    {
        await WriteAsync(1);
        _data.IsFull = _log.IsFull = true;
        for (var attempt = 0; attempt < 20; attempt++)
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(() => WriteAsync(2));
            Assert.Equal([1], await ReadAsync(_store));
        }

        var (line, error) = Assert.Single(_told.Lines);
        Assert.Contains("No space left", line, StringComparison.Ordinal);
        Assert.Null(error);
        _data.IsFull = _log.IsFull = false;
        await WriteAsync(3);
        await WriteAsync(4);
        Assert.Equal(2, _told.Lines.Count);
    }

    [Fact]
    public async Task Attack_72_When_the_data_file_cannot_grow_nothing_acknowledged_is_lost()
    {
        _data.IsFull = true;
        var acknowledged = 0;
        var refusal = await Assert.ThrowsAsync<StoreUnavailableException>(async () =>
        {
            for (; ; acknowledged++)
            {
                await WriteAsync(acknowledged);
            }
        });
        Assert.Contains("No space left", refusal.Message, StringComparison.Ordinal);
        Assert.NotEqual(0, acknowledged);
        Assert.Equal(Enumerable.Range(0, acknowledged), await ReadAsync(_store));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => WriteAsync(acknowledged));
        Assert.Equal(Enumerable.Range(0, acknowledged), await ReadAsync(_store));

        _data.IsFull = false;
        await WriteAsync(acknowledged);
        await AssertAfterReopeningAsync([.. Enumerable.Range(0, acknowledged + 1)]);
    }

    [Fact]
    public async Task A_store_closed_on_a_full_disk_keeps_what_it_acknowledged_in_the_log()
    {
        await WriteAsync(1);
        _data.IsFull = true;
        await AssertAfterReopeningAsync(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_write_whose_sync_fails_is_not_acknowledged_and_the_next_one_is_again(bool inLog)
    {
        var file = inLog ? _log : _data;
        await WriteAsync(1);
        file.FailsToSync = true;
        // The data file is synced only by a checkpoint, and a failed one is what stops writing.
        List<int> acknowledged = [1];
        await Assert.ThrowsAsync<StoreUnavailableException>(async () =>
        {
            for (var number = 2; ; number++)
            {
                await WriteAsync(number);
                acknowledged.Add(number);
            }
        });
        await Assert.ThrowsAsync<StoreUnavailableException>(() => WriteAsync(1_000));

        file.FailsToSync = false;
        await WriteAsync(2_000);
        var found = await ReadAsync(_store);
        // What was refused may be there or not; what was acknowledged must be.
        Assert.Empty(acknowledged.Append(2_000).Except(found));
        await AssertAfterReopeningAsync([.. found]);
    }

    [Fact]
    public async Task Of_writes_that_wait_together_none_is_acknowledged_when_their_sync_fails()
    {
        await WriteAsync(1);
        using ManualResetEventSlim go = new();
        var gate = _store.ReadAsync(_ => { go.Wait(); return 0; });
        var waiting = Enumerable.Range(2, 20).Select(WriteAsync).ToList();
        _log.FailsToSync = true;
        go.Set();
        await gate;
        foreach (var write in waiting)
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(() => write);
        }
        _log.FailsToSync = false;
        await WriteAsync(100);
        Assert.Empty(new[] { 1, 100 }.Except(await ReadAsync(_store)));
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task Whatever_fails_whenever_nothing_acknowledged_is_lost_and_no_write_is_there_in_part()
    {
        const int DocumentsPerWrite = 20;
        var seed = Random.Shared.Next();
        Random mishaps = new(seed);
        Random lengths = new(seed);
        List<int> acknowledged = [];
        _data.Mishap = _log.Mishap = () => mishaps.Next(40) == 0;
        for (var number = 0; number < 400; number++)
        {
            var write = number;
            try
            {
                await _store.WriteAsync(database => database.GetCollection("documents").Insert(Enumerable.Range(0, DocumentsPerWrite)
                    .Select(document => new BsonDocument { ["_id"] = (write * 100) + document, ["write"] = write, ["body"] = new string('x', lengths.Next(3_000)) })));
                acknowledged.Add(number);
            }
            catch (StoreUnavailableException)
            {
            }
        }
        _data.Mishap = _log.Mishap = null;

        Assert.InRange(acknowledged.Count, 1, 399);
        await WriteAsync(1);
        await _store.DisposeAsync();
        await using var again = _folder.Open();
        var found = await again.ReadAsync(database =>
            database.GetCollection("documents").FindAll().GroupBy(document => document["write"].AsInt32).ToDictionary(write => write.Key, write => write.Count()));
        Assert.True(!acknowledged.Except(found.Keys).Any(), $"seed {seed}: lost {string.Join(", ", acknowledged.Except(found.Keys))}");
        Assert.All(found.Values, documents => Assert.Equal(DocumentsPerWrite, documents));
    }

    private Task WriteAsync(int number) => _store.WriteAsync(database =>
    {
        database.GetCollection("numbers").Insert(new BsonDocument { ["_id"] = number, ["body"] = new string('x', 3_000) });
    });

    private static Task<List<int>> ReadAsync(DocumentStore store) =>
        store.ReadAsync(database => database.GetCollection("numbers").FindAll().Select(number => number["_id"].AsInt32).ToList());

    private async Task AssertAfterReopeningAsync(params int[] expected)
    {
        await _store.DisposeAsync();
        await using var again = _folder.Open();
        Assert.Equal(expected, await ReadAsync(again));
    }
}
