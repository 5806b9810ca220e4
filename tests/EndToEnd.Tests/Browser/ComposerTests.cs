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
    public async Task Fault_P5_What_looks_like_a_command_is_asked_about_before_everybody_reads_it()
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
        await Assertions.Expect(question).ToContainTextAsync("everybody in The kitchen");
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
        await question.GetByRole(AriaRole.Button, new() { Name = "Send as text" }).ClickAsync();
        await Assertions.Expect(question).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();
        await chat.SeesAsync("/etc/hosts is a file");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        Assert.Equal(["no command", "/etc/hosts is a file"], await chat.SaidAsync());
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
