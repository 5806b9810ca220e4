using System.Globalization;
using WebMessenger.Load.Crash;
using WebMessenger.Load.Servers;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>
/// The crash suite of tests/Load, shorter than its command runs it: `dotnet run --project tests/Load -c Release -- crash --kills 1000`.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    private static int Kills => Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1" ? 200 : 6;

    [Fact]
    public async Task Attack_69_A_row_of_kills_loses_nothing_doubles_nothing_and_disorders_nothing()
    {
        var seed = Random.Shared.Next();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"crash --kills {Kills} --seed {seed} --life 600"));
        CrashPlan plan = new(
            Kills, seed, Rooms: 2, PerSecond: 400, TimeSpan.FromMilliseconds(600), TimeSpan.FromMinutes(10), CrashPlan.EightPublishers, CrashPlan.EightListeners);
        await using WebMessengerServer contender = new(program: null, settings: []);
        await using var server = await contender.MortalAsync(CrashRun.Needs(plan), TestContext.Current.CancellationToken);
        CrashRun run = new(plan, server, output.WriteLine);

        var outcome = await run.RunAsync(TestContext.Current.CancellationToken);

        foreach (var figure in outcome.Figures)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{figure.Name}: {figure.Value:N0} {figure.Unit}"));
        }

        Assert.Empty(outcome.Problems);

        // Nothing would be proved by a run in which nothing was under way when the server was killed.
        Assert.True(run.Record.Acknowledged.Count > Kills, "Hardly anything was acknowledged.");
        Assert.True(run.Record.SentAgain > Kills, "Hardly anything was under way when the server was killed.");
        Assert.All(run.Record.Hearings, hearing => Assert.True(hearing.Moments.Count(moment => moment.Kind is MomentKind.Connected or MomentKind.Resumed) > Kills / 10, $"{hearing.Name} hardly ever came back."));
    }
}
