using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Pages;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>Has hundreds of devices say a value a second in a room whose devices a page shows.</summary>
internal sealed class DevicesPageCommand : ICommand
{
    private const string Room = "workshop";
    private const int Speakers = 10;
    private const string Watched = "watched";
    private const string Pump = "Pump";
    private const string Told = "pump/set";

    public string Name => "devices-page";

    public string Summary => "a room's devices in Chromium: what their values cost the page, how soon a tile shows one and a switch reaches its device";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("devices", "500", "devices, a retained value each"),
        new("rate", "500", "values a second, all together"),
        new("seconds", "20", "how long that is measured"),
        new("samples", "40", "changes of a tile and clicks on a switch, each while the others go on"),
        .. SharedOptions.Server,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var devices = arguments.Number("devices", 1, 9_000);
        var rate = arguments.Number("rate", 1, 10_000);
        var seconds = arguments.Number("seconds", 1, 600);
        var samples = arguments.Number("samples", 2, 1_000);
        await using WebMessengerServer contender = new(arguments.TextOrNull("server"), arguments.All("setting"));
        await using var server = await contender.StartAsync(new Preparation(Accounts: 1, Rooms: 0), cancellation);
        using Generator.Browser person = new(server);
        var cookie = await person.SignInAsync(server.Login(0)!.UserName, cancellation);
        await person.NewRoomAsync(cookie, Room, cancellation);

        var speakers = await Task.WhenAll(Enumerable.Range(0, Speakers).Select(speaker => OpenAsync(server, $"speaker-{speaker}", cancellation)));
        using var pump = await OpenAsync(server, "pump", cancellation);
        await pump.SubscribeAsync(Topic(Told));
        await pump.PublishAsync(
            Topic("homeassistant/switch/shed/pump/config"),
            JsonSerializer.Serialize(new { name = Pump, uniq_id = "p1", stat_t = "pump/state", cmd_t = Told }),
            retain: true);
        await pump.PublishAsync(Topic("pump/state"), "OFF", retain: true);
        await pump.PublishAsync(Topic(Watched), "0", retain: true);
        await SayAsync(speakers, devices, Enumerable.Range(0, devices), 0);

        using var playwright = await Playwright.CreateAsync();
        await using var browser = await InstalledChromium.LaunchAsync(playwright);
        await using var context = await browser.NewContextAsync(new()
        {
            Locale = "en-GB",
            ServiceWorkers = ServiceWorkerPolicy.Block,
            ViewportSize = new() { Width = 1440, Height = 900 },
        });
        var pane = await DevicesPane.OpenAsync(context, new Uri($"http://{server.WebSocket}/"), cookie, Room);
        await pane.HasTileAsync(Watched);
        await pane.HasTileAsync(Pump);

        var quiet = await pane.ShareAsync(() => Task.Delay(TimeSpan.FromSeconds(3), cancellation));
        var busy = await pane.ShareAsync(() => GoOnAsync(speakers, devices, rate, () => Task.Delay(TimeSpan.FromSeconds(seconds), cancellation)));
        List<double> shown = [], reached = [];
        await GoOnAsync(speakers, devices, rate, async () =>
        {
            for (var i = 1; i <= samples; i++)
            {
                var value = string.Create(CultureInfo.InvariantCulture, $"{i} of {samples}");
                shown.Add(await pane.ShownAfterAsync(Watched, value, () => pump.PublishAsync(Topic(Watched), value, retain: true)));
                var told = i % 2 == 1 ? "ON" : "OFF";
                reached.Add(await pane.ReachesAfterAsync(Pump, () => HearsAsync(pump, told)));
                // Before the next click it says what it is, as a switch does.
                await pane.ShownAfterAsync(Pump, "", () => pump.PublishAsync(Topic("pump/state"), told, retain: true));
            }
        });

        Console.WriteLine($"Chromium {browser.Version}; {devices:N0} devices in the pane, {rate:N0} values a second; {await pane.NodesAsync():N0} elements");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"the page's main thread {busy.MainThread:F1} % of a core, its process {busy.Process:F1} % (while nothing is said {quiet.MainThread:F1} and {quiet.Process:F1} %)"));
        Console.WriteLine($"from the publish until the tile shows it, ms        {Show(shown)}");
        Console.WriteLine($"from the click until the device is told, ms         {Show(reached)}");
        foreach (var speaker in speakers)
        {
            speaker.Dispose();
        }

        return 0;
    }

    private static string Topic(string below) => $"rooms/{Room}/data/{below}";

    private static Task<RawClient> OpenAsync(ServerUnderTest server, string clientId, CancellationToken cancellation) =>
        RawClient.OpenAsync(server.Door(Transport.Tcp), cookie: null, server.Login(0), clientId, receiveBuffer: 0, cancellation);

    private static async Task HearsAsync(RawClient device, string text)
    {
        if (!await device.HearsAsync(text))
        {
            throw new LoadException("The device's connection ended.");
        }
    }

    /// <summary>Each speaker says what its devices have to say, one after the other.</summary>
    private static Task SayAsync(RawClient[] speakers, int devices, IEnumerable<int> which, int number) =>
        Task.WhenAll(which.GroupBy(device => device % speakers.Length).Select(async mine =>
        {
            foreach (var device in mine)
            {
                var value = (15 + ((number + device) % 200 / 10.0)).ToString("F1", CultureInfo.InvariantCulture);
                await speakers[mine.Key].PublishAsync(Topic($"device{device % devices}/temp"), value, retain: true);
            }
        }));

    /// <summary>Values go on in step, a tenth of a second's at a time, until that is done.</summary>
    private static async Task GoOnAsync(RawClient[] speakers, int devices, int rate, Func<Task> meanwhile)
    {
        var work = meanwhile();
        var began = Stopwatch.GetTimestamp();
        for (var said = 0; !work.IsCompleted;)
        {
            var due = (int)(Stopwatch.GetElapsedTime(began).TotalSeconds * rate);
            await SayAsync(speakers, devices, Enumerable.Range(said, Math.Max(0, due - said)).Select(i => i % devices), said);
            said = Math.Max(said, due);
            await Task.WhenAny(work, Task.Delay(100));
        }

        await work;
    }

    private static string Show(List<double> milliseconds) => string.Create(
        CultureInfo.InvariantCulture,
        $"p50 {milliseconds.Order().ElementAt(milliseconds.Count / 2):F0}, longest {milliseconds.Max():F0}");
}
