using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Bounds what is kept of who did what in rooms (<see cref="AuditRecord"/>): once a day, and at start, what is too old goes, and of each
/// room what is beyond the newest so many. What comes meanwhile was paid for as stored bytes.
/// </summary>
internal sealed partial class AuditSweep(IRecords records, BrokerLimits limits, TimeProvider time, ILogger<AuditSweep> logger)
    : BackgroundService
{
    private const int PerPage = 250;

    private static readonly TimeSpan _period = TimeSpan.FromDays(1);

    /// <summary>Removes what is too old and too much.</summary>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        var over = limits.AuditDays > 0 ? time.GetUtcNow().AddDays(-limits.AuditDays) : DateTimeOffset.MinValue;
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
                if (AuditRecord.AtOf(place) < over
                    || (/* guard: what is kept of who did what in a room */ limits.AuditPerRoom > 0 && count > limits.AuditPerRoom))
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

    [LoggerMessage(4361, LogLevel.Warning,
        "What is kept of who did what in rooms could not be shortened; it is tried again in a day: {Reason}")]
    private static partial void LogNotSwept(ILogger logger, string reason);
}
