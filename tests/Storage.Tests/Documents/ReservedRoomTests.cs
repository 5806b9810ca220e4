using LiteDB;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>What the store does while nobody waits for it: room in the log ahead of what is written, and the log copied early.</summary>
public sealed class ReservedRoomTests : IDisposable
{
    private const long Reserve = 64 * PageFrame.Size;

    private readonly MemoryFile _data = new();
    private readonly WatchedFile _log = new();

    public void Dispose() => LiteDbPool.Mend();

    [Fact]
    public async Task A_write_finds_its_room_made_before_and_a_kill_leaves_no_unfinished_write_for_it()
    {
        await using var store = DocumentStore.Open(new StoreFiles("image", _data, _log), long.MaxValue, Reserve);
        await WriteAsync(store, 1);
        await _log.HasGrownTo(Reserve);
        var length = _log.Length;

        await WriteAsync(store, 2);

        Assert.Equal(length, _log.Length);
        var killed = _log.Copy();
        Assert.Equal(0, CheckedLogStream.Open(killed.Copy(), "image.log").Discarded);
        await using var next = DocumentStore.Open(new StoreFiles("image", _data.Copy(), killed), long.MaxValue, Reserve);
        Assert.Equal([1, 2], await ReadAsync(next));
    }

    [Fact]
    public async Task Attack_70_A_write_torn_amid_the_room_ahead_is_cut_off_and_said()
    {
        await using var store = DocumentStore.Open(new StoreFiles("image", _data, _log), long.MaxValue, Reserve);
        await WriteAsync(store, 1);
        await _log.HasGrownTo(Reserve);
        var torn = _log.Copy();
        var written = LogScan.Of(torn, "image.log").Frames * (long)PageFrame.Size;
        torn.Write([1, 2, 3], written + 5_000);

        Assert.Equal(5_003, CheckedLogStream.Open(torn.Copy(), "image.log").Discarded);
        await using var next = DocumentStore.Open(new StoreFiles("image", _data.Copy(), torn), long.MaxValue, Reserve);
        Assert.Equal([1], await ReadAsync(next));
    }

    [Fact]
    public async Task A_store_with_nothing_to_do_copies_its_log_before_it_must()
    {
        const long CheckpointAt = 400 * 1024;
        await using var store = DocumentStore.Open(new StoreFiles("image", _data, _log), CheckpointAt);
        var emptied = _log.NextEmptying();
        var number = 0;
        while (_log.Length < CheckpointAt / 2 && !emptied.IsCompleted)
        {
            await WriteAsync(store, ++number);
        }

        await emptied.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.Equal(Enumerable.Range(1, number), await ReadAsync(store));
        await WriteAsync(store, ++number);
        Assert.Equal(Enumerable.Range(1, number), await ReadAsync(store));
    }

    private static Task WriteAsync(DocumentStore store, int number) =>
        store.WriteAsync(database => { database.GetCollection("numbers").Insert(new BsonDocument { ["_id"] = number }); });

    private static Task<List<int>> ReadAsync(DocumentStore store) =>
        store.ReadAsync(database => database.GetCollection("numbers").FindAll().Select(number => number["_id"].AsInt32).ToList());

    private sealed class WatchedFile : MemoryFile
    {
        private volatile TaskCompletionSource? _emptied;
        private readonly TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _size;
        private long _synced;

        public Task NextEmptying() => (_emptied = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

        /// <summary>And synced: nothing is written to it any more until somebody asks for it.</summary>
        public Task HasGrownTo(long size)
        {
            lock (_grown)
            {
                _size = size;
                Look();
            }
            return _grown.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }

        public override void SetLength(long length)
        {
            base.SetLength(length);
            _emptied?.TrySetResult();
        }

        public override void Sync()
        {
            lock (_grown)
            {
                _synced = Length;
                Look();
            }
        }

        private void Look()
        {
            if (_size > 0 && _synced >= _size)
            {
                _grown.TrySetResult();
            }
        }
    }
}
