using WebMessenger.Auth.Storage;

namespace WebMessenger.Auth.Tests.Storage;

/// <summary>
/// The long form: <c>POWERCUT_IMAGES=5000 POWERCUT_SEED=7</c> in the environment. A failure prints the seed that brings it back.
/// </summary>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private const int Transactions = 250;
    private const long CheckpointAt = 160 * 1024;

    [Fact]
    public async Task Attack_70_Whatever_a_power_cut_leaves_holds_all_that_was_acknowledged_and_no_half_transaction()
    {
        var seed = FromEnvironment("POWERCUT_SEED") ?? Random.Shared.Next();
        var images = FromEnvironment("POWERCUT_IMAGES") ?? 400;
        output.WriteLine($"POWERCUT_SEED={seed} POWERCUT_IMAGES={images}");
        Workload workload = new(seed);
        var recording = await RecordAsync(workload, seed);

        List<string> wrong = [];
        foreach (var image in PowerCuts.Of(recording, images, seed))
        {
            if (await WrongAsync(workload, image) is { } reason)
            {
                wrong.Add($"cut at {image.At} of {recording.Count}: {reason}");
            }
        }

        Assert.True(wrong.Count == 0, $"POWERCUT_SEED={seed}: {wrong.Count} of {images} images are wrong\n{string.Join('\n', wrong.Take(10))}");
    }

    private static async Task<IReadOnlyList<RecordedDisk.Operation>> RecordAsync(Workload workload, int seed)
    {
        Random random = new(seed);
        RecordedDisk disk = new();
        await using (var store = DocumentStore.Open(disk.Files, CheckpointAt))
        {
            for (var written = 0; written < Transactions;)
            {
                if (random.Next(12) == 0)
                {
                    await workload.WriteAndThrowAsync(store);
                }
                var burst = Enumerable.Range(0, random.Next(1, 6)).Select(_ => workload.WriteNextAsync(store)).ToList();
                foreach (var write in burst)
                {
                    await write;
                    disk.Acknowledge(++written);
                }
            }
        }
        return disk.Operations();
    }

    private static async Task<string?> WrongAsync(Workload workload, PowerCuts.Image image)
    {
        try
        {
            await using (var store = DocumentStore.Open(image.Files, CheckpointAt))
            {
                if (await workload.WrongAsync(store, image.Acknowledged) is { } reason)
                {
                    return reason;
                }
                await store.WriteAsync(database => database.GetCollection("after").Insert(new LiteDB.BsonDocument { ["_id"] = 1 }));
            }
            await using var again = DocumentStore.Open(image.Files, CheckpointAt);
            return await again.ReadAsync(database => database.GetCollection("after").Count()) == 1 ? await workload.WrongAsync(again, image.Acknowledged) : "lost what was written after";
        }
        catch (Exception error) when (error is not Xunit.Sdk.XunitException)
        {
            return $"does not work: {error.GetType().Name} {error.Message} {error.InnerException?.Message}";
        }
    }

    private static int? FromEnvironment(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), out var value) ? value : null;
}
