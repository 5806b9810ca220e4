using System.Globalization;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>The short form of `dotnet run --project tests/Load -c Release -- silent`.</summary>
public sealed class SilentSubscriberTests(ITestOutputHelper output)
{
    private const int Subscribers = 50;
    private const int Messages = 10_000;
    private const int TextLength = 1_000;

    /// <summary>
    /// A fifth of what a queue of these messages for each subscriber would take, and several times what the server's own rise and fall is.
    /// </summary>
    private const double GrowthLimitMegabytes = 100;

    [Fact]
    public async Task Attack_62_Subscribers_that_never_acknowledge_cost_no_memory_for_what_passes()
    {
        SilentScenario scenario = new(Subscribers, Messages, TextLength);
        await using WebMessengerServer contender = new(program: null, settings: []);
        await using var server = await contender.StartAsync(scenario.Preparation, TestContext.Current.CancellationToken);

        var outcome = await scenario.RunAsync(server, TestContext.Current.CancellationToken);

        foreach (var figure in outcome.Figures)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{figure.Name}: {figure.Value:N1} {figure.Unit}"));
        }

        Assert.Empty(outcome.Problems);
        Assert.True(scenario.MegabytesOfCopies >= 5 * GrowthLimitMegabytes, "A queue would not be noticed.");
        Assert.InRange(outcome.Figures.Single(figure => figure.Name == SilentScenario.Growth).Value, double.MinValue, GrowthLimitMegabytes);
    }
}
