using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Cluster.Tests.Postgres;

/// <summary>What nodes tell each other of a batch, as bytes.</summary>
public sealed class HeardBatchTests
{
    private static readonly LogName _lobby = LogName.OfRoom("lobby");
    private static readonly LogName _garden = LogName.OfRoom("garden");

    [Fact]
    public void A_batch_is_read_as_it_was_written()
    {
        var read = HeardBatch.Decode(7, Batch().Encode())!;

        Assert.Equal((7, "one"), (read.Number, read.Node));
        Assert.Equal(Batch().Heads, read.Heads);
        Assert.Equal(Batch().Changes, read.Changes);
        Assert.Equal(Batch().Records.Where(record => record.Key[0] == 'k').Select(Show), read.Records.Select(Show));
        Assert.Equal(("accounts", "ana", 3L, "{}"), (read.Documents[0].Collection, read.Documents[0].Id, read.Documents[0].Version, Text(read.Documents[0].Json)));
        Assert.True(read.Documents[1].IsDeleted);
    }

    [Fact]
    public void The_events_of_a_batch_come_beside_it()
    {
        var batch = Batch();
        var read = BroughtBatch.Decode(BroughtBatch.Encode([new(7, batch.Encode(), batch.EncodeEntries()), new(8, [], []), new(9, batch.Encode(), [])]))!;

        Assert.Equal([7, 8, 9], read.Select(one => one.Number));
        Assert.Null(read[1].Batch);
        Assert.Empty(read[2].Batch!.Entries);
        var log = read[0].Batch!.ToReplicated().Logs[0];
        Assert.Equal((_lobby, JournalKind.Append, 4L, 5L, new LogHead("abc", 5, 2)), (log.Log, log.Kind, log.From, log.To, log.Head));
        Assert.Equal([(4L, "ana", "hello"), (5L, "rui", "")], log.Entries.Select(entry => (entry.Seq, entry.Author, Text(entry.Body))));
        Assert.Equal(batch.Entries[_lobby][0].At, log.Entries[0].At);
    }

    [Fact]
    public void Attack_what_is_cut_off_damaged_or_of_another_version_is_refused_and_nothing_else_happens()
    {
        var whole = BroughtBatch.Encode([new(7, Batch().Encode(), Batch().EncodeEntries())]);
        Assert.NotNull(BroughtBatch.Decode(whole));
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.Null(BroughtBatch.Decode(whole.AsSpan(0, length)));
        }

        Assert.Null(BroughtBatch.Decode([.. whole, 0]));
        Assert.Null(BroughtBatch.Decode([9, .. whole[1..]]));
        Assert.Null(HeardBatch.Decode(7, [9, .. Batch().Encode()[1..]]));
        Random random = new(1);
        for (var round = 0; round < 20_000; round++)
        {
            var damaged = whole.ToArray();
            for (var i = random.Next(1, 5); i > 0; i--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            // Refused, or something else that could be said.
            foreach (var (_, batch) in BroughtBatch.Decode(damaged) ?? [])
            {
                batch?.ToReplicated();
            }
        }
    }

    private static string Show(RecordChange record) => $"{Text(record.Key)}={(record.Value is null ? "-" : Text(record.Value))}";

    private static string Text(ReadOnlyMemory<byte> bytes) => System.Text.Encoding.UTF8.GetString(bytes.Span);

    private static HeardBatch Batch() => new(
        7,
        "one",
        new Dictionary<LogName, PgHead> { [_lobby] = new(12, "abc", 5, 2, 1_000), [_garden] = new(13, "def", 0, 0, 0) },
        [new(_lobby, JournalKind.Append, 4, 5), new(_garden, JournalKind.Drop, 1, 900)],
        [new([.. "k/a"u8], [.. "value"u8]), new([.. "k/b"u8], null), new([.. "k/c"u8], []), new([.. "v/mine"u8], [1]), new([.. "durable/d/x"u8], null)],
        [new ReplicatedDocument("accounts", "ana", 3, "{}"u8.ToArray()), new ReplicatedDocument("accounts", "rui", 0, default)])
    {
        Entries = new Dictionary<LogName, IReadOnlyList<LogEntry>>
        {
            [_lobby] =
            [
                new(4, DateTimeOffset.FromUnixTimeMilliseconds(1_764_000_000_123), "ana", "hello"u8.ToArray()),
                new(5, DateTimeOffset.FromUnixTimeMilliseconds(1_764_000_000_124), "rui", default),
            ],
        },
    };
}
