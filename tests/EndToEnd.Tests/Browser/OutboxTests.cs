using System.Text.Json;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>What was written and not sent yet: which tab sends it, as whom, and what becomes of what is refused.</summary>
public sealed class OutboxTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Two_tabs_show_one_outbox_and_one_of_them_sends_it()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var first = await ChatPage.OpenAsync(browser, room);
        var second = await ChatPage.OpenAsync(browser, room);
        await browser.Context.SetOfflineAsync(true);
        var (one, two) = (Lobby.Unique("one"), Lobby.Unique("two"));
        await first.SayAsync(one);
        await second.SayAsync(two);
        await first.SeesAsync(two);
        await second.SeesAsync(one);
        await Assertions.Expect(first.ConnectionSays("Offline, 2 messages waiting")).ToBeVisibleAsync();
        await Assertions.Expect(second.ConnectionSays("Offline, 2 messages waiting")).ToBeVisibleAsync();

        await browser.Context.SetOfflineAsync(false);

        foreach (var tab in new[] { first, second })
        {
            await Assertions.Expect(tab.Unsent).ToHaveCountAsync(0);
            await tab.SeesAsync(two);
            Assert.Equal([one, two], await tab.SaidAsync());
        }

        Assert.Equal([one, two], await TextsAsync(ana, room));
        Assert.Single(browser.Said, frame => frame.Contains(one, StringComparison.Ordinal));
        Assert.Single(browser.Said, frame => frame.Contains(two, StringComparison.Ordinal));
    }

    [Fact]
    public async Task When_the_tab_that_sends_is_closed_another_takes_over()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var first = await ChatPage.OpenAsync(browser, room);
        await first.SayAsync("sent by the first");
        await Assertions.Expect(first.Unsent).ToHaveCountAsync(0);
        var second = await ChatPage.OpenAsync(browser, room);
        await browser.Context.SetOfflineAsync(true);
        await first.SayAsync("written in the first");
        await second.SayAsync("written in the second");
        await second.SeesAsync("written in the first");

        await first.Page.CloseAsync();
        await browser.Context.SetOfflineAsync(false);

        await Assertions.Expect(second.Unsent).ToHaveCountAsync(0);
        await second.SayAsync("sent by the second");
        await Assertions.Expect(second.Unsent).ToHaveCountAsync(0);
        string[] said = ["sent by the first", "written in the first", "written in the second", "sent by the second"];
        Assert.Equal(said, await TextsAsync(ana, room));
        Assert.Equal(said, await second.SaidAsync());
    }

    [Fact]
    public async Task Without_locks_two_tabs_may_send_the_same_and_it_is_said_once()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        // As on plain http beyond localhost.
        await browser.Context.AddInitScriptAsync("Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })");
        var before = await ChatPage.OpenAsync(browser, room);
        await browser.Context.SetOfflineAsync(true);
        string[] said = ["one", "two", "three"];
        foreach (var text in said)
        {
            await before.SayAsync(text);
        }

        await Assertions.Expect(before.ConnectionSays("Offline, 3 messages waiting")).ToBeVisibleAsync();
        await before.Page.CloseAsync();
        await browser.Context.SetOfflineAsync(false);

        var tabs = await Task.WhenAll(ChatPage.OpenAsync(browser, room), ChatPage.OpenAsync(browser, room));

        foreach (var tab in tabs)
        {
            await Assertions.Expect(tab.Unsent).ToHaveCountAsync(0);
            await tab.SeesAsync("three");
            Assert.Equal(said, await tab.SaidAsync());
        }

        Assert.Equal(said, await TextsAsync(ana, room));
    }

    [Fact]
    public async Task A_refused_message_stays_with_its_reason_and_holds_up_nothing_until_it_is_tried_again_or_discarded()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await bea.NewRoomAsync(visibility: "private");
        var other = await ana.NewRoomAsync();
        await bea.BringInAsync(room, ana);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("while I may");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);

        // Put out while offline: online, the composer would be gone at once.
        await browser.Context.SetOfflineAsync(true);
        await chat.SayAsync("tried again");
        await chat.SayAsync("discarded");
        await bea.RemoveMemberAsync(room, ana.UserName);
        await browser.Context.SetOfflineAsync(false);
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "You are no longer in" })).ToBeVisibleAsync();
        await chat.Page.GotoAsync($"/rooms/{other}");
        await chat.SayAsync("elsewhere all is well");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        Assert.Equal(["elsewhere all is well"], await TextsAsync(ana, other));

        // A visit later they are still there, and the door is open again.
        await bea.BringInAsync(room, ana);
        await chat.Page.GotoAsync($"/rooms/{room}");
        await Assertions.Expect(chat.Unsent.Filter(new() { HasText = "Not sent: You may not write here." })).ToHaveCountAsync(2);
        await chat.Unsent.Filter(new() { HasText = "tried again" }).GetByRole(AriaRole.Button, new() { Name = "Try again" }).ClickAsync();
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(1);
        await chat.Unsent.GetByRole(AriaRole.Button, new() { Name = "Discard" }).ClickAsync();
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.SeesAsync("tried again");
        Assert.Equal(["while I may", "tried again"], await TextsAsync(bea, room));
        await chat.Page.ReloadAsync();
        await chat.SeesAsync("tried again");
        Assert.Equal(["while I may", "tried again"], await chat.SaidAsync());
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Logging_out_asks_about_what_was_not_sent_and_leaves_nothing_behind()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await bea.NewRoomAsync(visibility: "private");
        await bea.BringInAsync(room, ana);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var text = Lobby.Unique("unsent");
        var question = chat.Page.GetByRole(AriaRole.Dialog);

        // Offline nobody can log out; and what waits is still there.
        await browser.Context.SetOfflineAsync(true);
        await chat.SayAsync(text);
        await Assertions.Expect(chat.ConnectionSays("Offline, 1 message waiting")).ToBeVisibleAsync();
        await chat.SignOutAsync();
        await Assertions.Expect(question).ToContainTextAsync("1 message has not been sent.");
        await question.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Assertions.Expect(question).ToContainTextAsync("The server does not answer.");
        await question.GetByRole(AriaRole.Button, new() { Name = "Stay signed in" }).ClickAsync();
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(1);

        // Refused, it is unsent all the same.
        await bea.RemoveMemberAsync(room, ana.UserName);
        await browser.Context.SetOfflineAsync(false);
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "You are no longer in" })).ToBeVisibleAsync();
        await chat.Page.GotoAsync("/rooms/lobby");
        await chat.IsInRoomAsync();
        await chat.SignOutAsync();
        await Assertions.Expect(question).ToContainTextAsync("1 message has not been sent.");
        await question.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Assertions.Expect(chat.Page.GetByLabel("Your nickname")).ToBeVisibleAsync();

        // The store is emptied right behind the door's showing.
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        while (await KeptAsync(chat.Page) > 0)
        {
            await Task.Delay(20, patience.Token);
        }

        Assert.Empty(await TextsAsync(bea, room));
    }

    [Fact]
    public async Task Another_account_in_the_same_browser_sends_and_sees_nothing_of_the_first()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await browser.Context.SetOfflineAsync(true);
        await chat.SayAsync("of Ana");
        await Assertions.Expect(chat.ConnectionSays("Offline, 1 message waiting")).ToBeVisibleAsync();

        // The cookie changes under the page, and no tab says so.
        await browser.BeAsync(bea);
        await browser.Context.SetOfflineAsync(false);

        await chat.Page.GetByRole(AriaRole.Button, new() { Name = $"Go on as {bea.DisplayName}" }).ClickAsync();
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Button, new() { Name = "My menu" })).ToContainTextAsync(bea.UserName);
        await chat.Page.GotoAsync($"/rooms/{room}");
        await chat.IsInRoomAsync();
        await chat.SayAsync("of Bea");
        await chat.SeesAsync("of Bea");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        Assert.Equal(["of Bea"], await TextsAsync(ana, room));
        Assert.DoesNotContain(browser.Said, frame => frame.Contains("of Ana", StringComparison.Ordinal));
        // Bea's leaving, of her own will, is no word of Ana's either.
        await chat.SignOutAsync();
        await Assertions.Expect(chat.Page.GetByLabel("Your nickname")).ToBeVisibleAsync();
        Assert.Equal(1, await KeptAsync(chat.Page));
    }

    [Fact]
    public async Task A_page_that_is_mistaken_about_who_it_is_sends_nothing()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var stillAna = await ana.Http.GetStringAsync("/api/session", TestContext.Current.CancellationToken);
        await browser.Context.SetOfflineAsync(true);
        await chat.SayAsync("of Ana");
        await Assertions.Expect(chat.ConnectionSays("Offline, 1 message waiting")).ToBeVisibleAsync();

        // The answer to "who am I?" was on its way when the cookie changed: the connection that follows is Bea's.
        await browser.Context.RouteAsync("**/api/session", route => route.FulfillAsync(new() { Status = 200, ContentType = "application/json", Body = stillAna }));
        await browser.BeAsync(bea);
        TaskCompletionSource refused = new(TaskCreationOptions.RunContinuationsAsynchronously);
        chat.Page.WebSocket += (_, socket) => socket.Close += (_, _) => refused.TrySetResult();
        await browser.Context.SetOfflineAsync(false);

        await refused.Task.WaitAsync(RawMqttClient.Patience, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(browser.Said, frame => frame.Contains("of Ana", StringComparison.Ordinal));
        Assert.Empty(await TextsAsync(ana, room));
        // It was kept for her: the right cookie sends it.
        await browser.BeAsync(ana);
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        Assert.Equal(["of Ana"], await TextsAsync(ana, room));
    }

    [Fact]
    public async Task A_login_session_ended_elsewhere_leaves_what_was_not_sent_for_the_same_accounts_return()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        using var phone = await ana.SignInElsewhereAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await browser.Context.SetOfflineAsync(true);
        await chat.SayAsync("waited for me");
        await Assertions.Expect(chat.ConnectionSays("Offline, 1 message waiting")).ToBeVisibleAsync();
        await ana.LogOutAsync();
        await browser.Context.SetOfflineAsync(false);
        await Assertions.Expect(chat.SignedOut).ToBeVisibleAsync();
        Assert.Equal(1, await KeptAsync(chat.Page));

        await browser.BeAsync(phone);
        await chat.Page.GotoAsync($"/rooms/{room}");

        await chat.SeesAsync("waited for me");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        Assert.Equal(["waited for me"], await TextsAsync(phone, room));
    }

    internal const string EverythingKept = """
        () => new Promise((resolve, reject) => {
            const opening = indexedDB.open('webmessenger');
            opening.onerror = () => reject(opening.error);
            opening.onsuccess = () => {
                const transaction = opening.result.transaction(['outbox', 'copies', 'drafts']);
                const all = ['outbox', 'copies', 'drafts'].map((name) => transaction.objectStore(name).getAll());
                transaction.oncomplete = () => {
                    opening.result.close();
                    resolve(JSON.stringify(all.flatMap((request) => request.result)));
                };
            };
        })
        """;

    /// <summary>How many things the browser keeps for whoever was here.</summary>
    internal static async Task<int> KeptAsync(IPage page) =>
        JsonDocument.Parse(await page.EvaluateAsync<string>(EverythingKept)).RootElement.GetArrayLength();

    private static async Task<IReadOnlyList<string>> TextsAsync(Person person, string room) =>
    [
        .. (await person.EventsAsync(room)).Where(@event => @event.GetProperty("type").GetString() == "message")
            .Select(@event => @event.GetProperty("text").GetString()!),
    ];
}
