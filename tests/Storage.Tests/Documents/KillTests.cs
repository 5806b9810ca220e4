using System.Diagnostics;
using LiteDB;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>The test program starts itself again as a writer, and kills it in the middle of its work.</summary>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private const string PathVariable = "STORE_WRITER_PATH";
    private const string Acknowledged = "acknowledged ";
    private const int Kills = 20;
    private const int Writers = 8;
    private const int DocumentsPerWrite = 3;
    private const long CheckpointAt = 300 * 1024;

    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Attack_69_After_kill_9_everything_acknowledged_is_there_and_no_write_is_there_in_part()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        Random random = new(seed);
        HashSet<int> acknowledged = [];
        for (var kill = 0; kill < Kills; kill++)
        {
            var before = acknowledged.Count;
            await WriteUntilKilledAsync(random.Next(1, 250), acknowledged);
            Assert.True(acknowledged.Count > before);

            await using var store = DocumentStore.Open(StoreFiles.Open(_folder.DataFile), CheckpointAt, DocumentStore.DefaultReserve);
            var found = await store.ReadAsync(database =>
                database.GetCollection("documents").FindAll().GroupBy(document => document["write"].AsInt32).ToDictionary(write => write.Key, write => write.Count()));
            Assert.Empty(acknowledged.Except(found.Keys));
            Assert.All(found.Values, documents => Assert.Equal(DocumentsPerWrite, documents));
        }
        output.WriteLine($"{acknowledged.Count} writes acknowledged over {Kills} kills");
    }

    [Fact(Explicit = true)]
    public async Task Writer()
    {
        var path = Environment.GetEnvironmentVariable(PathVariable);
        Assert.SkipWhen(path is null, "Started by the kill test only.");
        var store = DocumentStore.Open(StoreFiles.Open(path), CheckpointAt, DocumentStore.DefaultReserve);
        var last = await store.ReadAsync(database => database.GetCollection("documents").Query().OrderByDescending("write").FirstOrDefault()?["write"].AsInt32 ?? 0);
        var standardOutput = Console.OpenStandardOutput();
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                var write = Interlocked.Increment(ref last);
                await store.WriteAsync(database =>
                {
                    for (var document = 0; document < DocumentsPerWrite; document++)
                    {
                        database.GetCollection("documents").Insert(new BsonDocument { ["write"] = write, ["body"] = new string('x', 200) });
                    }
                });
                var line = System.Text.Encoding.ASCII.GetBytes($"\n{Acknowledged}{write}\n");
                lock (standardOutput)
                {
                    standardOutput.Write(line);
                }
            }
        })));
    }

    private async Task WriteUntilKilledAsync(int afterAcknowledgements, HashSet<int> acknowledged)
    {
        ProcessStartInfo start = new(Path.ChangeExtension(typeof(KillTests).Assembly.Location, OperatingSystem.IsWindows() ? ".exe" : null)!)
        {
            RedirectStandardOutput = true,
            ArgumentList = { "-method", $"{typeof(KillTests).FullName}.{nameof(Writer)}", "-explicit", "only" },
            Environment = { [PathVariable] = _folder.DataFile },
        };
        using var writer = Process.Start(start)!;
        var seen = 0;
        try
        {
            while (await writer.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                if (line.StartsWith(Acknowledged, StringComparison.Ordinal))
                {
                    acknowledged.Add(int.Parse(line[Acknowledged.Length..], System.Globalization.CultureInfo.InvariantCulture));
                    if (++seen == afterAcknowledgements)
                    {
                        writer.Kill();
                    }
                }
            }
        }
        finally
        {
            writer.Kill();
        }
        await writer.WaitForExitAsync(TestContext.Current.CancellationToken);
    }
}
