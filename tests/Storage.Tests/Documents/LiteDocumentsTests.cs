using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>The contract over LiteDB in checked frames, on real files.</summary>
public sealed class LiteDocumentsTests : DocumentsContract
{
    private readonly StoreFolder _folder = new();
    private FaultyFile _data = null!;
    private FaultyFile _log = null!;
    private DocumentStore _store = null!;

    [Fact]
    public async Task Commits_that_wait_for_the_same_sync_share_it()
    {
        using ManualResetEventSlim go = new();
        var blocked = _store.WriteAsync(_ => go.Wait());
        var commits = Enumerable.Range(0, 100).Select(i => _store.Documents.CommitAsync([Put("rooms", $"{i}", 0, "{}")])).ToList();
        var before = _log.Syncs;
        go.Set();
        await blocked;
        Assert.All(await Task.WhenAll(commits), outcome => Assert.True(outcome.IsDone));

        Assert.InRange(_log.Syncs - before, 1, 3);
    }

    protected override Task<IDocuments> OpenAsync()
    {
        _data = new FaultyFile(DiskFile.Open(_folder.DataFile));
        _log = new FaultyFile(DiskFile.Open(_folder.LogFile));
        _store = DocumentStore.Open(new StoreFiles(_folder.DataFile, _data, _log), checkpointAt: 1024 * 1024);
        return Task.FromResult(_store.Documents);
    }

    protected override async Task CloseAsync() => await _store.DisposeAsync();

    // LiteDB has finalizers that throw, and a throwing finalizer ends the process: they must run while the test does.
    protected override void Clean()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        _folder.Dispose();
    }

    protected override void SetDisk(bool works) => _data.FailsToSync = _log.FailsToSync = !works;
}
