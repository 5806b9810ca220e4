using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>What can be done with a message is offered by mouse, by keyboard and to a finger, and nothing else is.</summary>
public sealed class MessageBarTests(SharedServer shared, Chromium chromium)
{
    private static readonly string[] _forAll = ["Copy the text", "Copy a link to it", "Copy as mosquitto_pub", "Save for me", "Mark unread from here"];
    private static readonly string[] _own = ["React", "Reply", "Edit", .. _forAll, "Delete"];
    private static readonly string[] _others = ["React", "Reply", "Whisper", .. _forAll, "Report"];
    private static readonly string[] _ofModerators = ["React", "Reply", "Whisper", .. _forAll, "Pin", "Moderate…", "Delete"];

    [Fact]
    public async Task Under_the_mouse_one_message_has_its_bar_with_what_its_reader_may_do()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        var owner = await ChatPage.OpenAsync(anas, room);
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var member = await ChatPage.OpenAsync(beas, room);
        await owner.SayAsync("of the owner");
        await member.SayAsync("of the member");
        await owner.SeesAsync("of the member");
        await member.SeesAsync("of the owner");

        await member.Message("of the member").HoverAsync();
        await OffersAsync(member, _own);
        await member.Message("of the owner").HoverAsync();
        await OffersAsync(member, _others);
        await owner.Message("of the member").HoverAsync();
        await OffersAsync(owner, _ofModerators);
        await owner.Page.Mouse.MoveAsync(1, 1);
        await Assertions.Expect(owner.Bar).ToHaveCountAsync(0);

