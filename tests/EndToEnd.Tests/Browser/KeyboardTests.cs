using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

public sealed class KeyboardTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task A_guest_comes_in_talks_looks_at_the_account_and_leaves_without_a_mouse()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await using var phone = await shared.Server.PageAsync(bea.Cookie).InLobbyAsync();
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        ChatPage chat = new(await visitor.OpenAsync());
        var keys = chat.Page.Keyboard;

        await TabToAsync(chat.Page, chat.Page.GetByLabel("Your nickname"));
        await keys.TypeAsync("Dona do Teclado");
        await keys.PressAsync("Enter");
        await chat.IsInRoomAsync();

        var text = Lobby.Unique("sem mouse");
        await TabToAsync(chat.Page, chat.Composer);
        await keys.TypeAsync(text);
        await keys.PressAsync("Enter");
        await chat.SeesAsync(text);
        var heard = (await phone.PublishesUntilAsync(publish => publish.Says(text)))[^1].Json.GetProperty("from");
        Assert.Equal("Dona do Teclado", heard.GetProperty("name").GetString());
        Assert.Equal("guest", heard.GetProperty("kind").GetString());

        await OpenMenuEntryAsync(chat.Page, "My account");
        await Assertions.Expect(chat.Page.GetByText("You are here as a guest")).ToBeVisibleAsync();
        await TabToAsync(chat.Page, chat.Page.GetByRole(AriaRole.Link, new() { Name = "Back to the chat" }));
        await keys.PressAsync("Enter");
        await chat.IsInRoomAsync();

        await OpenMenuEntryAsync(chat.Page, "Sign out");
        await Assertions.Expect(chat.Page.GetByLabel("Your nickname")).ToBeVisibleAsync();
        visitor.AssertNoComplaints();
    }

    private static async Task OpenMenuEntryAsync(IPage page, string entry)
    {
        await TabToAsync(page, page.GetByRole(AriaRole.Button, new() { Name = "My menu" }));
        await page.Keyboard.PressAsync("Enter");
        await TabToAsync(page, page.GetByText(entry, new() { Exact = true }));
        await page.Keyboard.PressAsync("Enter");
    }

    /// <summary>Presses Tab until the target has the focus, or the link or button that it is written on.</summary>
    private static async Task TabToAsync(IPage page, ILocator target)
    {
        await target.First.WaitForAsync();
        List<string> passed = [];
        for (var presses = 0; presses < 80; presses++)
        {
            if (await target.First.EvaluateAsync<bool>("target => document.activeElement === (target.closest('a, button') ?? target)"))
            {
                return;
            }

            await page.Keyboard.PressAsync("Tab");
            passed.Add(await page.EvaluateAsync<string>("document.activeElement.ariaLabel ?? document.activeElement.innerText?.slice(0, 30) ?? ''"));
        }

        Assert.Fail($"The keyboard did not reach it; it passed: {string.Join(" | ", passed)}");
    }
}
