using System.Globalization;
using Microsoft.Playwright;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Pages;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>
/// Has people talk in a room that a page shows, with few lines loaded and with many:
/// what a message and a key cost, and what reading back does.
/// </summary>
internal sealed class BusyPageCommand : ICommand
{
    private const int Speakers = 10;
    private const int FewLines = 100;

    public string Name => "busy-page";

    public string Summary =>
        "a busy room in Chromium: a message and a key with few lines loaded and with many, tasks, elements, reading back";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("lines", "5000", "lines that are loaded while it is measured again"),
        new("back", "4000", "lines of the room that is read back to its beginning"),
        new("cpu", "4", "how many times slower the browser's processor is made"),
        new("widths", "1440,360", "CSS pixels of the window, one after the other"),
        .. SharedOptions.Server,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var lines = arguments.Number("lines", FewLines, 10_000);
        var back = arguments.Number("back", 100, 100_000);
        var cpu = arguments.Number("cpu", 1, 20);
        int[] widths = [.. arguments.Text("widths").Split(',').Select(width => int.Parse(width, CultureInfo.InvariantCulture))];
        await using WebMessengerServer contender = new(arguments.TextOrNull("server"), arguments.All("setting"));
        await using var server = await contender.StartAsync(new Preparation(Speakers, widths.Length * 3), cancellation);
        var speakers = await Task.WhenAll(Enumerable.Range(0, Speakers).Select(speaker => RawClient.OpenAsync(
            server.Door(Transport.Tcp), cookie: null, server.Login(speaker), $"speaker-{speaker}", receiveBuffer: 0, cancellation)));
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await InstalledChromium.LaunchAsync(playwright);
        Uri address = new($"http://{server.WebSocket}/");
        Console.WriteLine($"Chromium {browser.Version}, processor ÷ {cpu}; milliseconds of the page's main thread, {lines:N0} lines against {FewLines}");
        for (var i = 0; i < widths.Length; i++)
        {
            await ShowAsync(browser, address, widths[i], cpu, lines, i * 3, (room, count) => SayAsync(speakers, room, count));
            await ShowBackAsync(browser, address, widths[i], back, (i * 3) + 2, count => SayAsync(speakers, (i * 3) + 2, count));
            cancellation.ThrowIfCancellationRequested();
        }

        foreach (var speaker in speakers)
        {
            speaker.Dispose();
        }

        return 0;
    }

    private static async Task ShowAsync(IBrowser browser, Uri address, int width, int cpu, int lines, int room, Func<int, int, Task> say)
    {
        await using var context = await NewContextAsync(browser, width);
        var (page, tab) = await OpenAsync(context, address, room);
        await tab.SendAsync("Emulation.setCPUThrottlingRate", new() { ["rate"] = cpu });
        var quietKey = await BusyRoom.QuietKeyAsync(page, tab);
        await say(room, FewLines);
        var few = await BusyRoom.MeasureAsync(page, tab, count => say(room, count));
        await tab.SendAsync("Emulation.setCPUThrottlingRate", new() { ["rate"] = 1 });
        await say(room, lines - FewLines);
        await tab.SendAsync("Emulation.setCPUThrottlingRate", new() { ["rate"] = cpu });
        var many = await BusyRoom.MeasureAsync(page, tab, count => say(room, count));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{width,5} px: message {few.Message:F1} → {many.Message:F1} ({many.Message / few.Message:F2} ×); key {quietKey:F1} in the empty room → {many.Key:F1} ({many.Key / quietKey:F2} ×); longest task {many.LongestTask:F0} ms; {many.Nodes:N0} elements"));
    }

    private static async Task ShowBackAsync(IBrowser browser, Uri address, int width, int back, int room, Func<int, Task> say)
    {
        await say(back);
        await using var context = await NewContextAsync(browser, width);
        var (page, tab) = await OpenAsync(context, address, room);
        var (first, last, pages, blank) = await BusyRoom.ReadBackAsync(page, tab);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{width,5} px: {back:N0} lines read back in {pages} pages: {first:F0} ms for a hundred in the first half, {last:F0} ms in the last ({last / first:F2} ×); {blank} frames with a gap"));
    }

    private static Task<IBrowserContext> NewContextAsync(IBrowser browser, int width) => browser.NewContextAsync(new()
    {
        Locale = "en-GB",
        ServiceWorkers = ServiceWorkerPolicy.Block,
        ViewportSize = new() { Width = width, Height = 800 },
        IsMobile = width < 600,
        HasTouch = width < 600,
    });

    private static async Task<(IPage Page, ICDPSession Tab)> OpenAsync(IBrowserContext context, Uri address, int room)
    {
        var page = await context.NewPageAsync();
        await page.GotoAsync(new Uri(address, $"?to=/rooms/{RoomTopic.IdOf(room)}").ToString());
        await page.Locator("form input").First.FillAsync($"Visitor {Guid.NewGuid():N}"[..28]);
        await page.Keyboard.PressAsync("Enter");
        await page.Locator("[role=log]").WaitForAsync();
        await page.GetByRole(AriaRole.Status).Filter(new() { HasText = "Connected" }).WaitForAsync(new() { State = WaitForSelectorState.Attached });
        var tab = await context.NewCDPSessionAsync(page);
        await tab.SendAsync("Performance.enable");
        return (page, tab);
    }

    /// <summary>By turns, so that names and groups change as in a room of people.</summary>
    private static Task SayAsync(RawClient[] speakers, int room, int count) => Task.WhenAll(speakers.Take(count).Select(async (speaker, index) =>
    {
        for (var i = index; i < count; i += speakers.Length)
        {
            await speaker.PublishAsync(RoomTopic.Of(room), string.Join(' ', Enumerable.Repeat("words that somebody says", 1 + (i % 7))) + $" {i}");
        }
    }));
}
