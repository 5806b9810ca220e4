using System.Globalization;
using Microsoft.Playwright;

namespace WebMessenger.Load.Pages;

/// <summary>What a page does for what is said in the room that it shows, as Chromium counts it.</summary>
/// <param name="Message">Milliseconds of the page's main thread for each message, drawing included.</param>
/// <param name="Key">The same for each key pressed in the composer while messages come.</param>
/// <param name="LongestTask">Milliseconds without a break.</param>
/// <param name="Nodes">Elements of the document.</param>
internal sealed record BusyRoom(double Message, double Key, double LongestTask, int Nodes)
{
    private const int Messages = 60;
    private const int Keys = 60;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Twenty messages a second, first without and then with as many keys.</summary>
    /// <param name="say">Has somebody else say so many lines in the room, each acknowledged.</param>
    public static async Task<BusyRoom> MeasureAsync(IPage page, ICDPSession tab, Func<int, Task> say)
    {
        await page.EvaluateAsync(
            """
            () => {
              window.tasks = [0];
              window.tasksSeen ??= new PerformanceObserver(list => list.getEntries().forEach(entry => window.tasks.push(entry.duration)));
              window.tasksSeen.observe({ type: 'longtask' });
            }
            """);
        // What was said before it is drawn, kept and collected first: it belongs to nobody's message here.
        await page.EvaluateAsync("() => new Promise(done => requestIdleCallback(() => setTimeout(done, 3_000)))");
        var quiet = await BusyAsync(tab, () => SpeakAsync(say));
        var typing = await BusyAsync(tab, () => Task.WhenAll(SpeakAsync(say), TypeAsync(page)));
        var nodes = await page.EvaluateAsync<int>("() => document.querySelectorAll('*').length");
        var longest = await page.EvaluateAsync<double>("() => Math.max(...window.tasks)");
        return new BusyRoom(quiet / Messages, Math.Max(0, typing - quiet) / Keys, longest, nodes);
    }

    /// <summary>Milliseconds of the main thread for a key in a room in which nothing happens.</summary>
    public static async Task<double> QuietKeyAsync(IPage page, ICDPSession tab) => await BusyAsync(tab, () => TypeAsync(page)) / Keys;

    /// <summary>Scrolls up to the beginning, a screen a frame.</summary>
    /// <returns>
    /// Milliseconds of the main thread for a hundred lines, in the first half and in the last;
    /// frames in which something in sight was not drawn.
    /// </returns>
    public static async Task<(double First, double Last, int Pages, int Blank)> ReadBackAsync(IPage page, ICDPSession tab)
    {
        List<double> costs = [];
        List<int> lengths = [];
        page.Request += (_, request) =>
        {
            if (request.Url.Contains("before=", StringComparison.Ordinal))
            {
                lengths.Add(int.Parse(request.Url.Split("limit=")[1], CultureInfo.InvariantCulture));
            }
        };
        await page.EvaluateAsync(
            """
            () => {
              const log = document.querySelector('[role=log]');
              window.blank = 0;
              const look = () => {
                const [view, head, drawn] = [log, log.querySelector('.head'), log.querySelector('.drawn')].map(element => element.getBoundingClientRect());
                if (drawn.top > Math.max(view.top, head.bottom) + 1 || drawn.bottom < view.bottom - 17) window.blank++;
                requestAnimationFrame(look);
              };
              requestAnimationFrame(look);
            }
            """);
        await page.Mouse.MoveAsync(page.ViewportSize!.Width / 2f, 300);
        while (!await page.EvaluateAsync<bool>("() => !!document.querySelector('[role=log] .head')?.innerText.includes('This is where')"))
        {
            var before = lengths.Count;
            costs.Add(await BusyAsync(tab, async () =>
            {
                while (lengths.Count == before && !await page.EvaluateAsync<bool>("() => document.querySelector('[role=log]').scrollTop === 0"))
                {
                    await page.Mouse.WheelAsync(0, -600);
                    await page.EvaluateAsync("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
                }

                await page.EvaluateAsync("() => new Promise(done => setTimeout(done, 50))");
            }));
        }

        // The page asks for longer pages while it is read on, so each is charged by its length.
        var half = costs.Count / 2;
        double Of(IEnumerable<double> spent, IEnumerable<int> lines) => spent.Sum() / lines.Sum() * 100;
        return (Of(costs.Take(half), lengths.Take(half)), Of(costs.Skip(half), lengths.Skip(half)), lengths.Count, await page.EvaluateAsync<int>("() => window.blank"));
    }

    private static async Task SpeakAsync(Func<int, Task> say)
    {
        for (var i = 0; i < Messages; i++)
        {
            await say(1);
            await Task.Delay(Pause);
        }
    }

    private static async Task TypeAsync(IPage page)
    {
        var composer = page.Locator("textarea");
        await composer.FocusAsync();
        for (var i = 0; i < Keys; i++)
        {
            await page.Keyboard.PressAsync(((char)('a' + (i % 26))).ToString(CultureInfo.InvariantCulture));
            await Task.Delay(Pause);
        }

        await composer.FillAsync("");
    }

    /// <summary>Milliseconds that the main thread was busy meanwhile.</summary>
    private static async Task<double> BusyAsync(ICDPSession tab, Func<Task> action)
    {
        var before = await TaskSecondsAsync(tab);
        await action();
        return (await TaskSecondsAsync(tab) - before) * 1000;
    }

    private static async Task<double> TaskSecondsAsync(ICDPSession tab) =>
        (await tab.SendAsync("Performance.getMetrics"))!.Value.GetProperty("metrics").EnumerateArray()
            .First(metric => metric.GetProperty("name").GetString() == "TaskDuration").GetProperty("value").GetDouble();
}
