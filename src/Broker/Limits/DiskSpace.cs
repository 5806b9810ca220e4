using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Limits;

/// <summary>What of the data folder's disk is free, and how large that disk is, in bytes.</summary>
internal readonly record struct DiskRoom(long Free, long Total);

/// <summary>
/// Whether the disk has room left. Below a reserve only what takes rights away is stored, so that a crowd that writes never keeps anybody
/// from signing out.
/// </summary>
/// <remarks>Thread-safe: looked at by one, asked by any, without a lock.</remarks>
/// <param name="look">The disk as it is now; throws <see cref="IOException"/> when it cannot be told.</param>
internal sealed class DiskSpace(Func<DiskRoom> look, BrokerLimits limits)
{
    private volatile bool _isLow;

    /// <summary>Less than the reserve was free at the last look.</summary>
    public bool IsLow => _isLow;

    public static DiskSpace Of(string folder, BrokerLimits limits)
    {
        DriveInfo disk = new(folder);
        return new DiskSpace(() => new DiskRoom(disk.AvailableFreeSpace, disk.TotalSize), limits);
    }

    /// <summary>Bytes that are kept free on a disk of that size; 0: none.</summary>
    /// <remarks>
    /// The share matters on a small disk and the bytes on a large one: a card of 8 GB is not full with 1 GB free, nor a disk of 10 TB with
    /// 400 GB.
    /// </remarks>
    public static long Reserve(long total, BrokerLimits limits)
    {
        var bytes = (long)limits.FreeDiskMegabytes << 20;
        return limits.FreeDiskPercent == 0 ? bytes : Math.Min(bytes, total / 100 * limits.FreeDiskPercent);
    }

    /// <summary>The disk as it is now; null: it cannot be told.</summary>
    public DiskRoom? Room()
    {
        try
        {
            return look();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Looks at the disk. What cannot be looked at is taken for full by its own errors, not by this.</summary>
    public void Look()
    {
        try
        {
            var room = look();
            var reserve = Reserve(room.Total, limits);

            // It is over only when a little more is free than what it began with, so that it does not come and go with every file.
            _isLow = room.Free < (_isLow ? reserve + (reserve / 10) : reserve);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _isLow = false;
        }
    }
}
