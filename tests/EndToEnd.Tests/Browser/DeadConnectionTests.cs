using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>A connection that dies without a word, while new ones would work: the page finds out by itself.</summary>
public sealed class DeadConnectionTests(Chromium chromium)
{
    [Fact]
    public async Task Fault_B4_A_dead_connection_is_replaced_and_what_was_written_into_it_is_sent()
    {
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, "WebMessenger:TrustedProxies:0=127.0.0.1"]);
        await using DeafProxy proxy = new(server.Address);
        using var ana = await Person.RegisterAsync(server);
        using var bea = await Person.RegisterAsync(server, "bea");
        await using var phone = await server.PageAsync(bea.Cookie).InLobbyAsync();
        await using var browser = await chromium.VisitorAsync(proxy.Address);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser);
        var before = Lobby.Unique("before");
        await chat.SayAsync(before);
        await phone.PublishesUntilAsync(publish => publish.Says(before));
        var sockets = 0;
        chat.Page.WebSocket += (_, _) => sockets++;

        // Also those on which the page asks whether it is still signed in.
        proxy.GoDeaf();
        var written = Lobby.Unique("into the dead connection");
        await chat.SayAsync(written);
        var meanwhile = Lobby.Unique("said meanwhile");
        Assert.True((await phone.PublishAsync(Lobby.Topic, meanwhile)).Accepted);

        // Within the minute that is promised; how fast is no matter of this test.
        var minute = new LocatorAssertionsToBeVisibleOptions { Timeout = 60_000 };
        await Assertions.Expect(chat.Messages.GetByText(meanwhile, new() { Exact = true })).ToBeVisibleAsync(minute);
        await phone.PublishesUntilAsync(publish => publish.Says(written));
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        Assert.Equal([before, meanwhile, written], await chat.SaidAsync());
        Assert.Equal(1, sockets);
        browser.AssertNoComplaints();
    }
}
