using WebMessenger.Storage;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Settings;

/// <summary>
/// The two stores of a data folder, opened in their order; those of an earlier version are kept as they were, and then brought up to date.
/// </summary>
internal static class DataStores
{
    /// <param name="folder">Held by the caller.</param>
    /// <exception cref="IOException">One cannot be opened, or not be kept; none is open then.</exception>
    public static async Task<(DocumentStore Documents, RocksEventLog Log)> OpenAsync(
        DataFolder folder, RocksEventLogOptions? options, TimeProvider time, ILoggerFactory loggers)
    {
        options ??= new RocksEventLogOptions();
        var logger = loggers.CreateLogger<RocksEventLog>();
        RocksEventLog? log = null;
        RocksStore? events = null;
        DocumentStore? documents = null;
        try
        {
            events = RocksStore.Open(folder.RoomsFolder, options, time, logger);
            if (/* guard: a copy before the migration */ events.IsOfOlderFormat)
            {
                LogMessages.Migrates(logger, Keep(folder, events));
            }

            // The log first: once it is of the new format, which the earlier version refuses,
            // what was kept is not made anew from what is half brought up to date.
            var opened = events;
            events = null;
            log = RocksEventLog.Open(opened, options, time, logger);
            ThrowIfAccountsAreGone(folder, log);
            documents = DocumentStore.Open(folder.AccountsFile, loggers.CreateLogger<DocumentStore>());
            await ThrowIfAccountsAreEmptyAsync(documents.Documents, log);
            return (documents, log);
        }
        catch
        {
            events?.Dispose();
            if (documents is not null)
            {
                await documents.DisposeAsync();
            }

            if (log is not null)
            {
                await log.DisposeAsync();
            }

            throw;
        }
    }

    // Started without them, the first stranger were the administrator, and all whom the rooms name would be taken for erased.
    private static void ThrowIfAccountsAreGone(DataFolder folder, RocksEventLog log)
    {
        if (!File.Exists(folder.AccountsFile) && (/* guard: no start without the accounts of the rooms */ log.ReadPage([], [], 1).Count > 0 || log.ReadLogs(null, 1).Count > 0))
        {
            throw new IOException(
                "accounts.db is gone, and rooms/ beside it is not empty. Put it back, or restore a backup; to begin anew, move rooms/ away.");
        }
    }

    // A file of no bytes opens as a new one. Rooms are written there before the first record of anything in the log.
    private static async Task ThrowIfAccountsAreEmptyAsync(IDocuments documents, RocksEventLog log)
    {
        foreach (var collection in new[] { "accounts", "rooms", "formerRooms" })
        {
            if ((await documents.PageAsync(collection, null, 1)).Count > 0)
            {
                return;
            }
        }

        if (/* guard: no start with empty accounts beside rooms */ log.ReadPage([], [], 1).Count > 0)
        {
            throw new IOException(
                "accounts.db is empty, and rooms/ beside it is not. Restore it from a backup; "
                + "to begin anew, move accounts.db, accounts.db.log and rooms/ away.");
        }
    }

    /// <summary>Makes a folder for a copy of the stores, which is its owner's alone.</summary>
    public static void CreateFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, DataFolder.OwnerOnly);
        }
    }

    /// <summary>
    /// Keeps both stores as an earlier version left them, before anything of them is changed: a data folder that it can be started on.
    /// Tables are hard links where the disk has them. What an attempt left that was ended in between is made anew,
    /// for the earlier version may have gone on meanwhile.
    /// </summary>
    private static string Keep(DataFolder folder, RocksStore events)
    {
        var kept = DataFolder.FirstFormatIn(folder.FullPath);
        var partial = kept + ".partial";
        Delete(partial);
        CreateFolder(partial);
        events.SaveCopy(DataFolder.RoomsFolderIn(partial));
        if (File.Exists(folder.AccountsFile))
        {
            StoreCopy.Make(folder.AccountsFile, DataFolder.AccountsFileIn(partial));
        }

        FolderSync.Run(partial);
        Delete(kept);
        Directory.Move(partial, kept);
        FolderSync.Run(folder.FullPath);
        return kept;

        static void Delete(string path)
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }
        }
    }
}
