using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Cluster.Tests.Nodes;
using WebMessenger.Postgres.Testing;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Tests.Postgres;

/// <summary>What is said of an append while the database, or the way to it, comes and goes.</summary>
public sealed class PgFaultTests
{
    private static readonly LogName _lobby = LogName.OfRoom("lobby");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Fault_a_commit_whose_answer_nobody_heard_is_what_the_database_says_it_is(bool arrives)
    {
        var database = await TestLog.CreateAsync();
        await using CuttingProxy proxy = new(database.Connection);
        await using var log = PgEventLog.Open(proxy.Connection, null, AloneLinks.Instance, TimeProvider.System, NullLogger<PgEventLog>.Instance);
        for (var i = 1; i <= 5; i++)
        {
            Assert.Equal(i, (await SayAsync(log, $"before {i}")).Seq);
        }

        proxy.CutAt("cut here", arrives);
        var cut = await SayAsync(log, "cut here");

        Assert.Equal(arrives ? (AppendOutcome.Stored, 6L) : (AppendOutcome.StoreFailed, 0L), (cut.Outcome, cut.Seq));
        var after = await SayAsync(log, "after");
        if (!arrives && after.Outcome is AppendOutcome.StoreFailed)
        {
            // It came while all that had gathered was being refused.
            after = await SayAsync(log, "after");
        }

        Assert.Equal(arrives ? 7 : 6, after.Seq);
        Assert.Equal(arrives ? 7 : 6, Texts(log).Count);
        Assert.Equal(arrives, Texts(log).Contains("cut here"));
        Assert.True(log.Health.IsWriting);
        JournalCheckTellsOf(log, arrives ? 7 : 6);
    }

