using System.Diagnostics;
using System.Globalization;
using Microsoft.Playwright;

namespace WebMessenger.Load.Pages;

/// <summary>How far somebody's line and machine are slower than this one.</summary>
/// <param name="BytesPerSecond">0: as fast as it goes.</param>
internal sealed record Slowness(int CpuTimes, int BytesPerSecond, int LatencyMilliseconds)
{
    public static Slowness None { get; } = new(1, 0, 0);
}

/// <summary>
/// Somebody who was never here opens the page, comes in as a guest, and reads the lobby: how long it takes, and what it costs on the wire.
/// </summary>
/// <param name="Door">From opening the address until a nickname can be typed.</param>
/// <param name="Lobby">From pressing Enter at the door until the lobby's newest message is on screen.</param>
/// <param name="AtDoor">What was asked for before the nickname could be typed.</param>
/// <param name="InLobby">What was asked for before the message was there, the door's share included.</param>
internal sealed record FirstVisit(
    TimeSpan Door, TimeSpan Lobby, IReadOnlyDictionary<string, long> AtDoor, IReadOnlyDictionary<string, long> InLobby)
{
    /// <summary>Bytes. What the door may cost, and all of the first visit to the lobby.</summary>
    public const int DoorBudget = 60_000;

    public const int LobbyBudget = 200_000;

    // The page itself notes it, as it draws: on a busy machine it may be long before anybody asks,
    // and what an idle door fetches ahead meanwhile is not part of the door.
    private const string NoteNickname =
        """
        new MutationObserver((_, observer) => {
          if (!document.querySelector('form input:not([type=hidden])')?.offsetParent) return;
          globalThis.nicknameAt = performance.now();
          observer.disconnect();
        }).observe(document, { childList: true, subtree: true });
        """;

    // Both answer when they were first true, in milliseconds of a clock that began when the address was opened.
    private const string NicknameIsThere = "() => globalThis.nicknameAt";

    private const string SomebodyCanRead = "text => document.querySelector('[role=log]')?.innerText.includes(text) && performance.now()";

    public long DoorBytes => AtDoor.Values.Sum();

    public long LobbyBytes => InLobby.Values.Sum();

    /// <param name="newest">The text of the lobby's newest message.</param>
    public static async Task<FirstVisit> MakeAsync(IBrowser browser, Uri server, string newest, Slowness slowness)
    {
        await using var context = await browser.NewContextAsync(new() { Locale = "en-GB" });
        var page = await context.NewPageAsync();
        await page.AddInitScriptAsync(NoteNickname);
        var tab = await context.NewCDPSessionAsync(page);
        var bytes = await WireBytes.OfAsync(tab);
        await SlowDownAsync(tab, slowness);

        await page.GotoAsync(server.ToString(), new() { WaitUntil = WaitUntilState.Commit });
        var door = await WhenAsync(page, NicknameIsThere);
        var opened = await page.EvaluateAsync<double>("() => performance.timeOrigin") / 1000;
        await page.EvaluateAsync("() => document.querySelector('form input:not([type=hidden])').focus()");
        await page.Keyboard.InsertTextAsync($"Visitor {Stopwatch.GetTimestamp().ToString(CultureInfo.InvariantCulture)}");
        var entered = await page.EvaluateAsync<double>("() => performance.now()");
        await page.Keyboard.PressAsync("Enter");
        var lobby = await WhenAsync(page, SomebodyCanRead, newest);
        // What was asked for and is not there yet belongs to the visit all the same.
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        return new FirstVisit(
            door,
            lobby - TimeSpan.FromMilliseconds(entered),
            bytes.AskedBefore(opened + door.TotalSeconds),
            bytes.AskedBefore(opened + lobby.TotalSeconds));
    }

    /// <summary>
    /// Somebody who is signed in opens the lobby with nothing in the browser's caches, as behind a new version:
    /// the time until its newest message is on screen.
    /// </summary>
    public static async Task<TimeSpan> ReturnAsync(IBrowser browser, Uri server, string newest, Slowness slowness)
    {
        await using var context = await browser.NewContextAsync(new() { Locale = "en-GB", ServiceWorkers = ServiceWorkerPolicy.Block });
        var page = await context.NewPageAsync();
        await page.AddInitScriptAsync(NoteNickname);
        await page.GotoAsync(server.ToString());
        await WhenAsync(page, NicknameIsThere);
        await page.EvaluateAsync("() => document.querySelector('form input:not([type=hidden])').focus()");
        await page.Keyboard.InsertTextAsync($"Visitor {Stopwatch.GetTimestamp().ToString(CultureInfo.InvariantCulture)}");
        await page.Keyboard.PressAsync("Enter");
        await WhenAsync(page, SomebodyCanRead, newest);
        // Away from the page, so that it does not write its copies again.
        await page.GotoAsync(new Uri(server, "api/session").ToString());
        await page.EvaluateAsync(
            """
            () => new Promise(done => {
              const gone = indexedDB.deleteDatabase('webmessenger');
              gone.onsuccess = gone.onerror = gone.onblocked = done;
            })
            """);
        var tab = await context.NewCDPSessionAsync(page);
        await tab.SendAsync("Network.enable");
        await tab.SendAsync("Network.clearBrowserCache");
        await SlowDownAsync(tab, slowness);
        await page.GotoAsync(new Uri(server, "rooms/lobby").ToString(), new() { WaitUntil = WaitUntilState.Commit });
        return await WhenAsync(page, SomebodyCanRead, newest);
    }

    private static async Task SlowDownAsync(ICDPSession tab, Slowness slowness)
    {
        await tab.SendAsync("Emulation.setCPUThrottlingRate", new() { ["rate"] = slowness.CpuTimes });
        if (slowness.BytesPerSecond > 0)
        {
            await tab.SendAsync("Network.emulateNetworkConditions", new()
            {
                ["offline"] = false,
                ["latency"] = slowness.LatencyMilliseconds,
                ["downloadThroughput"] = slowness.BytesPerSecond,
                ["uploadThroughput"] = slowness.BytesPerSecond / 2,
            });
        }
    }

    /// <summary>Looked at in every frame by the page itself.</summary>
    private static async Task<TimeSpan> WhenAsync(IPage page, string isThere, object? argument = null)
    {
        var handle = await page.WaitForFunctionAsync(isThere, argument, new() { Timeout = 60_000 });
        return TimeSpan.FromMilliseconds(await handle.JsonValueAsync<double>());
    }
}
