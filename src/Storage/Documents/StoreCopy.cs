namespace WebMessenger.Storage.Documents;

/// <summary>Copies of the store's two files, and what tells whether such files are whole.</summary>
public static class StoreCopy
{
    private const int BlockSize = 1 << 20;

    /// <summary>To be called where nothing writes to the files meanwhile.</summary>
    internal static void Make(StoreFiles files, string path, bool isSynced = false)
    {
        Copy(files.Data, path, isSynced);
        Copy(files.Log, path + ".log", isSynced);
    }

    /// <summary>
    /// A page of the data file may be torn only if the log still holds it: then a checkpoint was cut short, and the next opening does it
    /// again. Throws <see cref="StoreUnavailableException"/>.
    /// </summary>
    internal static void ThrowIfDamaged(StoreFiles files)
    {
        var inLog = PagesInLog(files);
        if (files.Data.Length == 0 && inLog.Count > 0 && !inLog.Contains(0))
        {
            throw StoreUnavailableException.DataFileGone(files.Path);
        }

        var frame = new byte[PageFrame.Size];
        for (uint index = 0; index * (long)PageFrame.Size < files.Data.Length; index++)
        {
            var isWhole = files.Data.Read(frame, index * (long)PageFrame.Size) == PageFrame.Size && PageFrame.IsIntact(frame, index);
            if (!isWhole && !inLog.Contains(index))
            {
                throw StoreUnavailableException.DamagedData(files.Path, index);
            }
        }
    }

    /// <summary>Copies the files of a store that is not open, as they are, and syncs the copy.</summary>
    public static void Make(string path, string copy)
    {
        using var files = StoreFiles.Open(path);
        Make(files, copy, isSynced: true);
    }

    /// <summary>
    /// Reads the files of a store that is not open, and throws <see cref="StoreUnavailableException"/>
    /// if not all that was acknowledged is intact.
    /// </summary>
    public static void ThrowIfDamaged(string path)
    {
        using var files = StoreFiles.Open(path);
        ThrowIfDamaged(files);
    }

    private static HashSet<uint> PagesInLog(StoreFiles files)
    {
        var scan = LogScan.Of(files.Log, files.LogPath);
        HashSet<uint> pages = [];
        var frame = new byte[PageFrame.Size];
        for (uint index = 0; index < scan.Frames; index++)
        {
            files.Log.Read(frame, index * (long)PageFrame.Size);
            pages.Add(Page.Number(frame.AsSpan(PageFrame.HeaderSize)));
        }

        return pages;
    }

    private static void Copy(IStoreFile from, string path, bool isSynced)
    {
        using var to = DiskFile.Open(path);
        to.SetLength(0);
        var block = new byte[BlockSize];
        for (var offset = 0L; from.Read(block, offset) is > 0 and var length; offset += length)
        {
            to.Write(block.AsSpan(0, length), offset);
        }

        if (isSynced)
        {
            to.Sync();
        }
    }
}
