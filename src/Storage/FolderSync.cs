using System.Runtime.InteropServices;
using System.Text;

namespace WebMessenger.Storage;

/// <summary>Makes the names in a folder survive a power cut: without it a synced new file can be gone altogether.</summary>
/// <remarks>By hand because .NET opens no handle on a folder. Windows journals names by itself.</remarks>
public static class FolderSync
{
    private const int ReadOnly = 0;

    public static void Run(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        var descriptor = Open(Encoding.UTF8.GetBytes(folder + '\0'), ReadOnly);
        if (descriptor < 0)
        {
            throw Error(folder);
        }
        try
        {
            if (Sync(descriptor) < 0)
            {
                throw Error(folder);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static IOException Error(string folder) => new($"The folder {folder} cannot be synced: {Marshal.GetLastPInvokeErrorMessage()}.");

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Sync(int descriptor);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    private static extern int Close(int descriptor);
}
