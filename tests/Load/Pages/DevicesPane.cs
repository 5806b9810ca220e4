using System.Diagnostics;
using Microsoft.Playwright;

namespace WebMessenger.Load.Pages;

/// <summary>
/// A room's devices in a page: how long a value takes to its tile and a switch to its device, and what values cost the page.
/// </summary>
internal sealed class DevicesPane
{
    private readonly IPage _page;
    private readonly ICDPSession _tab;

    private DevicesPane(IPage page, ICDPSession tab) => (_page, _tab) = (page, tab);

    /// <summary>Opens the pane of the room, as who is signed in with the cookie.</summary>
    /// <param name="cookie">As `name=value`.</param>
    public static async Task<DevicesPane> OpenAsync(IBrowserContext context, Uri server, string cookie, string room)
    {
        var parts = cookie.Split('=', 2);
        await context.AddCookiesAsync([new() { Name = parts[0], Value = parts[1], Url = server.ToString() }]);
        var page = await context.NewPageAsync();
        await page.GotoAsync(new Uri(server, $"rooms/{room}").ToString());
        await page.GetByRole(AriaRole.Status).Filter(new() { HasText = "Connected" }).WaitForAsync(new() { State = WaitForSelectorState.Attached });
        await page.GetByRole(AriaRole.Button, new() { Name = "Devices", Exact = true }).First.ClickAsync();
        await page.GetByRole(AriaRole.Region, new() { Name = "Devices", Exact = true }).WaitForAsync();
        var tab = await context.NewCDPSessionAsync(page);
        await tab.SendAsync("Performance.enable");
        return new DevicesPane(page, tab);
    }

    /// <summary>Returns when the tile of this name is drawn.</summary>
    public Task HasTileAsync(string name) => Tile(name).WaitForAsync();

    /// <summary>
    /// Milliseconds from before the publish until the tile's text has the value, measured by the page after the frame that draws it.
    /// </summary>
    /// <param name="publish">Has the device say the value; returns when it is acknowledged.</param>
    public async Task<double> ShownAfterAsync(string tile, string value, Func<Task> publish)
    {
        var shown = await Tile(tile).EvaluateHandleAsync(
            """
            (tile, value) => ({ at: new Promise(done => {
              const look = () => tile.innerText.includes(value) && (watch.disconnect(), requestAnimationFrame(() => setTimeout(() => done(Date.now()))));
              const watch = new MutationObserver(look);
              watch.observe(tile, { childList: true, characterData: true, subtree: true, attributes: true });
              look();
            }) })
            """,
            value);
        var before = DateTimeOffset.UtcNow;
        await publish();
        var at = await shown.EvaluateAsync<double>("shown => shown.at");
        return at - before.ToUnixTimeMilliseconds();
    }

    /// <summary>Milliseconds from the click on a switch until its device has what it is told.</summary>
    /// <param name="heard">Returns when the device has it.</param>
    public async Task<double> ReachesAfterAsync(string tile, Func<Task> heard)
    {
        var hearing = heard();
        var clicked = await Tile(tile).GetByRole(AriaRole.Switch).EvaluateAsync<double>("button => { const at = Date.now(); button.click(); return at; }");
        await hearing;
        return DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - clicked;
    }

    /// <summary>What the page takes of one core meanwhile, in percent: its main thread, and its process with all threads.</summary>
    public async Task<(double MainThread, double Process)> ShareAsync(Func<Task> meanwhile)
    {
        var (task, process) = await SecondsAsync();
        var began = Stopwatch.GetTimestamp();
        await meanwhile();
        var took = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var (taskAfter, processAfter) = await SecondsAsync();
        return ((taskAfter - task) / took * 100, (processAfter - process) / took * 100);
    }

    /// <summary>Elements of the document.</summary>
    public Task<int> NodesAsync() => _page.EvaluateAsync<int>("() => document.querySelectorAll('*').length");

    private ILocator Tile(string name) => _page.GetByRole(AriaRole.Group, new() { Name = name, Exact = true });

    private async Task<(double Task, double Process)> SecondsAsync()
    {
        var metrics = (await _tab.SendAsync("Performance.getMetrics"))!.Value.GetProperty("metrics").EnumerateArray()
            .ToDictionary(metric => metric.GetProperty("name").GetString()!, metric => metric.GetProperty("value").GetDouble());
        return (metrics["TaskDuration"], metrics["ProcessTime"]);
    }
}
