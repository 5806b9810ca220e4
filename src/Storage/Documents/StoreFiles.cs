namespace WebMessenger.Storage.Documents;

/// <summary>The store's two files, held open, and so locked, for as long as the store lives.</summary>
internal sealed record StoreFiles(string Path, IStoreFile Data, IStoreFile Log) : IDisposable
{
    public string LogPath => Path + ".log";

    /// <summary>Throws <see cref="StoreUnavailableException"/>.</summary>
    public static StoreFiles Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        var data = OpenFile(path);
        try
        {
            // Not LiteDB's own "-log" name: its tools would take these frames for pages.
            return new StoreFiles(path, data, OpenFile(path + ".log"));
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Data.Dispose();
        Log.Dispose();
    }

    private static DiskFile OpenFile(string path)
    {
        try
        {
            return DiskFile.Open(path);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or DirectoryNotFoundException)
        {
            throw StoreUnavailableException.NoAccess(path, error);
        }
        catch (IOException error)
        {
            throw StoreUnavailableException.InUse(path, error);
        }
    }
}
