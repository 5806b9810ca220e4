using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Postgres.Testing;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Cluster.Tests.Postgres;

/// <summary>What is left when nodes, and their database, are killed while they write.</summary>
public sealed class PgCrashTests
{
    [Fact]
    public async Task Attack_69_whoever_is_killed_while_nodes_write_what_was_acknowledged_is_there_once_and_what_was_refused_is_not()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var server = await PostgresServer.StartAsync(isDurable: true);
        var connection = await server.CreateDatabaseAsync();
        await using (var database = NpgsqlDataSource.Create(connection))
        {
            await Schema.MigrateAsync(database, TestContext.Current.CancellationToken);
        }

        ConcurrentDictionary<string, long> stored = new();
        ConcurrentDictionary<string, bool> refused = new();
        for (var round = 0; round < 9; round++)
        {
            using Child one = new(connection, $"one {round}", stored, refused);
            using Child two = new(connection, $"two {round}", stored, refused);
            var fatal = Random.Shared.Next(1, 300);
            await one.UntilAsync(fatal);
            await two.UntilAsync(1);
            switch (round % 3)
            {
                case 0:
                    one.Kill();
                    await two.UntilAsync(two.Stored + 20);
                    break;
                case 1:
                    server.Kill();
                    await server.StartAgainAsync();
                    await two.UntilAsync(two.Stored + 40);
                    await one.UntilAsync(one.Stored + 40);
                    break;
                default:
                    await server.StopAtOnceAsync();
                    await server.StartAgainAsync();
                    await two.UntilAsync(two.Stored + 40);
                    break;
            }

            one.Kill();
            two.Kill();
            await one.EndAsync();
            await two.EndAsync();
        }

        await using var log = PgEventLog.Open(connection, null, AloneLinks.Instance, TimeProvider.System, NullLogger<PgEventLog>.Instance);
        List<string> texts = [];
        while (log.ReadAfter(PgAppendingChild.Room, texts.Count, 1_000) is { Entries: { Count: > 0 } entries })
        {
            Assert.Equal(texts.Count + 1, entries[0].Seq);
            texts.AddRange(entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span)));
        }

        Assert.Equal(texts.Count, texts.Distinct().Count());
        Assert.True(stored.Count > 500);
        Assert.All(stored, one => Assert.Equal(one.Key, texts[(int)one.Value - 1]));
        Assert.DoesNotContain(texts, refused.ContainsKey);
        var records = log.ReadAll(PgAppendingChild.RecordOfEvent).Select(record => Encoding.UTF8.GetString(record.Value));
        Assert.Equal(texts.Order(StringComparer.Ordinal), records.Order(StringComparer.Ordinal));
        JournalCheck.AssertTellsOf(log, PgAppendingChild.Room, texts.Count);
    }

    private sealed class Child : IDisposable
    {
        private readonly Process _process;
        private readonly Task _reading;
        private readonly SemaphoreSlim _more = new(0);
        private volatile int _stored;

        public Child(string connection, string name, ConcurrentDictionary<string, long> stored, ConcurrentDictionary<string, bool> refused)
        {
            _process = PgAppendingChild.Start(connection, name);
            _reading = Task.Run(async () =>
            {
                // The kill may have cut the last line.
                for (string? before = null; await _process.StandardOutput.ReadLineAsync() is { } line; before = line)
                {
                    if (before?.Split(' ', 3) is not [var outcome, var seq, var text])
                    {
                        continue;
                    }

                    if (outcome == "stored")
                    {
                        Assert.True(stored.TryAdd(text, long.Parse(seq, CultureInfo.InvariantCulture)));
                        _stored++;
                        _more.Release();
                    }
                    else
                    {
                        refused[text] = true;
                    }
                }
            });
        }

        public int Stored => _stored;

        public async Task UntilAsync(int stored)
        {
            while (_stored < stored)
            {
                Assert.True(await _more.WaitAsync(TimeSpan.FromSeconds(60)));
            }
        }

        public void Kill() => _process.Kill();

        public async Task EndAsync()
        {
            await _process.WaitForExitAsync();
            await _reading;
        }

        public void Dispose()
        {
            if (!_process.HasExited)
            {
                _process.Kill();
            }

            _process.Dispose();
        }
    }
}
