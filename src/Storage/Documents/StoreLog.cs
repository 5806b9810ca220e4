using Microsoft.Extensions.Logging;

namespace WebMessenger.Storage.Documents;

/// <summary>What the document store says to the operator. Ids 2100–2109.</summary>
internal static partial class StoreLog
{
    [LoggerMessage(2100, LogLevel.Information, "{Path}: {Bytes} bytes of an unfinished write were cut off; nothing that was acknowledged is lost.")]
    public static partial void TailCut(this ILogger logger, string path, long bytes);

    // A full disk is no fault of ours, and whoever is allowed to write can fill one: its line has no trace.
    [LoggerMessage(2101, LogLevel.Error, "{Path}: failed; what was being written is refused, and the files are opened anew. {Cause}")]
    public static partial void StoreFailed(this ILogger logger, string path, string cause);

    [LoggerMessage(2105, LogLevel.Error, "{Path}: failed; what was being written is refused, and the files are opened anew.")]
    public static partial void StoreBroke(this ILogger logger, string path, Exception cause);

    [LoggerMessage(2102, LogLevel.Error, "{Path}: open for reading only; each write tries again. {Cause}")]
    public static partial void ReadOnly(this ILogger logger, string path, string? cause);

    [LoggerMessage(2103, LogLevel.Information, "{Path}: available again.")]
    public static partial void Recovered(this ILogger logger, string path);

    [LoggerMessage(2106, LogLevel.Information, "{Path}: brought {Count} documents of version 0.1 into the format of this one.")]
    public static partial void LeftFirstFormat(this ILogger logger, string path, int count);

    [LoggerMessage(2104, LogLevel.Warning, "{Path}: closed without a checkpoint; what was acknowledged is in its .log file and is taken from there at the next start.")]
    public static partial void ClosedWithoutCheckpoint(this ILogger logger, string path, Exception cause);
}
