using System.Runtime.InteropServices;

namespace WebMessenger.Broker.Hosting;

/// <summary>The folder with everything that is kept, held by one process at a time.</summary>
internal sealed partial class DataFolder : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly FileStream _lock;

    private DataFolder(string path, FileStream lockFile) => (FullPath, _lock) = (path, lockFile);

    public string FullPath { get; }

    public string AccountsFile => Path.Combine(FullPath, "accounts.db");

    public string RoomsFolder => Path.Combine(FullPath, "rooms");

    /// <summary>Makes the folder if need be and locks it. The lock is the operating system's, so that it goes with the process, however that ends.</summary>
    public static DataFolder Open(string path)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                // RocksDB has no setting for the mode of its files.
                _ = SetFileModeMask(0x3F);
                Directory.CreateDirectory(path, OwnerOnly);
                File.SetUnixFileMode(path, OwnerOnly);
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

        var lockPath = Path.Combine(path, "lock");
        try
        {
            return new DataFolder(path, new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException error) when (error is not (DirectoryNotFoundException or FileNotFoundException or PathTooLongException))
        {
            throw new StartupException($"The data folder {path} is in use by another WebMessenger. Stop it first, or set WebMessenger:DataFolder to another folder.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The data folder {path} cannot be written: {error.Message} Set WebMessenger:DataFolder to a folder you may write to.", error);
        }
    }

    public void Dispose() => _lock.Dispose();

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint SetFileModeMask(uint mask);
}
