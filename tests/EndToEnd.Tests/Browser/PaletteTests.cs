using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Whom one can name and go to, and what Ctrl+K finds open when it is pressed.</summary>
public sealed class PaletteTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task A_member_who_is_away_is_offered_where_somebody_is_named_and_found_by_the_palette_from_elsewhere_too()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var carl = await Person.RegisterAsync(shared.Server, "carl");
        var (beds, other) = (await ana.NewRoomAsync("The beds", visibility: "private"), await ana.NewRoomAsync("Behind the shed", visibility: "private"));
        await ana.BringInAsync(beds, carl);
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, beds);
        var keys = chat.Page.Keyboard;

        await chat.Composer.FocusAsync();
        await keys.TypeAsync("ask @carl");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Listbox, new() { Name = "Suggestions" })).ToContainTextAsync(carl.DisplayName);
        await keys.PressAsync("Enter");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync($"ask @{carl.UserName} ");

        await chat.RoomLink("Behind the shed").ClickAsync();
        await Assertions.Expect(chat.Page).ToHaveURLAsync($"/rooms/{other}");
        await keys.PressAsync("Control+K");
        await Assertions.Expect(Palette(chat)).ToBeFocusedAsync();
        await keys.TypeAsync(carl.UserName);
        var goals = chat.Page.GetByRole(AriaRole.Listbox, new() { Name = "Go anywhere" }).GetByRole(AriaRole.Option);
        await Assertions.Expect(goals.First).ToContainTextAsync(carl.DisplayName);
        await keys.PressAsync("Enter");
        await Assertions.Expect(chat.Page).ToHaveURLAsync($"/talk/{carl.UserName}");
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task The_palette_and_the_search_take_the_place_of_a_dialog_and_wait_for_one_that_was_typed_in()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor);
        var (keys, dialogs) = (chat.Page.Keyboard, chat.Page.Locator("dialog[open]"));

        await chat.SayAsync("/help");
        await Assertions.Expect(dialogs.GetByRole(AriaRole.Heading, new() { Name = "Help" })).ToBeVisibleAsync();
        await keys.PressAsync("Control+K");
        await Assertions.Expect(Palette(chat)).ToBeFocusedAsync();
        await Assertions.Expect(dialogs).ToHaveCountAsync(1);
        await keys.PressAsync("Escape");
        await Assertions.Expect(dialogs).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();

        await chat.SayAsync("/help");
        await Assertions.Expect(dialogs).ToHaveCountAsync(1);
        await keys.PressAsync("Control+Shift+F");
        await Assertions.Expect(dialogs).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Searchbox, new() { Name = "Search messages" })).ToBeFocusedAsync();

        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "New room" }).ClickAsync();
        await chat.Page.GetByLabel("Name", new() { Exact = true }).FillAsync("Half a name");
        await keys.PressAsync("Control+K");
        await keys.PressAsync("Control+Shift+F");
        await chat.FramesAsync();
        await Assertions.Expect(dialogs).ToHaveCountAsync(1);
        await Assertions.Expect(chat.Page.GetByLabel("Name", new() { Exact = true })).ToHaveValueAsync("Half a name");
        await Assertions.Expect(chat.Page.GetByLabel("Name", new() { Exact = true })).ToBeFocusedAsync();

        // The address that was suggested goes when another is typed.
        var address = chat.Page.GetByLabel("Address", new() { Exact = true });
        await address.ClickAsync();
        await keys.TypeAsync("mine");
        await Assertions.Expect(address).ToHaveValueAsync("mine");
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task A_suggested_user_name_goes_when_another_is_typed_and_what_was_typed_stays()
    {
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        var page = await visitor.OpenAsync("/register");
        var name = page.GetByLabel("User name", new() { Exact = true });
        await page.GetByLabel("Display name").FillAsync("Ana Maria");
        await Assertions.Expect(name).ToHaveValueAsync("ana.maria");

        await name.ClickAsync();
        await page.Keyboard.TypeAsync("anam");
        await Assertions.Expect(name).ToHaveValueAsync("anam");
        await page.GetByLabel("Display name").ClickAsync();
        await name.ClickAsync();
        await page.Keyboard.PressAsync("End");
        await page.Keyboard.TypeAsync("2");
        await Assertions.Expect(name).ToHaveValueAsync("anam2");
        visitor.AssertNoComplaints();
    }

    private static ILocator Palette(ChatPage chat) => chat.Page.GetByRole(AriaRole.Combobox, new() { Name = "A room, a person, an action" });
}
