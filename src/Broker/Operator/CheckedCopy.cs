using System.Security.Cryptography;

namespace WebMessenger.Broker.Operator;

/// <summary>Copies a file, syncs the copy, and tells what was copied.</summary>
internal static class CheckedCopy
{
    private const int BlockSize = 1 << 20;

    public static async Task<BackupFile> RunAsync(string from, string to, string name, CancellationToken cancellation)
    {
        await using FileStream source = new(from, new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0, Options = FileOptions.Asynchronous });
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, Options = FileOptions.Asynchronous };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using FileStream target = new(to, options);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[BlockSize];
        var bytes = 0L;
        while (await source.ReadAsync(block, cancellation) is > 0 and var length)
        {
            hash.AppendData(block, 0, length);
            await target.WriteAsync(block.AsMemory(0, length), cancellation);
            bytes += length;
        }

        target.Flush(flushToDisk: true);
        return new BackupFile(name, bytes, Convert.ToHexStringLower(hash.GetCurrentHash()));
    }
}
