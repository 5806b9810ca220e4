using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Bounds what is kept of who did what in rooms (<see cref="AuditRecord"/>): once a day, and at start, what is too old goes, and of each
/// room what is beyond so many. What comes meanwhile was paid for as stored bytes. Of <see cref="ServerAudit"/> never less is
/// kept than the defaults say: who it is about cannot have it gone by a setting.
/// </summary>
internal sealed partial class AuditSweep(IRecords records, BrokerLimits limits, IDuties duties, TimeProvider time, ILogger<AuditSweep> logger)
    : ScheduledWork(duties)
{
    private const int PerPage = 250;

    private static readonly TimeSpan _period = TimeSpan.FromDays(1);
    private static readonly BrokerLimits _defaults = new();

    /// <summary>Removes what is too old and too much.</summary>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        Dictionary<string, int> counts = new(StringComparer.Ordinal);
        List<RecordChange> old = [];
        foreach (var (key, _) in Places(AuditRecord.Prefix, cancellation))
        {
            if (!IsOld(key, now))
            {
                Count(counts, AuditRecord.RoomOf(key));
                continue;
            }

            old.Add(new RecordChange(key, null));
            if (old.Count == PerPage)
            {
                await records.WriteAsync(old);
                old = [];
            }
        }

        await records.WriteInPartsAsync(old);
        foreach (var (room, count) in counts)
        {
            var most = MostOf(room);
            if (/* guard: what is kept of who did what in a room */ most > 0 && count > most)
            {
                await ShortenAsync(room, most, count - most, cancellation);
            }
        }
    }

    // First goes what one who did more than half of it did longest ago: else a moderator has gone what the others did, by doing
    // little things over and over. Then what anybody did.
    private async Task ShortenAsync(string room, int most, int surplus, CancellationToken cancellation)
    {
        Dictionary<string, int> all = new(StringComparer.Ordinal), kept = new(StringComparer.Ordinal);
        var prefix = AuditRecord.PrefixOf(room);
        foreach (var (_, value) in Places(prefix, cancellation))
        {
            Count(all, AuthorOf(value));
        }

        var (total, gone) = (0, new List<RecordChange>());
        foreach (var (key, value) in Places(prefix, cancellation))
        {
            var author = AuthorOf(value);
            if (total >= most
                || (/* guard: nobody has gone what others did */ kept.GetValueOrDefault(author) >= Math.Max(most / 2, all.GetValueOrDefault(author) - surplus)))
            {
                gone.Add(new RecordChange(key, null));
                continue;
            }

            Count(kept, author);
            total++;
        }

        await records.WriteInPartsAsync(gone);
    }

    private IEnumerable<KeyValuePair<byte[], byte[]>> Places(byte[] prefix, CancellationToken cancellation)
    {
        for (byte[] last = []; records.ReadPage(prefix, last, PerPage) is { Count: > 0 } page; last = page[^1].Key)
        {
            cancellation.ThrowIfCancellationRequested();

            // A later version wrote what has another place.
            foreach (var one in page.Where(one => AuditRecord.IsPlace(AuditRecord.PlaceOf(one.Key))))
            {
                yield return one;
            }
        }
    }

    private bool IsOld(byte[] key, DateTimeOffset now) =>
        DaysOf(AuditRecord.RoomOf(key)) is > 0 and var days && AuditRecord.AtOf(AuditRecord.PlaceOf(key)) < now.AddDays(-days);

    private int MostOf(string room) => IsOfServer(room) ? AtLeast(limits.AuditPerRoom, _defaults.AuditPerRoom) : limits.AuditPerRoom;

    private int DaysOf(string room) => IsOfServer(room) ? AtLeast(limits.AuditDays, _defaults.AuditDays) : limits.AuditDays;

    private static bool IsOfServer(string room) => /* guard: what administrators did goes by no setting of theirs */ room == ServerAudit.Key;

    // 0 is no end.
    private static int AtLeast(int limit, int least) => limit == 0 ? 0 : Math.Max(limit, least);

    private static string AuthorOf(byte[] value) => AuditRecord.Read(value)?.By.User ?? "";

    private static int Count(Dictionary<string, int> counts, string of) => counts[of] = counts.GetValueOrDefault(of) + 1;

    protected override async Task WorkAsync(CancellationToken over)
    {
        // Not on the thread that starts the program: it reads the disk.
        await Task.Yield();
        using PeriodicTimer timer = new(_period, time);
        do
        {
            try
            {
                await SweepAsync(over);
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                LogNotSwept(logger, error.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(over));
    }

    [LoggerMessage(4361, LogLevel.Warning,
        "What is kept of who did what in rooms could not be shortened; it is tried again in a day: {Reason}")]
    private static partial void LogNotSwept(ILogger logger, string reason);
}