        // An owner deletes what a member said, once asked.
        await owner.DoAsync("Delete", "of the member");
        var question = owner.Page.GetByRole(AriaRole.Alertdialog);
        await Assertions.Expect(question).ToContainTextAsync("Delete it for everybody?");
        await question.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Assertions.Expect(question).ToHaveCountAsync(0);
        await owner.DoAsync("Delete", "of the member");
        await question.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        foreach (var page in new[] { owner, member })
        {
            await page.SeesAsync($"Deleted by {ana.DisplayName}.");
            await Assertions.Expect(page.Page.GetByText("of the member")).ToHaveCountAsync(0);
        }

        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }

    [Fact]
    public async Task By_keyboard_the_arrows_walk_the_messages_Enter_opens_what_can_be_done_and_Escape_leads_back_to_the_text()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var keys = chat.Page.Keyboard;
        foreach (var text in new[] { "one", "two", "three" })
        {
            await chat.SayAsync(text);
        }

        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.Messages.FocusAsync();
        await keys.PressAsync("ArrowUp");
        await Assertions.Expect(chat.Message("three")).ToBeFocusedAsync();
        await keys.PressAsync("ArrowUp");
        await keys.PressAsync("ArrowUp");
        await Assertions.Expect(chat.Message("one")).ToBeFocusedAsync();
        await keys.PressAsync("ArrowDown");
        await Assertions.Expect(chat.Message("two")).ToBeFocusedAsync();

        // Wherever the mouse was left.
        await chat.Message("one").HoverAsync();
        await keys.PressAsync("Enter");
        await Assertions.Expect(chat.Message("two").GetByRole(AriaRole.Button, new() { Name = "React", Exact = true })).ToBeFocusedAsync();
        await keys.PressAsync("ArrowRight");
        await Assertions.Expect(chat.Bar.GetByRole(AriaRole.Button, new() { Name = "Reply" })).ToBeFocusedAsync();
        await keys.PressAsync("End");
        await keys.PressAsync("Enter");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Cancel" })).ToBeFocusedAsync();
        await keys.PressAsync("Escape");
        await Assertions.Expect(chat.Message("two")).ToBeFocusedAsync();
        await keys.PressAsync("Escape");
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();

        // Tab comes back to where the arrows were.
        await keys.PressAsync("Shift+Tab");
        await Assertions.Expect(chat.Message("two")).ToBeFocusedAsync();
        Assert.Equal(["one", "two", "three"], await chat.SaidAsync());
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task What_is_copied_is_the_text_a_link_that_leads_back_and_a_line_for_the_shell()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        await browser.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("it's **here**");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        var message = chat.Messages.GetByRole(AriaRole.Article);

        Assert.Equal("it's **here**", await CopiedAsync("Copy the text"));
        var shell = await CopiedAsync("Copy as mosquitto_pub");
        Assert.StartsWith("mosquitto_pub ", shell, StringComparison.Ordinal);
        Assert.EndsWith($"-t rooms/{room} -m 'it'\\''s **here**'", shell, StringComparison.Ordinal);
        var link = await CopiedAsync("Copy a link to it");
        var seq = await message.Locator("[data-seq]").GetAttributeAsync("data-seq");
        Assert.EndsWith($"/rooms/{room}?seq={seq}", link, StringComparison.Ordinal);

        ChatPage other = new(await browser.Context.NewPageAsync());
        await other.Page.GotoAsync(link);
        await Assertions.Expect(other.Messages.Locator(".meant")).ToContainTextAsync("here");
        browser.AssertNoComplaints();

        async Task<string> CopiedAsync(string action)
        {
            await chat.Page.EvaluateAsync("() => navigator.clipboard.writeText('')");
            await message.HoverAsync();
            await message.GetByRole(AriaRole.Button, new() { Name = action }).ClickAsync();
            await Assertions.Expect(chat.Page.GetByRole(AriaRole.Status).Filter(new() { HasText = "Copied." })).ToBeVisibleAsync();

            // It may say so of what was copied before: what makes lines for a shell is loaded first.
            using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
            using PeriodicTimer again = new(TimeSpan.FromMilliseconds(50));
            while (true)
            {
                if (await chat.Page.EvaluateAsync<string>("() => navigator.clipboard.readText()") is { Length: > 0 } copied)
                {
                    return copied;
                }

                await again.WaitForNextTickAsync(patience.Token);
            }
        }
    }

    [Fact]
    public async Task A_finger_that_rests_on_a_message_opens_what_can_be_done_with_it_and_one_that_taps_or_scrolls_does_not()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var phone = await chromium.VisitorAsync(shared.Server, phone: true);
        await phone.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(phone, room);
        await ana.SayAsync(shared.Server, room, "under the thumb");
        await chat.SeesAsync("under the thumb");
        var sheet = chat.Page.GetByRole(AriaRole.Dialog);
        await using var finger = await Finger.OnAsync(chat, "under the thumb");

        await finger.DownAsync();
        await finger.UpAsync();
        await chat.FramesAsync();
        await Assertions.Expect(sheet).ToHaveCountAsync(0);

        await finger.DownAsync();
        await Assertions.Expect(sheet).ToBeVisibleAsync();
        await finger.UpAsync();
        await Assertions.Expect(chat.Bar).ToHaveCountAsync(0);
        await sheet.GetByRole(AriaRole.Button, new() { Name = "React with 👍" }).ClickAsync();
        await Assertions.Expect(sheet).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Message("under the thumb").GetByRole(AriaRole.Button, new() { Pressed = true })).ToContainTextAsync("👍 1");
        phone.AssertNoComplaints();
    }

    [Fact]
    public async Task Among_hundreds_of_messages_there_is_one_bar_and_no_other_row_is_made_for_it()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var script = await shared.Server.PageAsync(ana.Cookie);
        Assert.True((await script.ConnectAsync()).Accepted);
        for (var i = 0; i < 300; i++)
        {
            Assert.True((await script.PublishAsync($"rooms/{room}", $"line {i}")).Accepted);
        }

        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SeesAsync("line 299");
        var rows = await chat.Messages.Locator("article").CountAsync();
        await chat.Message("line 298").HoverAsync();
        await Assertions.Expect(chat.Bar).ToHaveCountAsync(1);
        await chat.Message("line 297").HoverAsync();
        await Assertions.Expect(chat.Message("line 297").GetByRole(AriaRole.Toolbar)).ToBeVisibleAsync();
        await Assertions.Expect(chat.Bar).ToHaveCountAsync(1);
        Assert.Equal(rows, await chat.Messages.Locator("article").CountAsync());

        // Walked through by keys, far beyond what was drawn; each has its turn.
        await chat.Page.Mouse.MoveAsync(1, 1);
        await chat.Messages.FocusAsync();
        for (var i = 299; i > 200; i--)
        {
            await chat.Page.Keyboard.PressAsync("ArrowUp");
        }

        await Assertions.Expect(chat.Message("line 201")).ToBeFocusedAsync();
        await Assertions.Expect(chat.Message("line 201")).ToBeInViewportAsync();
        browser.AssertNoComplaints();
    }

    private static async Task OffersAsync(ChatPage page, string[] expected)
    {
        await Assertions.Expect(page.Bar).ToHaveCountAsync(1);
        await Assertions.Expect(page.Bar.GetByRole(AriaRole.Button, new() { Name = expected[^1], Exact = true })).ToBeVisibleAsync();
        var names = await page.Bar.GetByRole(AriaRole.Button).EvaluateAllAsync<string[]>("all => all.map(one => one.ariaLabel)");
        Assert.Equal(expected, names.Where(name => !name.StartsWith("React with", StringComparison.Ordinal)));
    }
}
