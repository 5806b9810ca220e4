using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Admin;

/// <summary>
/// What was measured of late: each minute of a day, and ten minutes together of a week. Kept with the data, ten minutes a record, so that a
/// restart leaves a gap and no blank.
/// </summary>
/// <remarks>Bounded: as many records as a week has ten minutes, some 250 bytes each. <see cref="Put"/> and storing are for one caller at a
/// time; reading for any.</remarks>
internal sealed class Figures(IRecords records, TimeProvider time)
{
    /// <summary>What the data folder takes.</summary>
    public const string OfDisk = "disk_bytes";

    /// <summary>Name and unit of each column.</summary>
    public static readonly IReadOnlyList<(string Name, string Unit)> Columns =
    [
        ("connections", "count"), ("messages", "per_second"), ("delivery_p50_ms", "ms"), ("delivery_p99_ms", "ms"), (OfDisk, "bytes"),
        ("memory_bytes", "bytes"),
    ];

    private const int MinutesOfDay = 24 * 60, MinutesTogether = 10, TensOfWeek = 7 * 24 * 6;
    private const byte Format = 1;

    private static readonly byte[] s_prefix = "fig/"u8.ToArray();

    private readonly FigureRing _minutes = new(MinutesOfDay, Columns.Count);
    private readonly FigureRing _tens = new(TensOfWeek, Columns.Count);

    // Those of the ten minutes that are not over.
    private readonly float[] _open = NothingYet();
    private long _openTen;

    /// <summary>What an earlier run of the program has measured.</summary>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public async Task LoadAsync()
    {
        var oldest = TenOf(time.GetUtcNow()) - TensOfWeek;
        List<RecordChange> gone = [];
        foreach (var (key, value) in records.ReadAll(s_prefix))
        {
            if (!long.TryParse(Encoding.ASCII.GetString(key.AsSpan(s_prefix.Length)), NumberStyles.None, CultureInfo.InvariantCulture, out var ten)
                || ten <= oldest || value.Length != 1 + (_open.Length * sizeof(float)) || value[0] != Format)
            {
                gone.Add(new RecordChange(key, null));
                continue;
            }

            var rows = NothingYet();
            for (var i = 0; i < rows.Length; i++)
            {
                rows[i] = BinaryPrimitives.ReadSingleBigEndian(value.AsSpan(1 + (i * sizeof(float))));
            }

            for (var minute = 0; minute < MinutesTogether; minute++)
            {
                _minutes.Put((ten * MinutesTogether) + minute, RowOf(rows, minute));
            }

            _tens.Put(ten, Together(rows));

            // The program was stopped within these ten minutes, and goes on in them.
            rows.CopyTo(_open.AsSpan());
            _openTen = ten;
        }

        await records.WriteInPartsAsync(gone);
    }

    /// <summary>The figures of the minute that it is.</summary>
    /// <returns>What is to be stored, for ten minutes are over; empty: nothing yet.</returns>
    public IReadOnlyList<RecordChange> Put(ReadOnlySpan<float> row)
    {
        var minute = MinuteOf(time.GetUtcNow());
        var changes = Open(minute / MinutesTogether);
        row.CopyTo(RowOf(_open, (int)(minute % MinutesTogether)));
        _minutes.Put(minute, row);
        _tens.Put(_openTen, Together(_open));
        return changes;
    }

    /// <summary>What is to be stored at the end.</summary>
    public IReadOnlyList<RecordChange> Rest() => _openTen == 0 ? [] : [Record()];

    /// <param name="hours">1, 24 or 168.</param>
    public FiguresView Read(int hours)
    {
        var (ring, step, count) = hours > 24 ? (_tens, MinutesTogether, TensOfWeek) : (_minutes, 1, hours * 60);
        var last = MinuteOf(time.GetUtcNow()) / step;
        return new FiguresView(
            step * 60,
            Timestamps.Format(DateTimeOffset.UnixEpoch.AddMinutes((last - count + 1) * step)),
            [.. Columns.Select((column, i) => new FigureSeries(column.Name, column.Unit, ring.Read(last, count, i)))]);
    }

    // Another ten minutes begin: those before are stored, and the oldest go.
    private RecordChange[] Open(long ten)
    {
        if (ten == _openTen)
        {
            return [];
        }

        RecordChange[] changes = _openTen == 0 ? [] : [Record(), new RecordChange(KeyOf(ten - TensOfWeek), null)];
        NothingYet().CopyTo(_open.AsSpan());
        _openTen = ten;
        return changes;
    }

    private RecordChange Record()
    {
        var value = new byte[1 + (_open.Length * sizeof(float))];
        value[0] = Format;
        for (var i = 0; i < _open.Length; i++)
        {
            BinaryPrimitives.WriteSingleBigEndian(value.AsSpan(1 + (i * sizeof(float))), _open[i]);
        }

        return new RecordChange(KeyOf(_openTen), value);
    }

    // The mean of what was measured; of the longest ways the longest, or ten quiet minutes would hide a bad one.
    private static float[] Together(float[] rows)
    {
        var together = new float[Columns.Count];
        for (var column = 0; column < together.Length; column++)
        {
            var measured = Enumerable.Range(0, MinutesTogether).Select(minute => rows[(minute * Columns.Count) + column]).Where(value => !float.IsNaN(value)).ToList();
            together[column] = measured.Count == 0 ? float.NaN : Columns[column].Name == "delivery_p99_ms" ? measured.Max() : measured.Average();
        }

        return together;
    }

    private static Span<float> RowOf(float[] rows, int minute) => rows.AsSpan(minute * Columns.Count, Columns.Count);

    private static float[] NothingYet() => [.. Enumerable.Repeat(float.NaN, MinutesTogether * Columns.Count)];

    private static long MinuteOf(DateTimeOffset at) => at.ToUnixTimeSeconds() / 60;

    private static long TenOf(DateTimeOffset at) => MinuteOf(at) / MinutesTogether;

    private static byte[] KeyOf(long ten) => [.. s_prefix, .. Encoding.ASCII.GetBytes(ten.ToString("D10", CultureInfo.InvariantCulture))];
}
