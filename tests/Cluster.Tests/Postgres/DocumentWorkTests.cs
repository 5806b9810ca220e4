using System.Text;
using Npgsql;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Cluster.Tests.Postgres;

/// <summary>Transactions of documents on the writer of the log.</summary>
public sealed class DocumentWorkTests : IAsyncLifetime
{
    private TestHouse _house = null!;

    public async ValueTask InitializeAsync() => _house = await TestHouse.CreateAsync();

    public ValueTask DisposeAsync() => _house is null ? default : _house.DisposeAsync();

    [Fact]
    public async Task It_sees_what_was_written_before_it_and_others_hear_what_it_changed()
    {
        var (one, two) = (_house.Open("one"), _house.Open("two"));
        List<string> heard = [];
        two.Log.Replication.HearDocuments("things", document => heard.Add($"{document.Id} {document.Version} {Encoding.UTF8.GetString(document.Json.Span)}"));
        await one.Log.Replication.BeginAsync();
        await two.Log.Replication.BeginAsync();

        var before = one.WriteAsync("k/a", "1");
        Work work = new() { Read = "SELECT count(*) FROM records", Write = "INSERT INTO records VALUES ('k/b', '2')", Told = [new("things", "x", 1, "{}"u8.ToArray())] };
        var after = one.Say("after");
        await one.Log.CommitAsync(work);
        await before;
        await after;

        Assert.Equal(1, work.Count);
        Assert.True(work.IsCompleted);
        Assert.NotNull(one.Log.Find("k/b"u8));
        await one.Log.Replication.EverywhereAsync();
        Assert.Equal(["x 1 {}"], heard);
    }

    [Fact]
    public async Task Nothing_is_written_where_it_decides_not_to()
    {
        var one = (await _house.OpenAsync("one"))[0];
        var applied = one.Log.Applied;
        await one.Log.CommitAsync(new Work { Read = "SELECT count(*) FROM records", Write = "INSERT INTO records VALUES ('k/b', '2')", Decides = () => false });

        Assert.Null(one.Log.Find("k/b"u8));
        Assert.Equal(applied, one.Log.Applied);
    }

    [Theory]
    [InlineData("SELECT 1 / (count(*) - count(*)) FROM records", "SELECT 1")]
    [InlineData("SELECT count(*) FROM records", "INSERT INTO journal_start (trimmed) VALUES (1)")]
    [InlineData("SELECT count(*) FROM records", "this is no SQL")]
    public async Task What_the_database_refuses_fails_alone(string read, string write)
    {
        var one = (await _house.OpenAsync("one"))[0];
        var before = one.Say("before");
        Work wrong = new() { Read = read, Write = write };
        var failed = one.Log.CommitAsync(wrong);
        await before;

        await Assert.ThrowsAnyAsync<Exception>(() => failed);
        Assert.NotNull(wrong.Failed);
        Assert.Equal(2, (await one.Say("after")).Seq);
        Assert.True(one.Log.Health.IsWriting);
    }

    [Fact]
    public async Task What_it_throws_fails_it_alone()
    {
        var one = (await _house.OpenAsync("one"))[0];
        Work wrong = new() { Read = "SELECT count(*) FROM records", Write = "SELECT 1", Decides = () => throw new InvalidOperationException("on purpose") };

        await Assert.ThrowsAsync<InvalidOperationException>(() => one.Log.CommitAsync(wrong));
        Assert.IsType<InvalidOperationException>(wrong.Failed);
        Assert.Equal(AppendOutcome.Stored, (await one.Say("after")).Outcome);
    }

    private sealed class Work : DocumentWork
    {
        public required string Read { get; init; }

        public required string Write { get; init; }

        public Func<bool> Decides { get; init; } = () => true;

        public IReadOnlyList<ReplicatedDocument> Told { get; init; } = [];

        public long Count { get; private set; }

        public bool IsCompleted { get; private set; }

        public Exception? Failed { get; private set; }

        public override IReadOnlyList<ReplicatedDocument> Changes => Told;

        public override void AddReads(NpgsqlBatch reads) => reads.BatchCommands.Add(new(Read));

        public override async Task ReadAsync(NpgsqlDataReader reader, CancellationToken cancellation)
        {
            await reader.ReadAsync(cancellation);
            Count = reader.GetInt64(0);
        }

        public override bool Decide() => Decides();

        public override void AddWrites(NpgsqlBatch writes) => writes.BatchCommands.Add(new(Write));

        public override void Complete(Exception? failed) => (IsCompleted, Failed) = (true, failed);
    }
}
