using System.Globalization;
using WebMessenger.Load.BigData;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Search;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>Searching many messages: how long it takes, what the index takes, how soon it is made and follows.</summary>
internal sealed class SearchCommand : ICommand
{
    private const int Accounts = 100;

    public string Name => "search";

    public string Summary => "searches of very many messages, the making and the size of the index, and how soon something new is found";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("messages", "1000000", "all together; 100000 for a quick look"),
        new("rooms", "20", "public rooms that they lie in"),
        new("queries", "300", "of each kind"),
        SharedOptions.Out,
        .. SharedOptions.Server,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var rooms = arguments.Number("rooms", 1, 10_000);
        BigDataSize size = new(Accounts, rooms, Memberships: rooms, arguments.Number("messages", 1, 100_000_000), 0) { IsSpoken = true };
        var folder = Directory.CreateTempSubdirectory("webmessenger-load-").FullName;
        try
        {
            await BigDataFolder.MakeAsync(folder, size, cancellation);
            await using WebMessengerServer server = new(arguments.TextOrNull("server"), arguments.All("setting"));
            Series series = new(server);
            series.Outcomes.Add(await new SearchProbe(size, folder, arguments.Number("queries", 10, 100_000))
                .RunAsync(await server.StartOnAsync(folder, BigDataSize.Login, cancellation), cancellation));
            return await ReportAsync(arguments, size, series, cancellation);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<int> ReportAsync(Arguments arguments, BigDataSize size, Series series, CancellationToken cancellation)
    {
        string[] shown = ["messages", "rooms", "queries"];
        Report report = new(
            Name,
            string.Create(CultureInfo.InvariantCulture, $"{size.Events:N0} messages in {size.Rooms:N0} rooms"),
            "searched by one account, one search after the other.",
            shown.ToDictionary(option => option, arguments.Text),
            arguments.All("setting"),
            Machine.Describe(),
            [series]);
        Table.Write(Console.Out, report);
        if (arguments.TextOrNull("out") is { } target)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"search-{size.Events}");
            await Console.Out.WriteLineAsync($"Written: {await JsonFile.WriteAsync(target, name, report, cancellation)}");
        }

        return report.Problems.Any() ? 1 : 0;
    }
}
