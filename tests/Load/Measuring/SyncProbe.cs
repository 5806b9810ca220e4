using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace WebMessenger.Load.Measuring;

/// <summary>
/// A growing file, written and synced once per step: what the disk alone takes for what a log must do for every lone message.
/// </summary>
internal sealed partial class SyncProbe(string folder) : IDisposable
{
    // About what an event, its head and the log's framing take.
    private const int StepBytes = 512;

    private readonly SafeFileHandle _file = File.OpenHandle(
        Path.Combine(folder, "sync-probe"), FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.DeleteOnClose);

    private readonly byte[] _bytes = new byte[StepBytes];
    private long _length;

    public Histogram Times { get; } = new();

    public void Run(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            var start = Stopwatch.GetTimestamp();
            RandomAccess.Write(_file, _bytes, _length);
            Sync();
            Times.Record(Stopwatch.GetTimestamp() - start);
            _length += StepBytes;
        }
    }

    public void Dispose() => _file.Dispose();

    private void Sync()
    {
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(_file);
        }
        else if (FDataSync(_file) != 0)
        {
            throw new IOException($"fdatasync failed: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FDataSync(SafeFileHandle file);
}
