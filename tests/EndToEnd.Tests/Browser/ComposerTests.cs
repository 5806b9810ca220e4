using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Where messages are written: on a phone, over reloads and sign-outs, and what is held back from the room.</summary>
public sealed class ComposerTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Fault_P8_On_a_phone_Enter_begins_a_line_and_Send_keeps_the_keyboard()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var phone = await chromium.VisitorAsync(shared.Server, phone: true);
        await phone.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(phone, room);

        await chat.Composer.TapAsync();
        foreach (var text in new[] { "one", "two" })
        {
            await chat.Page.Keyboard.TypeAsync(text);
            await chat.Page.Keyboard.PressAsync("Enter");
            await chat.Page.Keyboard.TypeAsync("and its second line");
            await Assertions.Expect(chat.Composer).ToHaveValueAsync($"{text}\nand its second line");
            await Send(chat).TapAsync();
            await Assertions.Expect(chat.Composer).ToHaveValueAsync("");
            await Assertions.Expect(chat.Composer).ToBeFocusedAsync();
        }

        // With nothing to send, it does not take the keyboard either.
        await Send(chat).TapAsync(new() { Force = true });
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();
        await Assertions.Expect(chat.Composer).ToHaveAttributeAsync("enterkeyhint", "enter");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        Assert.Equal(["one\nand its second line", "two\nand its second line"], await chat.SaidAsync());
    }

    [Fact]
    public async Task Fault_P5_What_looks_like_a_command_is_explained_and_read_by_nobody()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The kitchen");
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var question = chat.Page.GetByRole(AriaRole.Alertdialog);
        await chat.SayAsync("no command");

        // However often somebody presses Enter, or Send, nobody hears it.
        await chat.SayAsync("/w bea secret");
        await Assertions.Expect(question).ToContainTextAsync("There is no command “/w”, and nobody has read this.");
        await Assertions.Expect(question.GetByRole(AriaRole.Button, new() { Name = "Go on writing" })).ToBeFocusedAsync();
        await chat.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(question).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();
        await Send(chat).DblClickAsync();
        await Assertions.Expect(question).ToBeVisibleAsync();
        await chat.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(question).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("/w bea secret");
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();

        await chat.SayAsync("/etc/hosts is a file");
        await question.GetByRole(AriaRole.Button, new() { Name = "Add a slash" }).ClickAsync();
        await Assertions.Expect(question).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("//etc/hosts is a file");
        await chat.Page.Keyboard.PressAsync("Enter");
        await chat.SeesAsync("/etc/hosts is a file");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        Assert.Equal(["no command", "/etc/hosts is a file"], await chat.SaidAsync());
    }

    [Fact]
    public async Task Help_is_shown_by_its_command_and_by_a_key_and_is_no_message()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var help = chat.Page.GetByRole(AriaRole.Dialog, new() { Name = "Help" });

        await chat.Composer.PressSequentiallyAsync("/he");
        await chat.Page.Keyboard.PressAsync("Tab");
        await chat.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(help).ToContainTextAsync("Ctrl+Shift+X");
        await chat.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(help).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("");
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();

        await chat.Page.Keyboard.TypeAsync("?");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("?");
        await Assertions.Expect(help).ToHaveCountAsync(0);

        // Nor does it open where nothing is written: whoever speaks to their computer would open it by a word (WCAG 2.1.4).
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "My menu" }).FocusAsync();
        await chat.Page.Keyboard.PressAsync("?");
        await chat.FramesAsync();
        await Assertions.Expect(help).ToHaveCountAsync(0);
        await chat.Messages.FocusAsync();
        await chat.Page.Keyboard.PressAsync("?");
        await Assertions.Expect(help).ToBeVisibleAsync();
        Assert.Empty(await chat.SaidAsync());
    }

    [Fact]
    public async Task People_rooms_and_emoji_are_completed_by_keys_and_the_focus_stays_in_the_text()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The pantry");
        await using var phone = await shared.Server.PageAsync(bea.Cookie);
        Assert.True((await phone.ConnectAsync()).Accepted);
        await phone.SubscribeAsync($"rooms/{room}");
        Assert.True((await phone.PublishAsync($"rooms/{room}", "here I am")).Accepted);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        List<string> asked = [];
        browser.Context.Request += (_, request) => asked.Add(request.Url);
        var chat = await ChatPage.OpenAsync(browser, room);
        var keys = chat.Page.Keyboard;
        var options = chat.Page.GetByRole(AriaRole.Listbox).GetByRole(AriaRole.Option);
        await chat.SeesAsync("here I am");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Complementary, new() { Name = "People here" })).ToContainTextAsync(bea.DisplayName);

        await keys.TypeAsync($"hi @{bea.UserName[..3]}");
        await Assertions.Expect(options.Filter(new() { HasText = $"@{bea.UserName}" })).ToHaveAttributeAsync("aria-selected", "true");
        Assert.Equal(
            await options.First.GetAttributeAsync("id"), await chat.Composer.GetAttributeAsync("aria-activedescendant"));
        await keys.PressAsync("Enter");
        await Assertions.Expect(options).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Composer).ToHaveValueAsync($"hi @{bea.UserName} ");
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();

        await keys.TypeAsync("in #pantr");
        await options.Filter(new() { HasText = "The pantry" }).ClickAsync();
        await Assertions.Expect(chat.Composer).ToHaveValueAsync($"hi @{bea.UserName} in #{room} ");
        Assert.DoesNotContain(asked, url => url.Contains("/compact-", StringComparison.Ordinal));

        await keys.TypeAsync(":rocke");
        await Assertions.Expect(options.First).ToHaveTextAsync("🚀 :rocket:");
        Assert.Contains(asked, url => url.Contains("/compact-", StringComparison.Ordinal));
        await keys.PressAsync("Tab");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync($"hi @{bea.UserName} in #{room} 🚀 ");

        // Closed, the keys are those of the text again.
        await keys.TypeAsync("@b");
        await Assertions.Expect(options.First).ToBeVisibleAsync();
        await keys.PressAsync("Escape");
        await Assertions.Expect(options).ToHaveCountAsync(0);
        await keys.PressAsync("Enter");
        await chat.SeesAsync($"hi @{bea.UserName} in #{room} 🚀 @b");
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Keys_format_what_is_selected_and_it_can_be_undone()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var keys = chat.Page.Keyboard;

        await keys.TypeAsync("so bold");
        await keys.PressAsync("Control+Shift+ArrowLeft");
        await keys.PressAsync("Control+B");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("so **bold**");
        await keys.PressAsync("Control+Z");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("so bold");
        await keys.PressAsync("Control+I");
        await keys.PressAsync("Control+Shift+X");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("so _~~bold~~_");
        await keys.PressAsync("End");
        await keys.TypeAsync(" ");
        await keys.PressAsync("Control+E");
        await keys.TypeAsync("code");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("so _~~bold~~_ `code`");
        await keys.PressAsync("Enter");
        await Assertions.Expect(chat.Messages.Locator("em s")).ToHaveTextAsync("bold");
        await Assertions.Expect(chat.Messages.Locator("code")).ToHaveTextAsync("code");
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Whoever_chose_Ctrl_and_Enter_begins_lines_with_Enter_in_later_visits_too()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "My menu" }).ClickAsync();
        await chat.Page.GetByLabel("Key that sends").SelectOptionAsync("ctrlEnter");
        await chat.Page.ReloadAsync();
        await chat.IsInRoomAsync();

        await chat.Composer.FillAsync("one");
        await chat.Composer.PressAsync("Enter");
        await chat.Page.Keyboard.TypeAsync("two");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("one\ntwo");
        await Assertions.Expect(chat.Composer).ToHaveAccessibleDescriptionAsync("Ctrl+Enter sends, Enter starts a new line");
        await chat.Page.Keyboard.PressAsync("Control+Enter");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("");
        await Assertions.Expect(chat.Messages.Locator(".bubble[data-seq]")).ToHaveCountAsync(1);
        Assert.Equal(["one\ntwo"], await chat.SaidAsync());
    }

    [Fact]
    public async Task A_paste_that_no_message_holds_asks_first_and_the_field_grows_to_a_bound()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var question = chat.Page.GetByRole(AriaRole.Alertdialog);
        var small = await HeightAsync();

        Assert.False(await PasteIsCaughtAsync(10_000));
        await Assertions.Expect(question).ToHaveCountAsync(0);
        Assert.True(await PasteIsCaughtAsync(10_001));
        await Assertions.Expect(question).ToContainTextAsync("That is 10,001 characters, and a message holds 4,000.");
        await chat.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(question).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("");

        Assert.True(await PasteIsCaughtAsync(10_001));
        await question.GetByRole(AriaRole.Button, new() { Name = "Paste it" }).ClickAsync();
        await Assertions.Expect(chat.Page.GetByText("6,001 characters too many")).ToBeVisibleAsync();
        Assert.InRange(await HeightAsync(), small * 2, 300);

        Task<bool> PasteIsCaughtAsync(int length) => chat.Composer.EvaluateAsync<bool>("""
            (composer, length) => {
                const clipboardData = new DataTransfer();
                clipboardData.setData('text/plain', 'word '.repeat(length / 5 + 1).slice(0, length));
                return !composer.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
            }
            """, length);

        Task<double> HeightAsync() => chat.Composer.EvaluateAsync<double>("composer => composer.getBoundingClientRect().height");
    }

    [Fact]
    public async Task Fault_P17_A_draft_outlives_a_reload_and_a_sign_out_elsewhere_and_is_nobody_elses()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var elsewhere = await ana.SignInElsewhereAsync();
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);

        await chat.Composer.FillAsync("begun by Ana");
        await chat.Page.ReloadAsync();
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("begun by Ana");

        var other = await ChatPage.OpenAsync(browser, room);
        await Assertions.Expect(other.Composer).ToHaveValueAsync("begun by Ana");
        await other.Composer.FillAsync("begun by Ana, and gone on with");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("begun by Ana, and gone on with");
        await other.Page.CloseAsync();

        await ana.LogOutAsync();
        await Assertions.Expect(chat.SignedOut).ToBeVisibleAsync();
        await browser.BeAsync(bea);
        await chat.Page.GotoAsync($"/rooms/{room}");
        await chat.IsInRoomAsync();
        await chat.SayAsync("of Bea");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("");

        await browser.BeAsync(elsewhere);
        await chat.Page.GotoAsync($"/rooms/{room}");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("begun by Ana, and gone on with");

        // Who signs out here is told, and leaves nothing.
        await chat.SignOutAsync();
        var question = chat.Page.GetByRole(AriaRole.Dialog);
        await Assertions.Expect(question).ToContainTextAsync("1 draft is deleted");
        await question.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Assertions.Expect(chat.Page.GetByLabel("Your nickname")).ToBeVisibleAsync();
        Assert.Equal(0, await OutboxTests.KeptAsync(chat.Page));
    }

    [Fact]
    public async Task Fault_P36_A_file_dropped_or_pasted_anywhere_is_caught_and_the_chat_stays()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var said = chat.Page.GetByRole(AriaRole.Region, new() { Name = "Notices" }).GetByText("Files cannot be sent yet.");
        var shown = chat.Page.GetByText("Files cannot be sent yet.");
        var file = typeof(ComposerTests).Assembly.Location;
        var devTools = await browser.Context.NewCDPSessionAsync(chat.Page);

        await DragAsync("dragEnter");
        await DragAsync("dragOver");
        await Assertions.Expect(shown).ToBeVisibleAsync();
        await Assertions.Expect(said).ToHaveCountAsync(0);
        await DragAsync("drop");
        await Assertions.Expect(said).ToBeVisibleAsync();
        await Assertions.Expect(shown).ToHaveCountAsync(1);
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Dismiss" }).ClickAsync();
        await Assertions.Expect(said).ToHaveCountAsync(0);

        // Office programs put a picture beside the text that was copied.
        Assert.False(await PasteIsCaughtAsync("some words"));
        await Assertions.Expect(said).ToHaveCountAsync(0);
        Assert.True(await PasteIsCaughtAsync(null));
        await Assertions.Expect(said).ToBeVisibleAsync();

        await chat.SayAsync("still here");
        await chat.SeesAsync("still here");
        await Assertions.Expect(chat.Page).ToHaveURLAsync($"/rooms/{room}");

        Task DragAsync(string type) => devTools.SendAsync("Input.dispatchDragEvent", new()
        {
            ["type"] = type,
            ["x"] = 600,
            ["y"] = 300,
            ["data"] = new Dictionary<string, object> { ["items"] = Array.Empty<object>(), ["files"] = new[] { file }, ["dragOperationsMask"] = 1 },
        });

        Task<bool> PasteIsCaughtAsync(string? text) => chat.Composer.EvaluateAsync<bool>("""
            (composer, text) => {
                const clipboardData = new DataTransfer();
                clipboardData.items.add(new File(['a picture'], 'picture.png', { type: 'image/png' }));
                if (text !== null) clipboardData.setData('text/plain', text);
                return !composer.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
            }
            """, text);
    }

    [Fact]
    public async Task Fault_P30_What_a_lost_room_never_got_can_be_seen_copied_and_discarded()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await bea.NewRoomAsync(visibility: "private");
        await bea.BringInAsync(room, ana);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await browser.Context.SetOfflineAsync(true);
        await chat.SayAsync("never heard");
        await chat.SayAsync("nor this");
        await Assertions.Expect(chat.ConnectionSays("Offline, 2 messages waiting")).ToBeVisibleAsync();
        await bea.RemoveMemberAsync(room, ana.UserName);
        await browser.Context.SetOfflineAsync(false);

        // The room is gone, and offers them back in its place.
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "You are no longer in" })).ToBeVisibleAsync();
        await Assertions.Expect(chat.Page.GetByText("nor this")).ToBeVisibleAsync();
        await chat.Page.GotoAsync("/rooms/lobby");
        await chat.IsInRoomAsync();
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Not sent (2)" }).ClickAsync();
        var dialog = chat.Page.GetByRole(AriaRole.Dialog, new() { Name = "Not sent" });
        var lines = dialog.GetByRole(AriaRole.Listitem);
        await Assertions.Expect(lines).ToHaveCountAsync(2);
        await Assertions.Expect(lines.First).ToContainTextAsync("never heard");
        await lines.First.GetByRole(AriaRole.Button, new() { Name = "Copy" }).ClickAsync();
        await Assertions.Expect(dialog.GetByText("Copied.")).ToBeVisibleAsync();
        await lines.First.GetByRole(AriaRole.Button, new() { Name = "Discard" }).ClickAsync();
        await Assertions.Expect(lines).ToHaveCountAsync(1);
        await lines.GetByRole(AriaRole.Button, new() { Name = "Discard" }).ClickAsync();
        await Assertions.Expect(lines).ToHaveCountAsync(0);
        await chat.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Heading, new() { Name = "Lobby" })).ToBeFocusedAsync();
        await Assertions.Expect(chat.Page.GetByText("Not sent")).ToHaveCountAsync(0);
        await chat.Page.ReloadAsync();
        await chat.IsInRoomAsync();
        await Assertions.Expect(chat.Page.GetByText("Not sent")).ToHaveCountAsync(0);
    }

    private static ILocator Send(ChatPage chat) => chat.Page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true });
}
