using WebMessenger.Auth;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Transports;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Host;

/// <summary>The house of one program: three stores in its data folder.</summary>
internal sealed class FileHouse : House
{
    private const int MostTables = 10_000;

    private readonly DocumentStore _documents;
    private readonly RocksEventLog _log;
    private readonly FtsSearchIndex _search;

    private FileHouse(DocumentStore documents, RocksEventLog log, FtsSearchIndex search) => (_documents, _log, _search) = (documents, log, search);

    public override IDocuments Documents => _documents.Documents;

    public override IEventLog Log => _log;

    public override IRecords Records => _log;

    public override IJournal Journal => _log;

    public override ILogSpace Space => _log;

    public override LogHealth Health => _log.Health;

    public override ISearchIndex Search => _search;

    public static async Task<FileHouse> OpenAsync(DataFolder folder, HandleRoom room, TimeProvider time, ILoggerFactory loggers)
    {
        var (documents, log) = await DataStores.OpenAsync(folder, new RocksEventLogOptions { OpenFiles = room.StoreFiles }, time, loggers);
        try
        {
            return new FileHouse(
                documents, log, FtsSearchIndex.Open(DataFolder.SearchFolderIn(folder.FullPath), loggers.CreateLogger<FtsSearchIndex>()));
        }
        catch
        {
            await log.DisposeAsync();
            await documents.DisposeAsync();
            throw;
        }
    }

    public override Task<AuthServices> OpenAuthAsync(AuthOptions options, TimeProvider time, ILoggerFactory loggers) =>
        AuthServices.OpenAsync(_documents, _log, _log, options, time, loggers);

    public override async Task CopyAsync(string folder)
    {
        DataStores.CreateFolder(folder);
        await Task.Run(() => _log.SaveCopy(DataFolder.RoomsFolderIn(folder)));
        await _documents.CopyAsync(DataFolder.AccountsFileIn(folder));
    }

    public override Task PurgeAsync() => Task.Run(() =>
    {
        _log.Purge();
        try
        {
            // A table each, of which there are fewer: should searches keep its file busy, it is done when they do not.
            _ = Enumerable.Range(0, MostTables).TakeWhile(table => Search.Clean(ofTables: true, out _)).Count();
            Search.Shrink();
        }
        catch (SearchIndexLostException)
        {
            // It is made anew from what there is.
        }
    });

    public override Task PurgeValuesAsync() => Task.Run(() => _log.Purge(RetainedRecord.Prefix));

    public override async ValueTask DisposeAsync()
    {
        _search.Dispose();
        await _log.DisposeAsync();
        await _documents.DisposeAsync();
    }
}
