using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>
/// The long form: <c>POWERCUT_IMAGES=5000 POWERCUT_SEED=7</c> in the environment. A failure prints the seed that brings it back.
/// </summary>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private const int Transactions = 250;
    private const long CheckpointAt = 160 * 1024;
    private const long Reserve = 6 * PageFrame.Size;

    private readonly int _seed = FromEnvironment("POWERCUT_SEED") ?? Random.Shared.Next();
    private readonly int _images = FromEnvironment("POWERCUT_IMAGES") ?? 400;

    [Fact]
    public async Task Attack_70_Whatever_a_power_cut_leaves_holds_all_that_was_acknowledged_and_no_half_transaction()
    {
        Workload workload = new(_seed);
        var recording = await RecordAsync(workload, _seed);
        await AssertAsync(workload, PowerCuts.Of(recording, _images, _seed));
    }

    [Fact]
    public async Task Attack_70_A_power_cut_while_the_store_recovers_from_another_loses_nothing_either()
    {
        Workload workload = new(_seed);
        var recording = await RecordAsync(workload, _seed);
        List<PowerCuts.Image> images = [];
        foreach (var first in PowerCuts.Of(recording, _images / 10, _seed))
        {
            images.AddRange(await CutsDuringRecoveryAsync(first.AsRecording()));
        }
        await AssertAsync(workload, images);
    }

    [Fact]
    public async Task Attack_70_A_power_cut_after_a_kill_takes_back_nothing_that_the_next_process_has_shown()
    {
        Workload workload = new(_seed);
        var recording = await RecordAsync(workload, _seed);
        Random random = new(_seed);
        List<PowerCuts.Image> images = [];
        for (var kill = 0; kill < _images / 10; kill++)
        {
            images.AddRange(await CutsDuringRecoveryAsync(recording.Take(random.Next(recording.Count + 1))));
        }
        await AssertAsync(workload, images);
    }

    [Fact]
    public async Task Attack_70_A_power_cut_after_a_kill_that_came_when_the_log_had_just_been_emptied_loses_nothing_either()
    {
        Workload workload = new(_seed);
        var recording = await RecordAsync(workload, _seed);
        var emptied = recording.Index().Where(step => step.Item is RecordedDisk.Resized { Length: 0 }).Select(step => step.Index + 1).ToList();
        Assert.NotEmpty(emptied);
        List<PowerCuts.Image> images = [];
        foreach (var kill in emptied)
        {
            images.AddRange(await CutsDuringRecoveryAsync(recording.Take(kill), 10));
        }
        await AssertAsync(workload, images);
    }

    private async Task<IEnumerable<PowerCuts.Image>> CutsDuringRecoveryAsync(IEnumerable<RecordedDisk.Operation> before, int count = 5)
    {
        RecordedDisk disk = new(before);
        var from = disk.Operations().Count;
        await using (var store = DocumentStore.Open(disk.Files, CheckpointAt, Reserve))
        {
            disk.Acknowledge(await Workload.NewestAsync(store));
        }
        return PowerCuts.Of(disk.Operations(), count, _seed + from, from);
    }

    private async Task AssertAsync(Workload workload, IEnumerable<PowerCuts.Image> images)
    {
        output.WriteLine($"POWERCUT_SEED={_seed} POWERCUT_IMAGES={_images}");
        List<string> wrong = [];
        var count = 0;
        foreach (var image in images)
        {
            count++;
            if (await WrongAsync(workload, image) is { } reason)
            {
                wrong.Add($"cut at {image.At}: {reason}");
            }
        }
        Assert.True(wrong.Count == 0, $"POWERCUT_SEED={_seed}: {wrong.Count} of {count} images are wrong\n{string.Join('\n', wrong.Take(10))}");
        Assert.NotEqual(0, count);
    }

    private static async Task<IReadOnlyList<RecordedDisk.Operation>> RecordAsync(Workload workload, int seed)
    {
        Random random = new(seed);
        RecordedDisk disk = new();
        await using (var store = DocumentStore.Open(disk.Files, CheckpointAt, Reserve))
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
            await using (var store = DocumentStore.Open(image.Files, CheckpointAt, Reserve))
            {
                if (await workload.WrongAsync(store, image.Acknowledged) is { } reason)
                {
                    return reason;
                }
                await store.WriteAsync(database => database.GetCollection("after").Insert(new LiteDB.BsonDocument { ["_id"] = 1 }));
            }
            await using var again = DocumentStore.Open(image.Files, CheckpointAt, Reserve);
            return await again.ReadAsync(database => database.GetCollection("after").Count()) == 1 ? await workload.WrongAsync(again, image.Acknowledged) : "lost what was written after";
        }
        catch (Exception error) when (error is not Xunit.Sdk.XunitException)
        {
            return $"does not work: {error.GetType().Name} {error.Message} {error.InnerException?.Message}";
        }
    }

    private static int? FromEnvironment(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), out var value) ? value : null;
}
