using System.Buffers.Binary;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Tests.Sessions;

/// <summary>
/// How many batches the event log has written, each with one sync: counted in RocksDB's write-ahead log, where a batch is one record.
/// </summary>
internal static class WrittenBatches
{
    private const int BlockSize = 32 << 10;
    private const int HeaderSize = 7;

    // Types 1 and 2 begin a batch, 3 and 4 go on with one.
    private const byte LastThatBegins = 2;

    public static int In(string folder) => Directory.EnumerateFiles(folder, "*.log").Sum(InFile);

    private static int InFile(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var block = new byte[BlockSize];
        var batches = 0;
        int length;
        while ((length = file.ReadAtLeast(block, BlockSize, throwOnEndOfStream: false)) > 0)
        {
            for (var at = 0; length - at >= HeaderSize && block[at + 6] != 0; at += HeaderSize + BinaryPrimitives.ReadUInt16LittleEndian(block.AsSpan(at + 4)))
            {
                batches += block[at + 6] <= LastThatBegins ? 1 : 0;
            }
        }

        return batches;
    }
}

/// <summary>Holds the log's thread, so that what comes meanwhile waits for it; writes nothing.</summary>
internal sealed class HeldLog : PendingAppend, IDisposable
{
    private readonly ManualResetEventSlim _released = new();
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private HeldLog()
        : base(LogName.OfRoom("held"), "ana", null, default, default)
    {
    }

    protected internal override bool HasRight
    {
        get
        {
            _held.SetResult();
            _released.Wait();
            return false;
        }
    }

    public static async Task<HeldLog> HoldAsync(IEventLog log)
    {
        HeldLog held = new();
        log.Append(held);
        await held._held.Task;
        return held;
    }

    public void Dispose() => _released.Set();

    protected override void Completed()
    {
        // It has no right, and nobody waits for it.
    }
}
