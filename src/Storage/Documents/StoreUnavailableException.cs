namespace WebMessenger.Storage.Documents;

/// <summary>
/// The document store cannot be opened, read or written just now. The message names the file and what to do; nothing was acknowledged.
/// </summary>
/// <remarks>
/// After a failed write it is not known whether the write will be there when the store is back: look before trying again.
/// </remarks>
public sealed class StoreUnavailableException : IOException
{
    public StoreUnavailableException(string path, string message, Exception? cause = null)
        : this($"{path}: {message}", cause) => Path = path;

    private StoreUnavailableException(string message, Exception? cause)
        : base(message, cause)
    {
    }

    /// <summary>The file; null where a database has it.</summary>
    public string? Path { get; }

    /// <summary>It is no file that cannot be had, but the database of several nodes.</summary>
    internal static StoreUnavailableException OfDatabase(string message, Exception? cause = null) => new(message, cause);

    internal static StoreUnavailableException InUse(string path, IOException cause) =>
        new(path, $"cannot be opened; is another server running on this data folder? ({cause.Message})", cause);

    internal static StoreUnavailableException NoAccess(string path, Exception cause) =>
        new(path, $"may not be opened: give this user read and write access to the file and its folder. ({cause.Message})", cause);

    internal static StoreUnavailableException NotAStore(string path, Exception? cause = null) =>
        new(path, $"is damaged or no file of this program: restore it from a backup together with its .log file, or move both away to begin anew. {cause?.Message}".TrimEnd(), cause);

    internal static StoreUnavailableException DamagedLog(string path, long frame) =>
        new(path, $"is damaged at page {frame}, and what it held was acknowledged: check the disk, then restore it from a backup together with the data file.");

    internal static StoreUnavailableException DamagedData(string path, long page) =>
        new(path, $"is damaged at page {page}: check the disk, then restore it from a backup together with its .log file.");

    internal static StoreUnavailableException DataFileGone(string path) =>
        new(path, "is empty or gone, but its .log file is not: put the data file back, or restore both from a backup.");

    internal static StoreUnavailableException OfTwoVersions(string path) =>
        new(path, "has been written by version 0.1 after it had been brought into the format of this one: restore it from a backup together with its .log file.");

    internal static StoreUnavailableException NotConverted(string path, Exception cause) =>
        new(path, $"is of version 0.1 and could not be brought into the format of this one; it is as it was, and 0.1 opens it. {cause.Message}", cause);

    internal static StoreUnavailableException From(string path, Exception cause) => cause switch
    {
        StoreUnavailableException known => known,
        IOException or TimeoutException => new(path, $"is not available: {cause.Message} Free disk space or check the disk; the store goes on by itself.", cause),
        _ => NotAStore(path, cause),
    };
}
