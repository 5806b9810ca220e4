using System.Diagnostics;
using Npgsql;
using WebMessenger.Load.Measuring;

namespace WebMessenger.Load.Cluster;

/// <summary>How many messages a second nodes acknowledge, and what each costs the nodes and the database.</summary>
internal sealed class RateRun(int outstanding, int rooms, TimeSpan seconds)
{
    private const int Clients = 16;

    private static readonly TimeSpan _warmUp = TimeSpan.FromSeconds(5);

    /// <summary>Accounts that the house must have.</summary>
    public static int Accounts => Clients;

    public async Task<Outcome> RunAsync(LoadHouse house, CancellationToken cancellation)
    {
        List<RateClient> clients = [.. Enumerable.Range(0, Clients).Select(i => new RateClient(i, house.Logins[i], i % rooms, outstanding / Clients))];
        try
        {
            for (var i = 0; i < clients.Count; i++)
            {
                await clients[i].StartAsync(house.Nodes[i % house.Nodes.Count].Mqtt, cancellation);
            }

            await Task.Delay(_warmUp, cancellation);
            var before = await ReadAsync(house, clients, cancellation);
            await Task.Delay(seconds, cancellation);
            var after = await ReadAsync(house, clients, cancellation);
            var count = after.Acknowledged - before.Acknowledged;
            var took = Stopwatch.GetElapsedTime(before.At, after.At).TotalSeconds;
            var refused = clients.Sum(client => client.Refused);
            return new(
                [
                    new("messages a second", "", count / took),
                    new("messages in a transaction", "", (double)count / Math.Max(1, after.Batches - before.Batches)),
                    new("CPU of PostgreSQL each", "µs", (after.Database - before.Database).TotalMicroseconds / count),
                    new("CPU of the nodes each", "µs", (after.Nodes - before.Nodes).TotalMicroseconds / count),
                ],
                refused == 0 ? [] : [$"{refused} packets were no acknowledgements"]);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    private static async Task<(long At, long Acknowledged, long Batches, TimeSpan Database, TimeSpan Nodes)> ReadAsync(
        LoadHouse house, List<RateClient> clients, CancellationToken cancellation)
    {
        await using NpgsqlConnection connection = new(house.House.Connection + ";Pooling=false");
        await connection.OpenAsync(cancellation);
        await using NpgsqlCommand command = new("SELECT n FROM journal_head", connection);
        var batches = (long)(await command.ExecuteScalarAsync(cancellation))!;
        return (
            Stopwatch.GetTimestamp(), clients.Sum(client => client.Acknowledged), batches, DatabaseCpu.Of(house.House.Database),
            new TimeSpan(house.Nodes.Sum(node => node.Process.Cpu.Ticks)));
    }
}
