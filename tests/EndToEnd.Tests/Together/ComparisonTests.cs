using System.Globalization;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Together;

/// <summary>Whoever was away, restarted or cut off in the middle shows in the end what everybody shows.</summary>
public sealed class ComparisonTests(Chromium chromium, ITestOutputHelper output)
{
    /// <summary>Rooms are small, so that a page is read in a moment; an account makes fifty at most.</summary>
    private const int RoundsOfRoom = 5;

    private static int Rounds => Number("WEBMESSENGER_ROUNDS", Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1" ? 200 : 3);

    private static int Seed => Number("WEBMESSENGER_SEED", 1);

    [Fact]
    public async Task Two_browsers_a_phone_and_a_bot_show_the_same_whatever_died_or_was_away_meanwhile()
    {
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        await using var party = await ComparedParty.OfAsync(chromium, server);
        for (var number = 0; number < Rounds; number++)
        {
            if (number % RoundsOfRoom == 0)
            {
                await party.EnterAsync(string.Create(CultureInfo.InvariantCulture, $"compared-{number}"));
            }

            ComparisonRound round = new(party, Seed, number);
            string difference;
            try
            {
                party.GoOn();
                await round.RunAsync();
                party.GoOn();
                difference = await party.DifferenceAsync();
            }
            catch (Exception error)
            {
                difference = $"{party.Last}{Environment.NewLine}{error}";
            }

            Assert.True(difference.Length == 0, $"Seed {Seed}, round {number}:{Environment.NewLine}{difference}{Environment.NewLine}{round.Done}");
            foreach (var browser in party.Browsers)
            {
                browser.AssertNoComplaints();
            }

            output.WriteLine($"Round {number}: all show the same.{Environment.NewLine}{round.Done}");
        }
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
