using System.Globalization;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>Strangers who take all sockets they can get: see <see cref="StrangersScenario"/>. Once for each number of handles.</summary>
internal sealed class StrangersCommand : ICommand
{
    /// <summary>Beyond the limit of an address.</summary>
    private const int SocketsWanted = 2_200;

    public string Name => "strangers";

    public string Summary => "strangers hold all the sockets they get, by every door: what connected people and newcomers notice, at 1,024 and 20,000 handles";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("handles", "1024,20000", "limits of open files of the server, with commas between; Linux only"),
        new("addresses", "8", "addresses of the strangers, 127.0.0.2 and up"),
        new("seconds", "45", "seconds that are measured, before and during; a person acknowledges sixteen publishes in each"),
        SharedOptions.Out,
        .. SharedOptions.Server,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var addresses = arguments.Number("addresses", 1, 50);
        var isKept = true;
        foreach (var text in arguments.Text("handles").Split(','))
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var handles) || handles is < 512 or > 1_000_000)
            {
                throw new UsageException("--handles must be whole numbers from 512 to 1000000, with commas between.");
            }

            StrangersScenario scenario = new(addresses, SocketsWanted, arguments.Seconds("seconds"));
            using LoadCertificate certificate = new();
            await using WebMessengerServer contender = new(
                arguments.TextOrNull("server"), [.. certificate.Settings, .. arguments.All("setting")], keepsLimits: true) { Handles = handles };
            Series series = new(contender);
            series.Outcomes.Add(await Round.RunAsync(scenario, contender, cancellation));
            var chosen = Options.Take(3).ToDictionary(option => option.Name, option => option.Name == "handles" ? text : arguments.Text(option.Name));
            Report report = new(
                Name, $"{scenario.Title}, {text} handles", scenario.Promise, chosen, arguments.All("setting"), Machine.Describe(), [series]);
            Table.Write(Console.Out, report);
            if (arguments.TextOrNull("out") is { } folder)
            {
                await Console.Out.WriteLineAsync($"Written: {await JsonFile.WriteAsync(folder, $"{scenario.FileName}-{text}", report, cancellation)}");
            }

            isKept &= !report.Problems.Any();
        }

        return isKept ? 0 : 1;
    }
}
