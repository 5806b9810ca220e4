using WebMessenger.Load.Commands;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.EndToEnd.Tests.Measuring;

/// <summary>The short form of `dotnet run --project tests/Load -c Release -- chat`.</summary>
public sealed class ChatTests
{
    [Fact]
    public async Task People_who_sign_in_and_come_and_go_amid_talk_miss_nothing_from_their_history_on()
    {
        var scenario = ChatScenario.Kind.Create(new Arguments(ChatScenario.Kind.Options, ["--rooms=2", "--people=4", "--rate=20", "--leaves=2", "--warmup=1", "--seconds=2"]));
        await using WebMessengerServer contender = new(program: null, settings: []);
        await using var server = await contender.StartAsync(scenario.Preparation, TestContext.Current.CancellationToken);

        var outcome = await scenario.RunAsync(server, TestContext.Current.CancellationToken);

        Assert.Empty(outcome.Problems);
    }
}
