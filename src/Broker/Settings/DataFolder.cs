using System.Runtime.InteropServices;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Settings;

/// <summary>The folder with everything that is kept, held by one process at a time.</summary>
internal sealed partial class DataFolder : IDisposable
{
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private const string LockFile = "lock";
    private const string RestoreMark = "RESTORE-NOT-FINISHED";

    // What is stored by who has this folder is elsewhere: without the setting that says where, an empty house would be opened here.
    private const string NodeMark = "node-of-a-cluster";

    private readonly FileStream _lock;

    private DataFolder(string path, FileStream lockFile) => (FullPath, _lock) = (path, lockFile);

    public string FullPath { get; }

    public string AccountsFile => AccountsFileIn(FullPath);

    public string RoomsFolder => RoomsFolderIn(FullPath);

    /// <summary>Where a copy of both stores is made for a backup; gone when nobody reads it.</summary>
    public static string SnapshotFolderIn(string path) => Path.Combine(path, "backup-snapshot");

    /// <summary>A data folder as version 0.1 left it, which was kept before it was brought to the formats of this version.</summary>
    public static string FirstFormatIn(string path) => Path.Combine(path, "as-0.1-left-it");

    /// <summary>The socket at which commands ask the running server.</summary>
    public static string ControlSocketIn(string path) => Path.Combine(path, "control.socket");

    /// <summary>The same names in a data folder and in a backup.</summary>
    public static string AccountsFileIn(string path) => Path.Combine(path, "accounts.db");

    public static string RoomsFolderIn(string path) => Path.Combine(path, "rooms");

    /// <summary>What is derived from the rooms for searching: in no backup, and made anew when it is not there.</summary>
    public static string SearchFolderIn(string path) => Path.Combine(path, "search");

    /// <summary>
    /// Makes the folder if need be and locks it. The lock is the operating system's, so that it goes with the process, however that ends.
    /// </summary>
    public static DataFolder Open(string path)
    {
        var folder = OpenIfFree(path)
            ?? throw new StartupException($"The data folder {path} is in use by another WebMessenger. Stop it first, or set WebMessenger:DataFolder to another folder.");
        try
        {
            folder.ThrowIfHalfRestored();
            folder.ThrowIfHalfMoved();
            folder.ThrowIfOfNode();
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>The same for a node of a cluster, which has nothing in it but the operator's socket.</summary>
    public static DataFolder OpenForNode(string path)
    {
        var folder = OpenIfFree(path)
            ?? throw new StartupException($"The data folder {path} is in use by another WebMessenger. Each node has one of its own: set WebMessenger:DataFolder to another folder.");
        try
        {
            folder.ThrowIfHalfRestored();
            folder.ThrowIfHalfMoved();
            if (/* guard: a node does not leave data aside */ File.Exists(folder.AccountsFile) || Directory.Exists(folder.RoomsFolder))
            {
                throw new StartupException(
                    $"There is data in {path} that a cluster would not have. Bring it into the database by the command cluster move (docs/cluster.md), "
                    + "or set WebMessenger:DataFolder to another folder.");
            }

            File.WriteAllBytes(Path.Combine(path, NodeMark), []);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Whether what is stored is elsewhere: the last that served from this folder was a node of a cluster.</summary>
    public static bool IsOfNode(string path) => File.Exists(Path.Combine(path, NodeMark));

    private void ThrowIfOfNode()
    {
        if (/* guard: a node does not start alone */ IsOfNode(FullPath))
        {
            throw new StartupException(
                $"The data folder {FullPath} is a node's, whose data is in PostgreSQL. Set WebMessenger:Cluster:Postgres; or set WebMessenger:DataFolder to another folder to begin anew alone.");
        }
    }

    public void ThrowIfHalfRestored()
    {
        if (File.Exists(Path.Combine(FullPath, RestoreMark)))
        {
            throw new StartupException($"What is in {FullPath} was not restored to the end. Restore the backup again.");
        }
    }

    /// <summary>
    /// The same for a folder into which a backup is restored, or was to be:
    /// it has no data but what such an attempt left behind, and that goes.
    /// </summary>
    public static DataFolder OpenForRestore(string path)
    {
        var folder = OpenIfFree(path) ?? throw new StartupException($"A server is running on the data folder {path}. Stop it first, or set WebMessenger:DataFolder to another folder.");
        try
        {
            var mark = Path.Combine(path, RestoreMark);
            if (File.Exists(mark))
            {
                folder.Clear();
            }
            else if (folder.Entries.Any())
            {
                throw new StartupException($"There is data in {path} already. Move it away, or set WebMessenger:DataFolder to another folder.");
            }

            using (FileStream file = new(mark, FileMode.Create))
            {
                file.Flush(flushToDisk: true);
            }

            FolderSync.Run(path);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>From here on what was restored is data.</summary>
    public void RestoreIsFinished()
    {
        // First all that the mark speaks of, then the mark.
        FolderSync.Run(FullPath);
        File.Delete(Path.Combine(FullPath, RestoreMark));
        FolderSync.Run(FullPath);
    }

    /// <summary>Removes all but the lock; the mark of a restore last.</summary>
    public void Clear()
    {
        foreach (var entry in Entries.OrderBy(entry => Path.GetFileName(entry) == RestoreMark).ToList())
        {
            if (Directory.Exists(entry))
            {
                Directory.Delete(entry, recursive: true);
            }
            else
            {
                File.Delete(entry);
            }
        }
    }

    /// <summary>Null when another process has it.</summary>
    public static DataFolder? OpenIfFree(string path)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                // RocksDB has no setting for the mode of its files.
                _ = SetFileModeMask(/* guard: mode of the files of the events */ 0x3F);
                Directory.CreateDirectory(path, OwnerOnly);
                File.SetUnixFileMode(path, /* guard: mode of the data folder */ OwnerOnly);
            }
            else
            {
                Directory.CreateDirectory(path);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The data folder {path} cannot be made or written: {error.Message} Set WebMessenger:DataFolder to a folder you may write to.", error);
        }

        var lockPath = Path.Combine(path, LockFile);
        FolderRights.RefuseLink(lockPath);
        FileStream lockFile;
        try
        {
            lockFile = new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, /* guard: one program a data folder */ FileShare.None);
        }
        catch (IOException error) when (error is not (DirectoryNotFoundException or FileNotFoundException or PathTooLongException))
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The data folder {path} cannot be written: {error.Message} Set WebMessenger:DataFolder to a folder you may write to.", error);
        }

        try
        {
            // Under the lock: a server that runs makes and removes files meanwhile.
            FolderRights.Tighten(path);
            return new DataFolder(path, lockFile);
        }
        catch (Exception error)
        {
            lockFile.Dispose();
            throw error is IOException or UnauthorizedAccessException
                ? new StartupException(
                    $"The data folder {path} cannot be made safe from others: {error.Message} "
                    + "Give all of it to the user that runs the server.", error)
                : error;
        }
    }

    public void Dispose() => _lock.Dispose();

    // What time it is, is no data.
    private IEnumerable<string> Entries =>
        Directory.EnumerateFileSystemEntries(FullPath).Where(entry => Path.GetFileName(entry) is not (LockFile or ClockFile.Name));

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint SetFileModeMask(uint mask);
}
