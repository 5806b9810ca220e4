using System.Text.RegularExpressions;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>The chat as a person meets it, in English, found by roles and names as a screen reader finds it.</summary>
internal sealed partial class ChatPage(IPage page)
{
    public IPage Page { get; } = page;

    public ILocator Composer => Page.GetByRole(AriaRole.Textbox, new() { NameRegex = ComposerName() });

    public ILocator Messages => Page.GetByRole(AriaRole.Log);

    public ILocator SignedOut => Page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "You were signed out." });

    /// <summary>Opens a room in a new tab of the visitor, who is signed in; returns when it can be talked in.</summary>
    public static async Task<ChatPage> OpenAsync(Visitor visitor, string room = "lobby")
    {
        ChatPage chat = new(await visitor.OpenAsync($"/rooms/{room}"));
        await chat.IsInRoomAsync();
        return chat;
    }

    public async Task IsInRoomAsync()
    {
        await Assertions.Expect(Messages).ToBeVisibleAsync();
        await Assertions.Expect(Composer).ToBeEditableAsync();
    }

    public async Task SayAsync(string text)
    {
        await Composer.FillAsync(text);
        await Composer.PressAsync("Enter");
    }

    public Task SeesAsync(string text) => Assertions.Expect(Messages.GetByText(text, new() { Exact = true })).ToBeVisibleAsync();

    public async Task SignOutAsync()
    {
        await Page.GetByRole(AriaRole.Button, new() { Name = "My menu" }).ClickAsync();
        await Page.GetByText("Sign out", new() { Exact = true }).ClickAsync();
    }

    [GeneratedRegex("^(Message to|Mensagem para) ")]
    private static partial Regex ComposerName();
}
