using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Messages that their authors change or delete, and what becomes of words whose message is gone.</summary>
public sealed class EditPageTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Up_in_an_empty_composer_changes_my_last_line_for_all_and_the_draft_is_there_again()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        var mine = await ChatPage.OpenAsync(anas, room);
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var other = await ChatPage.OpenAsync(beas, room);
        await mine.SayAsync("see you at sven");
        await other.SeesAsync("see you at sven");
        await other.SayAsync("where?");
        await mine.SeesAsync("where?");

        await mine.Composer.FocusAsync();
        await mine.Page.Keyboard.PressAsync("ArrowUp");
        await Assertions.Expect(mine.Composer).ToHaveValueAsync("see you at sven");
        await Assertions.Expect(mine.Page.GetByRole(AriaRole.Status).Filter(new() { HasText = "You are changing a message." })).ToBeVisibleAsync();
        await mine.SayAsync("see you at seven");
        await Assertions.Expect(mine.Composer).ToHaveValueAsync("");
        foreach (var page in new[] { mine, other })
        {
            await page.SeesAsync("see you at seven");
            await Assertions.Expect(page.Message("see you at seven")).ToContainTextAsync("edited");
            await Assertions.Expect(page.Messages.GetByRole(AriaRole.Article)).ToHaveCountAsync(2);
        }

        await Assertions.Expect(other.Page.Locator("[aria-live=polite]").Filter(new() { HasText = $"{ana.DisplayName} changed it to: see you at seven" })).ToHaveCountAsync(1);

        // What was begun waits beside the change, whichever way that ends.
        await mine.Composer.FillAsync("a draft");
        await mine.DoAsync("Edit", "see you at seven");
        await Assertions.Expect(mine.Composer).ToHaveValueAsync("see you at seven");
        await mine.Composer.FillAsync("not this");
        await mine.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(mine.Composer).ToHaveValueAsync("a draft");
        await mine.DoAsync("Edit", "see you at seven");
        await mine.SayAsync("see you at eight");
        await Assertions.Expect(mine.Composer).ToHaveValueAsync("a draft");
        await other.SeesAsync("see you at eight");
        Assert.Equal(["see you at eight", "where?"], await mine.SaidAsync());
        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }

    [Fact]
    public async Task A_half_written_change_and_what_is_answered_are_there_again_after_a_reload_and_it_is_said_when_that_is_gone()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, room);
        await chat.SayAsync("what is asked");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.DoAsync("Edit", "what is asked");
        await chat.Composer.FillAsync("half of it");
        await chat.Page.ReloadAsync();
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("half of it");
        await Assertions.Expect(chat.Page.GetByText("You are changing a message.")).ToBeVisibleAsync();
        await chat.Composer.FocusAsync();
        await chat.Page.Keyboard.PressAsync("Escape");

        await chat.DoAsync("Reply", "what is asked");
        await chat.Composer.FillAsync("what is answered");
        await chat.Page.ReloadAsync();
        var about = chat.Page.GetByRole(AriaRole.Status).Filter(new() { HasText = "Answer to" });
        await Assertions.Expect(about).ToContainTextAsync("what is asked");

        var asked = (await ana.EventsAsync(room)).Single(said => said.IsMessage("what is asked")).GetProperty("seq").GetInt64();
        await ana.ActAsync(room, new { type = "delete", of = asked });
        await Assertions.Expect(chat.Page.GetByText("The message that you are answering was deleted.")).ToBeVisibleAsync();
        await Assertions.Expect(about).ToHaveCountAsync(0);
        await chat.Composer.PressAsync("Enter");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Button, new() { Name = "Send without it" })).ToBeFocusedAsync();
        await chat.Page.Keyboard.PressAsync("Enter");
        await chat.SeesAsync("what is answered");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("");
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task A_change_that_comes_too_late_is_said_and_its_words_are_given_back()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("first words");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);

        await chat.DoAsync("Edit", "first words");
        await ana.ActAsync(room, new { type = "policy", editWindow = 0 });
        await chat.SayAsync("better words");
        var refused = chat.Message("first words").GetByRole(AriaRole.Alert);
        await Assertions.Expect(refused).ToContainTextAsync("Not changed: You may not do that (any more).");
        await Assertions.Expect(refused).ToContainTextAsync("better words");
        await refused.GetByRole(AriaRole.Button, new() { Name = "Back to the composer" }).ClickAsync();
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("better words");
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();
        await Assertions.Expect(refused).ToHaveCountAsync(0);

        // And it is not offered any more.
        await chat.Message("first words").HoverAsync();
        await Assertions.Expect(chat.Bar.GetByRole(AriaRole.Button, new() { Name = "Delete" })).ToBeVisibleAsync();
        await Assertions.Expect(chat.Bar.GetByRole(AriaRole.Button, new() { Name = "Edit" })).ToHaveCountAsync(0);
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Of_a_message_that_is_deleted_while_it_is_changed_the_new_words_are_left_in_the_composer()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("going");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.DoAsync("Edit", "going");
        await chat.Composer.FillAsync("words to keep");

        await ana.ActAsync(room, new { type = "delete", of = await SeqAsync(ana, room, "going") });

        await chat.SeesAsync($"Deleted by {ana.DisplayName}.");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("words to keep");
        await Assertions.Expect(chat.Page.GetByText("That message was deleted. What you wrote is here.")).ToBeVisibleAsync();
        await chat.Composer.PressAsync("Enter");
        await chat.SeesAsync("words to keep");
        Assert.Equal(["", "words to keep"], await chat.SaidAsync());
    }

    [Fact]
    public async Task Changed_offline_and_deleted_by_then_nothing_is_sent_and_the_words_are_shown()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("going");
        await chat.SayAsync("staying");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await browser.Context.SetOfflineAsync(true);
        foreach (var text in new[] { "going", "staying" })
        {
            await chat.DoAsync("Edit", text);
            await chat.SayAsync($"{text}, changed");
            await Assertions.Expect(chat.Message($"{text}, changed")).ToBeVisibleAsync();
        }

        await ana.ActAsync(room, new { type = "delete", of = await SeqAsync(ana, room, "going") });
        await browser.Context.SetOfflineAsync(false);

        var gone = chat.Messages.GetByRole(AriaRole.Article).Filter(new() { HasText = "Deleted by" });
        await Assertions.Expect(gone.GetByRole(AriaRole.Alert)).ToContainTextAsync("Not changed: This message was deleted.");
        await Assertions.Expect(gone.GetByRole(AriaRole.Alert)).ToContainTextAsync("going, changed");
        await Assertions.Expect(chat.Message("staying, changed")).ToContainTextAsync("edited");
        Assert.DoesNotContain(await ana.EventsAsync(room), one => one.ToString().Contains("going", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_deleted_is_in_no_store_of_the_browser_and_in_no_corner_of_the_page()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var chat = await ChatPage.OpenAsync(beas, room);
        var canary = Lobby.Unique("canary");
        await ana.SayAsync(shared.Server, room, canary);
        await chat.SeesAsync(canary);
        var seq = await SeqAsync(ana, room, canary);
        await ana.ActAsync(room, new { type = "edit", of = seq, text = $"{canary} again" });
        await chat.SeesAsync($"{canary} again");
        await bea.SayAsync(shared.Server, room, "what?", seq);
        await chat.SeesAsync("what?");
        await chat.Page.WaitForFunctionAsync("async canary => (await stored()).includes(canary)".Replace("stored()", Stored, StringComparison.Ordinal), canary);

        await ana.ActAsync(room, new { type = "delete", of = seq });

        await chat.SeesAsync($"Deleted by {ana.DisplayName}.");
        await chat.Page.WaitForFunctionAsync("async canary => !(await stored()).includes(canary)".Replace("stored()", Stored, StringComparison.Ordinal), canary);
        Assert.DoesNotContain(canary, await chat.Page.ContentAsync(), StringComparison.Ordinal);
        await chat.Page.ReloadAsync();
        await chat.IsInRoomAsync();
        await chat.SeesAsync($"Deleted by {ana.DisplayName}.");
        Assert.DoesNotContain(canary, await chat.Page.ContentAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_somebody_does_is_written_by_slash_me_and_drawn_as_such()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);

        await chat.SayAsync("/me");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Alertdialog)).ToContainTextAsync("comes what you do");
        await chat.Page.Keyboard.PressAsync("Escape");
        await chat.SayAsync("/me waves");
        await Assertions.Expect(chat.Messages.GetByRole(AriaRole.Article)).ToContainTextAsync($"* {ana.DisplayName} waves");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        var said = (await ana.EventsAsync(room)).Single(one => one.GetProperty("type").GetString() == "message");
        Assert.Equal("waves", said.GetProperty("text").GetString());
        Assert.True(said.GetProperty("action").GetBoolean());
    }

    /// <summary>All that IndexedDB and localStorage have, as text.</summary>
    private const string Stored = """
        (async () => {
            const all = [JSON.stringify(localStorage)];
            for (const { name } of await indexedDB.databases()) {
                const database = await new Promise((done, fail) => Object.assign(indexedDB.open(name), { onsuccess: (event) => done(event.target.result), onerror: fail }));
                for (const store of database.objectStoreNames) {
                    all.push(JSON.stringify(await new Promise((done) => (database.transaction(store).objectStore(store).getAll().onsuccess = (event) => done(event.target.result)))));
                }
                database.close();
            }
            return all.join();
        })()
        """;

    private static async Task<long> SeqAsync(Person person, string room, string text) =>
        (await person.EventsAsync(room)).Single(one => one.TryGetProperty("text", out var said) && said.GetString() == text).GetProperty("seq").GetInt64();
}
