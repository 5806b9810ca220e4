using System.Globalization;
using Microsoft.Playwright;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Pages;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>
/// Opens the page in Chromium as somebody who was never here, on a slow machine and a slow line: times for reading, bytes with a budget.
/// </summary>
internal sealed class PageCommand : ICommand
{
    private const int SaidBefore = 50;
    private const int TextLength = 80;

    public string Name => "page";

    public string Summary =>
        "the first visit in Chromium: until the door and the lobby can be used, and bytes on the wire; fails over the budget";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("runs", "5", "visits, each in a browser that knows nothing; medians are shown"),
        new("cpu", "4", "how many times slower the browser's processor is made"),
        new("kbit", "1600", "kbit/s of its line; 0: as fast as it goes"),
        new("latency", "150", "milliseconds that its line adds to each request"),
        .. SharedOptions.Server,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var runs = arguments.Number("runs", 1, 100);
        Slowness slowness = new(
            arguments.Number("cpu", 1, 20), arguments.Number("kbit", 0, 1_000_000) * 1000 / 8, arguments.Number("latency", 0, 10_000));
        await using WebMessengerServer contender = new(arguments.TextOrNull("server"), arguments.All("setting"));
        await using var server = await contender.StartAsync(new Preparation(Accounts: 1, Rooms: 0), cancellation);
        var newest = await TalkBeforeAsync(server, cancellation);
        Uri address = new($"http://{server.WebSocket}/");

        List<FirstVisit> visits = [];
        List<TimeSpan> returns = [];
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await InstalledChromium.LaunchAsync(playwright);
        for (var run = 0; run < runs; run++)
        {
            visits.Add(await FirstVisit.MakeAsync(browser, address, newest, slowness));
            returns.Add(await FirstVisit.ReturnAsync(browser, address, newest, slowness));
            cancellation.ThrowIfCancellationRequested();
        }

        var machine = Machine.Describe();
        Console.WriteLine($"{machine.Processor}, {machine.Cores} cores, {machine.OperatingSystem}; Chromium {browser.Version}");
        Console.WriteLine(
            $"processor ÷ {slowness.CpuTimes}, {slowness.BytesPerSecond * 8 / 1000} kbit/s, {slowness.LatencyMilliseconds} ms a request; "
            + $"medians of {runs} [least–most]");
        Console.WriteLine($"the door can be used after                             {Show(visits.ConvertAll(visit => visit.Door))}");
        Console.WriteLine($"from Enter at the door until the lobby's messages show {Show(visits.ConvertAll(visit => visit.Lobby))}");
        Console.WriteLine($"signed in, empty caches: the lobby's messages show     {Show(returns)}");
        var worst = visits.MaxBy(visit => visit.LobbyBytes)!;
        ShowBytes("until the door can be used", worst.AtDoor, FirstVisit.DoorBudget);
        ShowBytes("until the lobby's messages show", worst.InLobby, FirstVisit.LobbyBudget);
        return visits.TrueForAll(visit => visit.DoorBytes <= FirstVisit.DoorBudget && visit.LobbyBytes <= FirstVisit.LobbyBudget) ? 0 : 1;
    }

    private static async Task<string> TalkBeforeAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        const string Newest = "the newest of the lobby";
        using var speaker = await RawClient.OpenAsync(
            server.Door(Transport.Tcp), cookie: null, server.Login(0), "speaker", receiveBuffer: 0, cancellation);
        for (var i = 1; i < SaidBefore; i++)
        {
            await speaker.PublishAsync("rooms/lobby", new string((char)('a' + (i % 26)), TextLength));
        }

        await speaker.PublishAsync("rooms/lobby", Newest);
        return Newest;
    }

    private static string Show(List<TimeSpan> times) => string.Create(
        CultureInfo.InvariantCulture,
        $"{times.Order().ElementAt(times.Count / 2).TotalSeconds:F2} s [{times.Min().TotalSeconds:F2}–{times.Max().TotalSeconds:F2}]");

    private static void ShowBytes(string when, IReadOnlyDictionary<string, long> bytes, int budget)
    {
        var kinds = string.Join(
            ", ",
            bytes.OrderByDescending(kind => kind.Value).Select(kind => string.Create(CultureInfo.InvariantCulture, $"{kind.Key} {kind.Value:N0}")));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"bytes {when}: {bytes.Values.Sum():N0} of {budget:N0} ({kinds})"));
    }
}
