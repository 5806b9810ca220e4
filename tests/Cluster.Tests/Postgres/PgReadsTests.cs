using System.Net;
using System.Net.Sockets;
using Npgsql;
using WebMessenger.Cluster.Connections;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Tests.Postgres;

/// <summary>Who reads has a thread: few wait for a database that does not answer.</summary>
public sealed class PgReadsTests : IDisposable
{
    private readonly TcpListener _deaf = new(IPAddress.Loopback, 0);

    public PgReadsTests() => _deaf.Start(1_024);

    public void Dispose() => _deaf.Dispose();

    [Fact]
    public async Task While_the_database_does_not_answer_one_reader_waits_for_it_and_the_others_are_told_at_once()
    {
        await using var database = NpgsqlDataSource.Create(Connection(seconds: 1));
        PgReads reads = new(database, new ReadGate());
        await RefusedAsync(reads);

        var readers = Enumerable.Range(0, 20).Select(_ => RefusedAsync(reads)).ToList();
        var told = 0;
        while (readers.Count > 1)
        {
            var first = await Task.WhenAny(readers);
            Assert.Contains("is away", await first, StringComparison.Ordinal);
            readers.Remove(first);
            told++;
        }

        Assert.Equal(19, told);
        Assert.DoesNotContain("is away", await readers[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_readers_that_wait_there_are_so_many_at_most_and_they_read_when_it_is_back()
    {
        var there = await TestDatabase.ConnectionAsync();
        await using var database = NpgsqlDataSource.Create(there);
        PgReads reads = new(database, new ReadGate());
        Assert.Equal(1, reads.Read(One));
        using SemaphoreSlim goOn = new(0);
        using CountdownEvent inside = new(10);
        NpgsqlDataSource full = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(there) { MaxPoolSize = 10, Timeout = 30 });
        await using var disposed = full;
        PgReads crowded = new(full, new ReadGate());
        var waiting = Enumerable.Range(0, PgReads.MostReaders).Select(_ => OwnThread(() => crowded.Read(connection =>
        {
            if (!inside.IsSet)
            {
                inside.Signal();
                goOn.Wait();
            }

            return One(connection);
        }))).ToList();
        inside.Wait(TestContext.Current.CancellationToken);
        string? refused = null;
        while (refused is null)
        {
            // Until all of them are waiting it waits with them, or is the one too many.
            var one = OwnThread(() => crowded.Read(One));
            if (await Task.WhenAny(one, Task.Delay(20, TestContext.Current.CancellationToken)) == one && one.IsFaulted)
            {
                refused = Assert.IsType<StoreUnavailableException>(one.Exception.InnerException).Message;
            }
            else
            {
                waiting.Add(one);
            }
        }

        Assert.Contains("too many wait", refused, StringComparison.Ordinal);
        goOn.Release(PgReads.MostReaders);
        Assert.All((await Task.WhenAll(waiting.Select(ResultAsync))).Where(result => result is not null), result => Assert.Equal(1, result));
        Assert.Equal(1, crowded.Read(One));
    }

    [Fact]
    public async Task While_all_connections_read_who_waits_too_long_is_told_that_and_not_that_the_database_is_away()
    {
        await using var small = await OneConnectionAsync();
        PgReads reads = new(small, new ReadGate());
        var process = reads.Read(Process);
        using ManualResetEventSlim goOn = new();
        using ManualResetEventSlim inside = new();
        var reading = OwnThread(() => reads.Read(connection =>
        {
            inside.Set();
            goOn.Wait();
            return Process(connection);
        }));
        inside.Wait(TestContext.Current.CancellationToken);

        // One after the other: the second would be told of what the first has found.
        Assert.Contains("too many wait", await RefusedAsync(reads), StringComparison.Ordinal);
        Assert.Contains("too many wait", await RefusedAsync(reads), StringComparison.Ordinal);
        var others = Enumerable.Range(0, 5).Select(_ => RefusedAsync(reads)).ToList();
        Assert.All(await Task.WhenAll(others), told => Assert.Contains("too many wait", told, StringComparison.Ordinal));

        // The connection is the one that it was: nobody has thrown it away for a dead one.
        goOn.Set();
        Assert.Equal(process, await reading);
        Assert.Equal(process, reads.Read(Process));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_same_of_documents_and_searches(bool waits)
    {
        await using var small = await OneConnectionAsync();
        PooledReads reads = new(small);
        await using var held = await small.OpenConnectionAsync(TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => waits
            ? OwnThread(() => reads.Read(() => new NpgsqlCommand("SELECT 1"), reader => reader.Read()))
            : reads.ReadAsync(() => new NpgsqlCommand("SELECT 1"), reader => reader.ReadAsync(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken));

        Assert.Contains("too many wait", refused.Message, StringComparison.Ordinal);
        await held.DisposeAsync();
        Assert.True(await reads.ReadAsync(() => new NpgsqlCommand("SELECT 1"), reader => reader.ReadAsync(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken));
    }

    private static async Task<NpgsqlDataSource> OneConnectionAsync() =>
        NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(await TestDatabase.ConnectionAsync()) { MaxPoolSize = 1, Timeout = 1 });

    private static int Process(NpgsqlConnection connection)
    {
        Assert.Equal(1, One(connection));
        return connection.ProcessID;
    }

    private static int One(NpgsqlConnection connection)
    {
        using NpgsqlCommand command = new("SELECT 1", connection);
        return (int)command.ExecuteScalar()!;
    }

    // Null: it was one too many.
    private static async Task<int?> ResultAsync(Task<int> read)
    {
        try
        {
            return await read;
        }
        catch (StoreUnavailableException)
        {
            return null;
        }
    }

    private static Task<string> RefusedAsync(PgReads reads) => OwnThread(() => Assert.Throws<StoreUnavailableException>(() => reads.Read(One)).Message);

    private static Task<T> OwnThread<T>(Func<T> work) => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private string Connection(int seconds) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1", Port = ((IPEndPoint)_deaf.LocalEndpoint).Port, Username = "nobody", Timeout = seconds, SslMode = SslMode.Disable,
    }.ConnectionString;
}
