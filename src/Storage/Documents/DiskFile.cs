using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace WebMessenger.Storage.Documents;

/// <summary>A file of the store on the disk, for this process alone and readable by its owner alone.</summary>
internal sealed class DiskFile : IStoreFile
{
    private readonly FileStream _file;

    private DiskFile(FileStream file) => _file = file;

    public long Length => RandomAccess.GetLength(_file.SafeFileHandle);

    /// <summary>Opens or creates the file, and its folder where there is none.</summary>
    public static DiskFile Open(string path)
    {
        CreateFolder(Path.GetDirectoryName(path)!);
        var isNew = !File.Exists(path);
        FileStreamOptions options = new()
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            // The operating system's lock: two processes on one LiteDB file destroy it,
            // and a killed one must leave nothing that blocks the next.
            Share = /* guard: one process a store */ FileShare.None,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = /* guard: files for their owner only */ UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        DiskFile file = new(new FileStream(path, options));
        if (isNew)
        {
            FolderSync.Run(Path.GetDirectoryName(path)!);
        }
        return file;
    }

    public int Read(Span<byte> buffer, long offset)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var read = RandomAccess.Read(_file.SafeFileHandle, buffer[total..], offset + total);
            if (read == 0)
            {
                break;
            }
            total += read;
        }
        return total;
    }

    public void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(_file.SafeFileHandle, bytes, offset);

    public void SetLength(long length) => RandomAccess.SetLength(_file.SafeFileHandle, length);

    public void Sync()
    {
        if (!OperatingSystem.IsLinux())
        {
            // Also right on macOS (F_FULLFSYNC) and Windows.
            RandomAccess.FlushToDisk(_file.SafeFileHandle);
        }
        else if (DataSync(_file.SafeFileHandle) < 0)
        {
            // Leaves out times, which nobody reads here, but not the file's size:
            // what lies where there was room before does not wait for the file system's journal.
            throw new IOException($"{_file.Name} cannot be synced: {Marshal.GetLastPInvokeErrorMessage()}.");
        }
    }

    public void Dispose() => _file.Dispose();

    [DllImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static extern int DataSync(SafeFileHandle file);

    private static void CreateFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        if (Path.GetDirectoryName(folder) is { } parent)
        {
            FolderSync.Run(parent);
        }
    }
}
