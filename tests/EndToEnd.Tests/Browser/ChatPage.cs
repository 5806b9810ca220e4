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

    /// <summary>What the log has, as the timeline shows it: messages still on their way are not in it.</summary>
    public async Task<IReadOnlyList<string>> SaidAsync() => await Messages.Locator(".bubble[data-seq] .text").AllInnerTextsAsync();

    /// <summary>Messages that are not in the log yet, as far as the page knows.</summary>
    public ILocator Unsent => Messages.Locator(".pending");

    /// <summary>What the bar above the messages says of the connection.</summary>
    public ILocator ConnectionSays(string what) => Page.GetByRole(AriaRole.Status).Filter(new() { HasText = what });

    /// <summary>Scrolls up until there is nothing older.</summary>
    public async Task ReadFromTheBeginningAsync()
    {
        await Page.EvaluateAsync("""
            () => {
                window.climbing = setInterval(() => (document.querySelector('[role=log]').scrollTop = 0), 20);
            }
            """);
        await Assertions.Expect(Messages.GetByText("This is where")).ToBeVisibleAsync();
        await Page.EvaluateAsync("() => clearInterval(window.climbing)");
    }

    public ILocator RoomLink(string title) => Page.GetByRole(AriaRole.Navigation, new() { Name = "Rooms" }).GetByRole(AriaRole.Link, new() { NameRegex = new Regex(Regex.Escape(title)) });

    public async Task SignOutAsync()
    {
        await Page.GetByRole(AriaRole.Button, new() { Name = "My menu" }).ClickAsync();
        await Page.GetByText("Sign out", new() { Exact = true }).ClickAsync();
    }

    [GeneratedRegex("^(Message to|Mensagem para) ")]
    private static partial Regex ComposerName();
}
