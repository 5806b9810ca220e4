using System.Globalization;
using WebMessenger.Load.Archives;
using WebMessenger.Load.BigData;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>A large room is written into a file: what others notice, and what memory it takes.</summary>
internal sealed class ExportCommand : ICommand
{
    private const int Accounts = 100;

    public string Name => "export";

    public string Summary => "a room of very many messages written into a file: what those who talk notice, by turns, and the memory";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("messages", "100000", "of the room"),
        new("turns", "3", "turns with an export, after as many without"),
        new("members", "20", "members of the room that talks"),
        new("rate", "200", "messages a second that they hear meanwhile"),
        new("seconds", "10", "of a turn without an export; one with an export is as long as the export"),
        SharedOptions.Out,
        .. SharedOptions.Server,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var messages = arguments.Number("messages", 1, 10_000_000);
        var folder = Directory.CreateTempSubdirectory("webmessenger-load-").FullName;
        try
        {
            await BigDataFolder.MakeAsync(folder, new BigDataSize(Accounts, 1, 0, messages, 0) { IsSpoken = true, DaysAgo = 1 }, cancellation);
            List<string> settings = [.. arguments.All("setting"), $"WebMessenger:Rooms:Default:0={RoomTopic.IdOf(0)}", "WebMessenger:PurgeHour=-1"];
            await using WebMessengerServer server = new(arguments.TextOrNull("server"), settings);
            ExportProbe probe = new(
                arguments.Number("turns", 1, 20), arguments.Number("members", 1, 1_000), arguments.Number("rate", 1, 10_000), arguments.Seconds("seconds"));
            Series series = new(server);
            series.Outcomes.Add(await probe.RunAsync(await server.StartOnAsync(folder, BigDataSize.Login, cancellation), cancellation));
            return await ReportAsync(arguments, series, cancellation);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<int> ReportAsync(Arguments arguments, Series series, CancellationToken cancellation)
    {
        string[] shown = ["messages", "turns", "members", "rate", "seconds"];
        Report report = new(
            Name,
            string.Create(CultureInfo.InvariantCulture, $"a room of {arguments.Number("messages", 1, int.MaxValue):N0} messages written into a file"),
            "every message that was said meanwhile came once and in order.",
            shown.ToDictionary(option => option, arguments.Text),
            arguments.All("setting"),
            Machine.Describe(),
            [series]);
        Table.Write(Console.Out, report);
        if (arguments.TextOrNull("out") is { } target)
        {
            await Console.Out.WriteLineAsync($"Written: {await JsonFile.WriteAsync(target, "export-" + arguments.Text("messages"), report, cancellation)}");
        }

        return report.Problems.Any() ? 1 : 0;
    }
}
