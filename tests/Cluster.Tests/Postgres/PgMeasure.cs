using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Postgres.Testing;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Tests.Postgres;

/// <summary>How much one node and three write in a second, and what PostgreSQL takes for it: run with `-explicit only`, on a quiet
/// machine.</summary>
public sealed class PgMeasure
{
    private const int Outstanding = 256;
    private static readonly TimeSpan _time = TimeSpan.FromSeconds(6);

    [Fact(Explicit = true)]
    public async Task Appends_a_second_of_one_node_and_of_three()
    {
        await using var server = await PostgresServer.StartAsync(isDurable: true, "shared_buffers=256MB");
        foreach (var nodes in new[] { 1, 3, 1, 3 })
        {
            var connection = await server.CreateDatabaseAsync();
            await using (var database = NpgsqlDataSource.Create(connection))
            {
                await Schema.MigrateAsync(database, TestContext.Current.CancellationToken);
            }

            TestNetwork network = new();
            List<PgEventLog> logs = [];
            for (var node = 0; node < nodes; node++)
            {
                logs.Add(PgEventLog.Open(connection, null, network.Join($"n{node}"), TimeProvider.System, NullLogger<PgEventLog>.Instance));
            }

            foreach (var log in logs)
            {
                await log.Replication.BeginAsync();
            }

            await RunAsync(logs, TimeSpan.FromSeconds(1));
            var (before, own) = (CpuOf(server.ProcessId), Process.GetCurrentProcess().TotalProcessorTime);
            var batches = logs[0].Applied;
            var since = Stopwatch.GetTimestamp();
            var appends = await RunAsync(logs, _time);
            var seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
            await logs[0].CatchUpAsync();
            batches = logs[0].Applied - batches;
            var cpu = (CpuOf(server.ProcessId) - before).TotalMicroseconds / appends;
            own = Process.GetCurrentProcess().TotalProcessorTime - own;
            TestContext.Current.SendDiagnosticMessage(string.Create(
                CultureInfo.InvariantCulture,
                $"{nodes} nodes: {appends / seconds:F0} appends/s, {(double)appends / batches:F0} a batch, {seconds * 1_000 / batches:F1} ms a batch, PostgreSQL {cpu:F1} us each, nodes {own.TotalMicroseconds / appends:F1} us each"));
            foreach (var log in logs)
            {
                await log.DisposeAsync();
            }
        }
    }

    private static async Task<long> RunAsync(List<PgEventLog> logs, TimeSpan time)
    {
        var count = 0L;
        var until = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        await Task.WhenAll(logs.SelectMany((log, node) => Enumerable.Range(0, Outstanding).Select(async sender =>
        {
            var room = LogName.OfRoom($"room {node} {sender % 20}");
            while (Stopwatch.GetTimestamp() < until)
            {
                var result = await log.AppendAsync(room, $"account {sender}", Guid.NewGuid().ToString("N"), 1, new byte[120]);
                Assert.Equal(AppendOutcome.Stored, result.Outcome);
                Interlocked.Increment(ref count);
            }
        })));
        return count;
    }

    // Of the postmaster and all that it has begun, those that have ended too.
    private static TimeSpan CpuOf(int postmaster)
    {
        var ticks = 0L;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out var process) && Read(process) is { } fields && (process == postmaster || int.Parse(fields[1], CultureInfo.InvariantCulture) == postmaster))
            {
                ticks += fields[11..(process == postmaster ? 15 : 13)].Sum(field => long.Parse(field, CultureInfo.InvariantCulture));
            }
        }

        return TimeSpan.FromSeconds(ticks / 100.0);
    }

    // What stands behind the name, from the state on.
    private static string[]? Read(int process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }
}
