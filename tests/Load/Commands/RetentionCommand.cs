using System.Globalization;
using WebMessenger.Load.BigData;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Retention;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>Very many messages go by the rules of their rooms: what others notice, and what the disk has back.</summary>
internal sealed class RetentionCommand : ICommand
{
    private const int Accounts = 100;

    public string Name => "retention";

    public string Summary => "the removal of very many messages that a room keeps no more: what those who talk notice, by turns, and the disk";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("messages", "1000000", "that go, of all turns together; 100000 for a quick look"),
        new("kept", "200000", "that stay, of all rooms together"),
        new("turns", "2", "turns with a removal, a room each, after as many without"),
        new("members", "20", "members of the room that talks"),
        new("rate", "200", "messages a second that they hear meanwhile"),
        new("seconds", "20", "of a turn without a removal; one with a removal is as long as the removal"),
        SharedOptions.Out,
        .. SharedOptions.Server,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var turns = arguments.Number("turns", 1, 20);
        var (gone, kept) = (arguments.Number("messages", turns, 100_000_000) / turns, arguments.Number("kept", turns, 100_000_000) / turns);

        // So long ago that their ids are remembered no more.
        BigDataSize Size(int ofEach) => new(Accounts, turns, 0, (long)ofEach * turns, 0) { IsSpoken = true, DaysAgo = 40 };
        var folder = Directory.CreateTempSubdirectory("webmessenger-load-").FullName;
        var bare = Directory.CreateTempSubdirectory("webmessenger-load-").FullName;
        try
        {
            await BigDataFolder.MakeAsync(bare, Size(kept), cancellation);
            await BigDataFolder.MakeAsync(folder, Size(gone + kept), cancellation);
            List<string> settings =
            [
                .. arguments.All("setting"),
                $"WebMessenger:Rooms:Default:0={RoomTopic.IdOf(0)}", "WebMessenger:RetentionEveryMinutes=1440", "WebMessenger:PurgeHour=-1",
            ];
            await using WebMessengerServer server = new(arguments.TextOrNull("server"), settings);
            RetentionProbe probe = new(
                turns, kept, arguments.Number("members", 1, 1_000), arguments.Number("rate", 1, 10_000), arguments.Seconds("seconds"));
            Series series = new(server);
            var outcome = await probe.RunAsync(await server.StartOnAsync(folder, BigDataSize.Login, cancellation), folder, cancellation);
            var compared = await probe.CompareAsync(await server.StartOnAsync(bare, BigDataSize.Login, cancellation), bare, cancellation);
            series.Outcomes.Add(outcome with { Figures = [.. outcome.Figures, .. compared] });
            return await ReportAsync(arguments, series, cancellation);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            Directory.Delete(bare, recursive: true);
        }
    }

    private async Task<int> ReportAsync(Arguments arguments, Series series, CancellationToken cancellation)
    {
        string[] shown = ["messages", "kept", "turns", "members", "rate", "seconds"];
        Report report = new(
            Name,
            string.Create(CultureInfo.InvariantCulture, $"{arguments.Number("messages", 1, int.MaxValue):N0} messages removed, {arguments.Number("kept", 1, int.MaxValue):N0} kept"),
            "every message that was said meanwhile came once and in order, and what is kept is there.",
            shown.ToDictionary(option => option, arguments.Text),
            arguments.All("setting"),
            Machine.Describe(),
            [series]);
        Table.Write(Console.Out, report);
        if (arguments.TextOrNull("out") is { } target)
        {
            await Console.Out.WriteLineAsync($"Written: {await JsonFile.WriteAsync(target, "retention-" + arguments.Text("messages"), report, cancellation)}");
        }

        return report.Problems.Any() ? 1 : 0;
    }
}
