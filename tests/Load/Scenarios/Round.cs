using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Scenarios;

/// <summary>A scenario once, against a server that was started for it.</summary>
internal static class Round
{
    /// <exception cref="LoadException">It could not be run to its end.</exception>
    public static async Task<Outcome> RunAsync(IScenario scenario, IContender contender, CancellationToken cancellation)
    {
        await using var server = await contender.StartAsync(scenario.Preparation, cancellation);
        Outcome outcome;
        try
        {
            outcome = await scenario.RunAsync(server, cancellation);
        }
        catch (Exception error) when (error is IOException or TimeoutException or System.Net.Sockets.SocketException)
        {
            throw new LoadException($"{error.Message} {contender.Name} said last:{Environment.NewLine}{server.Process.LastWords}");
        }

        if (!await server.StopAsync())
        {
            outcome = outcome with { Problems = [.. outcome.Problems, $"{contender.Name} did not end in order: {server.Process.LastWords}"] };
        }

        return outcome;
    }
}
