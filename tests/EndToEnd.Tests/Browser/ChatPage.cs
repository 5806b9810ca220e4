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

    /// <summary>Returns when the line is drawn: from then on <see cref="Unsent"/> counts it.</summary>
    public async Task SayAsync(string text)
    {
        await Composer.FillAsync(text);
        await Composer.PressAsync("Enter");
        await FramesAsync();
    }

    /// <summary>What the page has to draw is drawn.</summary>
    public async Task FramesAsync() => await Page.EvaluateAsync("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");

    /// <summary>
    /// Goes to the end, if the reader was brought to where new messages begin, and finds the text there: what is out of sight is not drawn.
    /// </summary>
    public async Task SeesAsync(string text)
    {
        var said = Messages.GetByText(text, new() { Exact = true });
        var below = Page.Locator(".to-end");
        await Assertions.Expect(said.Or(below).First).ToBeVisibleAsync();
        if (!await said.IsVisibleAsync())
        {
            await below.ClickAsync();
        }

        await Assertions.Expect(said).ToBeVisibleAsync();
    }

    /// <summary>
    /// What the log has, as the timeline shows it from its first line here to its last: messages still on their way are not in it.
    /// </summary>
    /// <remarks>Only what is in sight is drawn, so the page is scrolled through, and is left at its end.</remarks>
    public async Task<IReadOnlyList<string>> SaidAsync() => await Page.EvaluateAsync<string[]>("""
        async () => {
            const log = document.querySelector('[role=log]');
            const said = new Map();
            const look = () => log.querySelectorAll('.bubble[data-seq]').forEach((bubble) => said.set(Number(bubble.dataset.seq), bubble.querySelector('.text')?.innerText ?? ''));
            const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            log.scrollTop = 0;
            await frame();
            look();
            while (log.scrollTop + log.clientHeight < log.scrollHeight - 1) {
                log.scrollTop += log.clientHeight / 2;
                await frame();
                look();
            }
            return [...said].sort(([a], [b]) => a - b).map(([, text]) => text);
        }
        """);

    /// <summary>The message with this text, with all that stands beside it.</summary>
    public ILocator Message(string text) => Messages.GetByRole(AriaRole.Article).Filter(new() { Has = Page.Locator(".bubble").GetByText(text, new() { Exact = true }) });

    /// <summary>What can be done with a message, where the mouse or the keyboard is.</summary>
    public ILocator Bar => Messages.GetByRole(AriaRole.Toolbar);

    /// <summary>Does something with a message by the mouse.</summary>
    public async Task DoAsync(string action, string text)
    {
        await Message(text).HoverAsync();
        await Message(text).GetByRole(AriaRole.Toolbar).GetByRole(AriaRole.Button, new() { Name = action, Exact = true }).ClickAsync();
    }

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
        await Assertions.Expect(Messages.GetByText("This is where")).ToBeInViewportAsync();
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
