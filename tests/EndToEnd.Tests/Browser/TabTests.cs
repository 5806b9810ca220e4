using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Two tabs of one person, in a real browser.</summary>
public sealed class TabTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task The_second_tab_brings_no_second_greeting()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server, "ana", "Ana Só Uma");
        // A room of their own: in a busy one, coming and going is folded into one line.
        var room = await bea.NewRoomAsync();
        await using var beasBrowser = await chromium.VisitorAsync(shared.Server);
        await beasBrowser.BeAsync(bea);
        var watching = await ChatPage.OpenAsync(beasBrowser, room);
        await using var anasBrowser = await chromium.VisitorAsync(shared.Server);
        await anasBrowser.BeAsync(ana);
        await ChatPage.OpenAsync(anasBrowser, room);
        await Assertions.Expect(watching.Messages).ToContainTextAsync("Ana Só Uma came in");
        // What is said in between begins a new line: a second greeting could not hide in the first.
        await watching.SayAsync("hello, Ana");
        await watching.SeesAsync("hello, Ana");

        var second = await ChatPage.OpenAsync(anasBrowser, room);

        var text = Lobby.Unique("from the second tab");
        await second.SayAsync(text);
        await watching.SeesAsync(text);
        Assert.Single(await bea.EventsAsync(room), @event => @event.Is("join", ana.UserName));
        await Assertions.Expect(watching.Messages.GetByText("Ana Só Uma came in")).ToHaveCountAsync(1);
        await Assertions.Expect(second.Messages.GetByText("Ana Só Uma came in")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task Logging_out_in_one_tab_ends_the_others_at_once()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await using var phone = await shared.Server.PageAsync(bea.Cookie).InLobbyAsync();
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        // A profile of its own hears nothing from the first tabs: only the server can end it.
        await using var profile = await chromium.VisitorAsync(shared.Server);
        await profile.BeAsync(ana);
        var tab1 = await ChatPage.OpenAsync(browser);
        var tab2 = await ChatPage.OpenAsync(browser);
        var tab3 = await ChatPage.OpenAsync(profile);
        var before = Lobby.Unique("before");
        await tab2.SayAsync(before);
        foreach (var tab in new[] { tab1, tab2, tab3 })
        {
            await tab.SeesAsync(before);
        }

        await tab1.SignOutAsync();

        foreach (var tab in new[] { tab2, tab3 })
        {
            await Assertions.Expect(tab.SignedOut).ToBeVisibleAsync();
            await Assertions.Expect(tab.Page).ToHaveURLAsync("/?to=/rooms/lobby");
            await Assertions.Expect(tab.Composer).ToHaveCountAsync(0);
        }

        var after = Lobby.Unique("after");
        Assert.True((await phone.PublishAsync(Lobby.Topic, after)).Accepted);
        await phone.PublishesUntilAsync(publish => publish.Says(after));
        await Task.WhenAll(browser.SocketsClosedAsync(), profile.SocketsClosedAsync());
        Assert.All(browser.Heard.Concat(profile.Heard), frame => Assert.DoesNotContain(after, frame, StringComparison.Ordinal));
        Assert.Contains(profile.Heard, frame => frame.Contains(before, StringComparison.Ordinal));
    }
}
