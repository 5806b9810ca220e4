using System.Globalization;
using WebMessenger.Load.BigData;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>The server on a data folder with very much in it, and by turns on one with next to nothing.</summary>
internal sealed class BigDataCommand : ICommand
{
    /// <summary>There has to be somebody who signs in, and somewhere to go.</summary>
    private static BigDataSize NextToNothing(int times) => new(times, Rooms: 20, 0, 0, 0);

    public string Name => "bigdata";

    public string Summary => "start, memory, signing in and joining with very much data, against a server with next to none";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("accounts", "100000", "people, each with an access token"),
        new("rooms", "10000", "public rooms"),
        new("memberships", "1000000", "places on the lists of rooms, all together"),
        new("events", "10000000", "messages, all together"),
        new("kept", "10000", "MQTT clients that are away and are kept"),
        new("folder", "", "where the data is made, some 2 GB, and used again; a temporary folder if none is named"),
        new("rounds", "3", "starts on each, by turns"),
        new("times", "300", "how often people connect and join in each round"),
        SharedOptions.Out,
        .. SharedOptions.Server,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        BigDataSize size = new(
            arguments.Number("accounts", 1, 1_000_000),
            arguments.Number("rooms", 2, 100_000),
            arguments.Number("memberships", 0, 10_000_000),
            arguments.Number("events", 0, 100_000_000),
            arguments.Number("kept", 0, 1_000_000));
        if (size.Kept > size.Accounts || size.Memberships / size.Accounts >= size.Rooms)
        {
            throw new UsageException("There are not more kept clients than accounts, and nobody is in all rooms.");
        }

        var times = Math.Min(size.Accounts, arguments.Number("times", 10, 100_000));
        var named = arguments.TextOrNull("folder");
        var folder = named ?? Path.Combine(Path.GetTempPath(), $"webmessenger-bigdata-{Environment.ProcessId}");
        var empty = Directory.CreateTempSubdirectory("webmessenger-load-").FullName;
        try
        {
            await BigDataFolder.MakeAsync(folder, size, cancellation);
            await BigDataFolder.MakeAsync(empty, NextToNothing(times), cancellation);
            return await MeasureAsync(arguments, size, times, folder, empty, cancellation);
        }
        finally
        {
            Directory.Delete(empty, recursive: true);
            if (named is null && Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private async Task<int> MeasureAsync(
        Arguments arguments, BigDataSize size, int times, string folder, string empty, CancellationToken cancellation)
    {
        var (program, settings) = (arguments.TextOrNull("server"), arguments.All("setting"));
        await using WebMessengerServer full = new(program, settings, name: "much data");
        await using WebMessengerServer bare = new(program, settings, name: "next to none");
        Series much = new(full), none = new(bare);
        for (var round = arguments.Number("rounds", 1, 100); round > 0; round--)
        {
            much.Outcomes.Add(await RunAsync(full, size, folder));
            none.Outcomes.Add(await RunAsync(bare, NextToNothing(times), empty));
        }

        Task<Outcome> RunAsync(WebMessengerServer server, BigDataSize of, string at) =>
            new BigDataProbe(of, times).RunAsync(() => server.StartOnAsync(at, BigDataSize.Login, cancellation), cancellation);

        var title = string.Create(
            CultureInfo.InvariantCulture,
            $"{size.Accounts:N0} accounts, {size.Rooms:N0} rooms, {size.Memberships:N0} memberships, {size.Events:N0} events")
            + string.Create(CultureInfo.InvariantCulture, $", {size.Kept:N0} kept clients");
        string[] shown = ["accounts", "rooms", "memberships", "events", "kept", "rounds", "times"];
        Report report = new(
            Name,
            title,
            "started, signed in and joined each time.",
            shown.ToDictionary(option => option, arguments.Text),
            settings,
            Machine.Describe(),
            [much, none]);
        Table.Write(Console.Out, report);
        foreach (var figure in new[] { BigDataProbe.Ready, BigDataProbe.Memory, BigDataProbe.SignIn, BigDataProbe.Join })
        {
            Console.WriteLine($"{figure}: {Figure.Show(report.Ratio(figure)!.Value)} times");
        }

        if (arguments.TextOrNull("out") is { } target)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"bigdata-{size.Accounts}");
            await Console.Out.WriteLineAsync($"Written: {await JsonFile.WriteAsync(target, name, report, cancellation)}");
        }

        return report.Problems.Any() ? 1 : 0;
    }
}
