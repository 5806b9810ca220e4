using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Reactions as people put them, see them and take them back.</summary>
public sealed class ReactionPageTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task A_reaction_is_there_for_all_with_names_and_a_press_takes_mine_back()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        var first = await ChatPage.OpenAsync(anas, room);
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var second = await ChatPage.OpenAsync(beas, room);
        await first.SayAsync("cake?");
        await second.SeesAsync("cake?");

        await second.DoAsync("React with 👍", "cake?");
        await Assertions.Expect(Chip(first, $"👍 by {bea.DisplayName}")).ToHaveAttributeAsync("aria-pressed", "false");
        await Assertions.Expect(Chip(second, $"👍 by {bea.DisplayName}")).ToHaveAttributeAsync("aria-pressed", "true");
        await Chip(first, $"👍 by {bea.DisplayName}").ClickAsync();
        var both = $"👍 by {bea.DisplayName}, {ana.DisplayName}";
        foreach (var page in new[] { first, second })
        {
            await Assertions.Expect(Chip(page, both)).ToContainTextAsync("👍 2");
        }

        // After a reload it is what the server says.
        await second.Page.ReloadAsync();
        await second.IsInRoomAsync();
        await Chip(second, both).ClickAsync();
        await Assertions.Expect(Chip(first, $"👍 by {ana.DisplayName}")).ToContainTextAsync("👍 1");
        await Chip(first, $"👍 by {ana.DisplayName}").ClickAsync();
        await Assertions.Expect(first.Messages.GetByRole(AriaRole.List, new() { Name = "Reactions" })).ToHaveCountAsync(0);
        await Assertions.Expect(second.Messages.GetByRole(AriaRole.List, new() { Name = "Reactions" })).ToHaveCountAsync(0);
        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }

    [Fact]
    public async Task The_picker_is_loaded_when_it_is_opened_and_is_searched_and_walked_by_keys_in_both_languages()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        List<string> asked = [];
        browser.Context.Request += (_, request) => asked.Add(request.Url);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("to the moon");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        Assert.DoesNotContain(asked, url => url.Contains("/EmojiPicker-", StringComparison.Ordinal) || url.Contains("/compact-", StringComparison.Ordinal));

        await chat.DoAsync("React", "to the moon");
        var picker = chat.Page.GetByRole(AriaRole.Dialog, new() { Name = "Pick an emoji" });
        var keys = chat.Page.Keyboard;
        await Assertions.Expect(picker.GetByRole(AriaRole.Button, new() { Name = "rocket", Exact = true })).ToBeAttachedAsync();
        await picker.GetByRole(AriaRole.Searchbox).FillAsync("rocke");
        await Assertions.Expect(picker.GetByRole(AriaRole.Region, new() { Name = "Found" })).ToContainTextAsync("🚀");
        await keys.PressAsync("ArrowDown");
        await Assertions.Expect(picker.GetByRole(AriaRole.Button, new() { Name = "rocket", Exact = true })).ToBeFocusedAsync();
        await keys.PressAsync("ArrowUp");
        await Assertions.Expect(picker.GetByRole(AriaRole.Searchbox)).ToBeFocusedAsync();
        await keys.PressAsync("Enter");
        await Assertions.Expect(picker).ToHaveCountAsync(0);
        await Assertions.Expect(Chip(chat, $"🚀 by {ana.DisplayName}")).ToContainTextAsync("🚀 1");

        // In the text it stands where the caret is; what was taken is offered first.
        await chat.Composer.FillAsync("ab");
        await keys.PressAsync("ArrowLeft");
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Put in an emoji" }).ClickAsync();
        var recent = picker.GetByRole(AriaRole.Region, new() { Name = "Taken often" });
        await Assertions.Expect(recent.GetByRole(AriaRole.Button).First).ToHaveTextAsync("🚀");
        await recent.GetByRole(AriaRole.Button).First.ClickAsync();
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("a🚀b");
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();

        await using var brasil = await chromium.VisitorAsync(shared.Server, "pt-BR");
        await brasil.BeAsync(ana);
        var conversa = await ChatPage.OpenAsync(brasil, room);
        await conversa.Page.GetByRole(AriaRole.Button, new() { Name = "Inserir um emoji" }).ClickAsync();
        await conversa.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Searchbox).FillAsync("foguete");
        await conversa.Page.GetByRole(AriaRole.Button, new() { Name = "foguete", Exact = true }).ClickAsync();
        await Assertions.Expect(conversa.Composer).ToHaveValueAsync("🚀");
        browser.AssertNoComplaints();
        brasil.AssertNoComplaints();
    }

    [Fact]
    public async Task Offline_a_reaction_shows_at_once_waits_over_a_reload_and_is_sent()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        var first = await ChatPage.OpenAsync(anas, room);
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var second = await ChatPage.OpenAsync(beas, room);
        await first.SayAsync("still there?");
        await second.SeesAsync("still there?");

        await beas.Context.SetOfflineAsync(true);
        await second.DoAsync("React with 👍", "still there?");
        await Assertions.Expect(Chip(second, $"👍 by {bea.DisplayName}")).ToContainTextAsync("👍 1");
        await Assertions.Expect(second.ConnectionSays("1 still to be sent")).ToBeVisibleAsync();
        await second.Page.CloseAsync();
        await beas.Context.SetOfflineAsync(false);
        second = await ChatPage.OpenAsync(beas, room);

        await Assertions.Expect(Chip(first, $"👍 by {bea.DisplayName}")).ToContainTextAsync("👍 1");
        await Assertions.Expect(Chip(second, $"👍 by {bea.DisplayName}")).ToHaveAttributeAsync("aria-pressed", "true");
    }

    private static ILocator Chip(ChatPage page, string name) => page.Messages.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });
}
