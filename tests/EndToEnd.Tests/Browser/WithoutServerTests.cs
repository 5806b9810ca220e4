using System.Text.RegularExpressions;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>A page that is opened while nobody answers: from its service worker's files and the last copies.</summary>
public sealed class WithoutServerTests(SharedServer shared, Chromium chromium)
{
    private const string WorkerIsReady = """
        async () => {
          await navigator.serviceWorker.ready;
          if (navigator.serviceWorker.controller) return;
          await new Promise(done => navigator.serviceWorker.addEventListener('controllerchange', done, { once: true }));
        }
        """;

    private const string EverythingKept = """
        async () => {
          const kept = [JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })];
          for (const name of await caches.keys()) {
            const cache = await caches.open(name);
            for (const request of await cache.keys()) kept.push(request.url, await (await cache.match(request)).text());
          }
          for (const { name } of await indexedDB.databases()) {
            const opening = indexedDB.open(name);
            await new Promise((done, failed) => Object.assign(opening, { onsuccess: done, onerror: failed }));
            const database = opening.result;
            for (const store of database.objectStoreNames) {
              const all = database.transaction(store).objectStore(store).getAll();
              kept.push(JSON.stringify(await new Promise(done => (all.onsuccess = () => done(all.result)))));
            }
            database.close();
          }
          return kept.join('\n');
        }
        """;

    [Fact]
    public async Task Fault_P19_Reloaded_while_the_server_is_away_the_room_is_there_and_what_is_written_is_sent_when_it_is_back()
    {
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        await using var browser = await chromium.VisitorAsync(server, withServiceWorker: true);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser);
        var said = Lobby.Unique("said while it was there");
        await chat.SayAsync(said);
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.Page.EvaluateAsync(WorkerIsReady);
        await IsKeptAsync(chat, said);

        await server.KillAsync();
        await chat.Page.ReloadAsync();

        await chat.SeesAsync(said);
        await chat.IsInRoomAsync();
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Button, new() { Name = "My menu" })).ToContainTextAsync(ana.DisplayName);
        await Assertions.Expect(chat.ConnectionSays("The server does not answer. What you write is sent later.")).ToBeVisibleAsync();
        var written = Lobby.Unique("written without it");
        await chat.SayAsync(written);
        await Assertions.Expect(chat.ConnectionSays("1 message waiting")).ToBeVisibleAsync();

        // Another reload loses nothing, and a page of another address is the same page.
        await chat.Page.GotoAsync("/account");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToBeVisibleAsync();
        await chat.Page.GotoAsync("/rooms/lobby");
        await Assertions.Expect(chat.Unsent).ToContainTextAsync(written);

        await server.StartAgainAsync();
        await chat.Page.EvaluateAsync("() => dispatchEvent(new Event('online'))");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        Assert.Equal([said, written], await chat.SaidAsync());
        var log = (await ana.EventsAsync()).Where(@event => @event.GetProperty("type").GetString() == "message");
        Assert.Equal([said, written], log.Select(@event => @event.GetProperty("text").GetString()));
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P19_A_reload_without_a_network_shows_the_room_and_a_sign_in_that_ended_meanwhile_leads_to_the_door()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server, withServiceWorker: true);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("said with a network");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.Page.EvaluateAsync(WorkerIsReady);
        await IsKeptAsync(chat, "said with a network");

        await browser.Context.SetOfflineAsync(true);
        await chat.Page.ReloadAsync();
        await chat.SeesAsync("said with a network");
        await Assertions.Expect(chat.ConnectionSays("Offline. What you write is sent later.")).ToBeVisibleAsync();

        await ana.LogOutAsync();
        await browser.Context.SetOfflineAsync(false);
        await Assertions.Expect(chat.SignedOut).ToBeVisibleAsync();
        Assert.DoesNotContain("said with a network", await chat.Page.EvaluateAsync<string>(EverythingKept), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fault_P19_After_a_sign_out_nothing_of_the_person_stays_in_the_browser()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server, withServiceWorker: true);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var text = Lobby.Unique("private");
        await chat.SayAsync(text);
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.Page.EvaluateAsync(WorkerIsReady);
        await chat.Page.ReloadAsync();
        await chat.SeesAsync(text);

        // What is looked for would be found.
        await IsKeptAsync(chat, text);
        var before = await chat.Page.EvaluateAsync<string>(EverythingKept);
        Assert.All([text, ana.UserName, "modulepreload"], what => Assert.Contains(what, before, StringComparison.Ordinal));

        await chat.SignOutAsync();
        await Assertions.Expect(chat.Page.GetByLabel("Your nickname")).ToBeVisibleAsync();

        var after = await chat.Page.EvaluateAsync<string>(EverythingKept);
        Assert.Contains("modulepreload", after, StringComparison.Ordinal);
        Assert.All([text, ana.UserName, room], what => Assert.DoesNotContain(what, after, StringComparison.Ordinal));
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P19_A_newer_version_is_offered_and_never_forced_and_the_old_page_goes_on()
    {
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        await using var browser = await chromium.VisitorAsync(server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser);
        await Assertions.Expect(chat.ConnectionSays("Connected")).ToHaveCountAsync(1);
        await chat.Composer.FillAsync("half a sentence");
        var offer = chat.Page.GetByRole(AriaRole.Status).Filter(new() { HasText = "A new version of this page is ready." });
        await Assertions.Expect(offer).ToHaveCountAsync(0);

        // As after an update: the server comes back with a page that begins with another script.
        await server.KillAsync();
        await Assertions.Expect(chat.ConnectionSays("The server does not answer.")).ToBeVisibleAsync();
        var isNew = false;
        await browser.Context.RouteAsync(new Regex("/$"), async route =>
        {
            var answer = await route.FetchAsync();
            var tomorrow = Regex.Replace(await answer.TextAsync(), "assets/index-[^\"]+\\.js", "assets/index-of-tomorrow.js");
            await route.FulfillAsync(new() { Response = answer, Body = tomorrow });
            isNew = true;
        });
        await server.StartAgainAsync();
        await chat.Page.EvaluateAsync("() => dispatchEvent(new Event('online'))");

        await Assertions.Expect(offer).ToBeVisibleAsync();
        Assert.True(isNew);
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("half a sentence");
        await chat.Composer.PressAsync("Enter");
        await chat.SeesAsync("half a sentence");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await offer.GetByRole(AriaRole.Button, new() { Name = "Later" }).ClickAsync();
        await Assertions.Expect(offer).ToHaveCountAsync(0);
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P19_A_page_whose_parts_are_gone_from_the_server_loads_the_new_one_by_itself()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        var page = await browser.OpenAsync();
        await page.GetByLabel("Your nickname").WaitForAsync();
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        var asked = 0;
        await browser.Context.RouteAsync("**/assets/chat-*.js", async route =>
        {
            // The first page's part is gone; the page that is loaded in its place has its own.
            if (++asked == 1)
            {
                await route.FulfillAsync(new() { Status = 404, Body = "" });
            }
            else
            {
                await route.ContinueAsync();
            }
        });
        await browser.BeAsync(ana);

        ChatPage chat = new(page);
        await page.GotoAsync("/rooms/lobby");
        await chat.IsInRoomAsync();
        Assert.True(asked > 1);
    }

    // The page writes its copy a moment after what was said.
    private static async Task IsKeptAsync(ChatPage chat, string text)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        using PeriodicTimer again = new(TimeSpan.FromMilliseconds(100));
        while (!(await chat.Page.EvaluateAsync<string>(EverythingKept)).Contains(text, StringComparison.Ordinal))
        {
            await again.WaitForNextTickAsync(patience.Token);
        }
    }
}