    [Fact]
    public async Task Fault_connections_that_are_ended_all_the_time_lose_double_and_guess_nothing()
    {
        var database = await TestLog.CreateAsync();
        Lines lines = new();
        await using var log = PgEventLog.Open(database.Connection, null, AloneLinks.Instance, TimeProvider.System, lines);
        using CancellationTokenSource over = new();
        ConcurrentDictionary<string, AppendResult> said = new();
        var senders = Enumerable.Range(0, 8).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; !over.IsCancellationRequested; i++)
            {
                said[$"{sender} {i}"] = await SayAsync(log, $"{sender} {i}");
            }
        })).ToList();
        await using (NpgsqlConnection killing = new(database.Connection))
        {
            await killing.OpenAsync(TestContext.Current.CancellationToken);
            var stored = 0;
            for (var round = 0; round < 100; round++)
            {
                await using NpgsqlCommand kill = new("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'alone'", killing);
                await kill.ExecuteScalarAsync(TestContext.Current.CancellationToken);
                var before = stored;

                // Until something was written again, so that each round ends a connection that writes.
                await Until.TrueAsync(() => (stored = said.Values.Count(result => result.Outcome is AppendOutcome.Stored)) > before);
            }
        }

        await over.CancelAsync();
        await Task.WhenAll(senders).SoonAsync();

        // It may have been ended once more.
        await Until.TrueAsync(async () => (await SayAsync(log, "end")).Outcome is AppendOutcome.Stored);

        var texts = Texts(log);
        Assert.Equal(texts.Count, texts.Distinct().Count());
        Assert.Equal(
            said.Where(one => one.Value.Outcome is AppendOutcome.Stored).Select(one => one.Key).Order(StringComparer.Ordinal),
            texts.Where(text => text != "end").Order(StringComparer.Ordinal));
        Assert.All(said.Where(one => one.Value.Outcome is AppendOutcome.Stored), one => Assert.Equal(one.Key, texts[(int)one.Value.Seq - 1]));
        Assert.Contains(lines.Ids, id => id == 5103);
        JournalCheckTellsOf(log, texts.Count);
    }

    [Fact]
    public async Task Without_its_database_nothing_is_acknowledged_and_it_goes_on_by_itself()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var server = await PostgresServer.StartAsync(isDurable: true);
        var connection = await server.CreateDatabaseAsync();
        await using (var database = NpgsqlDataSource.Create(connection))
        {
            await Schema.MigrateAsync(database, TestContext.Current.CancellationToken);
        }

        await using var log = PgEventLog.Open(
            connection, new() { Patience = TimeSpan.FromMilliseconds(500) }, AloneLinks.Instance, TimeProvider.System, NullLogger<PgEventLog>.Instance);
        Assert.Equal(AppendOutcome.Stored, (await SayAsync(log, "one")).Outcome);
        Assert.Equal("one", Texts(log).Single());

        await server.StopAtOnceAsync();
        Assert.Equal(AppendOutcome.StoreFailed, (await SayAsync(log, "two")).Outcome);
        await Assert.ThrowsAnyAsync<IOException>(() => log.WriteAsync([new([1], [1])]));
        await Assert.ThrowsAnyAsync<IOException>(() => log.DropAsync(_lobby));
        Assert.Throws<StoreUnavailableException>(() => log.ReadAfter(_lobby, 0, 10));
        Assert.Throws<StoreUnavailableException>(() => log.Head(LogName.OfRoom("not in memory")));
        Assert.Equal(1, log.Head(_lobby).Head);
        Assert.False(log.Health.IsWriting);
        Assert.False(log.Health.Lost.IsCompleted);

        await server.StartAgainAsync();
        await Until.TrueAsync(() => log.Health.IsWriting);

        Assert.Equal(2, (await SayAsync(log, "three")).Seq);
        Assert.Equal(["one", "three"], Texts(log));
    }

    [Fact]
    public async Task What_the_standby_has_not_got_is_not_acknowledged_however_long_it_takes()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var server = await PostgresServer.StartAsync(options: ["max_wal_senders=4"]);
        var connection = await server.CreateDatabaseAsync();
        await using (var database = NpgsqlDataSource.Create(connection))
        {
            await Schema.MigrateAsync(database, TestContext.Current.CancellationToken);
        }

        Lines lines = new();
        await using var log = PgEventLog.Open(
            connection, new() { WritePatience = TimeSpan.FromSeconds(1), Patience = TimeSpan.FromMilliseconds(500) }, AloneLinks.Instance, TimeProvider.System, lines);
        Assert.Equal(AppendOutcome.Stored, (await SayAsync(log, "one")).Outcome);
        await server.SetAsync("synchronous_standby_names", "nobody");

        // Those that come before the database heeds it are stored.
        Task<AppendResult> saying = Task.FromResult(default(AppendResult));
        var said = 1;
        await Until.TrueAsync(async () =>
        {
            said++;
            saying = SayAsync(log, $"line {said}");
            await Task.WhenAny(saying, Until.TrueAsync(() => lines.Ids.Contains(5103)));
            return !saying.IsCompleted;
        });

        // What became of it is asked, and that it is not yet on a standby is no answer.
        Assert.Contains(5103, lines.Ids);
        Assert.False(saying.IsCompleted);
        Assert.Equal(said - 1, log.Head(_lobby).Head);
        await server.SetAsync("synchronous_standby_names", "");
        var stored = await saying.SoonAsync();
        Assert.Equal((AppendOutcome.Stored, (long)said), (stored.Outcome, stored.Seq));
    }

    private static Task<AppendResult> SayAsync(PgEventLog log, string text) =>
        log.AppendAsync(_lobby, "ana", text, 0, Encoding.UTF8.GetBytes(text));

    private static List<string> Texts(PgEventLog log)
    {
        List<string> texts = [];
        while (log.ReadAfter(_lobby, texts.Count, 1_000) is { Entries: { Count: > 0 } entries })
        {
            texts.AddRange(entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span)));
        }

        return texts;
    }

    private static void JournalCheckTellsOf(PgEventLog log, long head) => Storage.Tests.EventLog.JournalCheck.AssertTellsOf(log, _lobby, head);

    private sealed class Lines : ILogger<PgEventLog>
    {
        private readonly ConcurrentQueue<int> _ids = new();

        public IReadOnlyCollection<int> Ids => [.. _ids];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _ids.Enqueue(eventId.Id);
    }
}
