using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Bounds what is kept of who did what in rooms (<see cref="AuditRecord"/>): once a day, and at start, what is too old goes, and of each
/// room what is beyond the newest so many. What comes meanwhile was paid for as stored bytes. Of <see cref="ServerAudit"/> never less is
/// kept than the defaults say: who it is about cannot have it gone by a setting.
/// </summary>
internal sealed partial class AuditSweep(IRecords records, BrokerLimits limits, TimeProvider time, ILogger<AuditSweep> logger)
    : BackgroundService
{
    private const int PerPage = 250;

    private static readonly TimeSpan _period = TimeSpan.FromDays(1);
    private static readonly BrokerLimits _defaults = new();

    /// <summary>Removes what is too old and too much.</summary>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var (over, overOfServer) = (Before(now, limits.AuditDays), Before(now, AtLeast(limits.AuditDays, _defaults.AuditDays)));
        var ofServer = AtLeast(limits.AuditPerRoom, _defaults.AuditPerRoom);
        var (room, count) = ("", 0);
        IReadOnlyList<KeyValuePair<byte[], byte[]>> page;
        byte[] last = [];
        do
        {
            cancellation.ThrowIfCancellationRequested();
            page = records.ReadPage(AuditRecord.Prefix, last, PerPage);
            List<RecordChange> gone = [];
            foreach (var (key, _) in page)
            {
                last = key;
                if (AuditRecord.PlaceOf(key) is var place && !AuditRecord.IsPlace(place))
                {
                    // A later version wrote it.
                    continue;
                }

                (room, count) = AuditRecord.RoomOf(key) is var of && of == room ? (room, count + 1) : (of, 1);
                var (most, oldest) = (/* guard: what administrators did goes by no setting of theirs */ room == ServerAudit.Key)
                    ? (ofServer, overOfServer) : (limits.AuditPerRoom, over);
                if (AuditRecord.AtOf(place) < oldest
                    || (/* guard: what is kept of who did what in a room */ most > 0 && count > most))
                {
                    gone.Add(new RecordChange(key, null));
                }
            }

            if (gone.Count > 0)
            {
                await records.WriteAsync(gone);
            }
        }
        while (page.Count == PerPage);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Not on the thread that starts the program: it reads the disk.
        await Task.Yield();
        using PeriodicTimer timer = new(_period, time);
        do
        {
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                LogNotSwept(logger, error.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private static DateTimeOffset Before(DateTimeOffset now, int days) => days > 0 ? now.AddDays(-days) : DateTimeOffset.MinValue;

    // 0 is no end.
    private static int AtLeast(int limit, int least) => limit == 0 ? 0 : Math.Max(limit, least);

    [LoggerMessage(4361, LogLevel.Warning,
        "What is kept of who did what in rooms could not be shortened; it is tried again in a day: {Reason}")]
    private static partial void LogNotSwept(ILogger logger, string reason);
}
