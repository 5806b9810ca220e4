using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>
/// Pages that lose the network, are reloaded or closed, and servers that go away under them: each message once and in order, on both sides.
/// </summary>
public sealed class OfflineTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Reloaded_and_offline_amid_a_busy_room_each_message_is_there_once_and_in_order_on_both_sides()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var crowd = await Crowd.InAsync(shared.Server, room);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        List<string> mine = [];

        // Online, reloaded in the middle of it.
        var talk = crowd.TalkAsync(25);
        await SayAsync(chat, mine, 5);
        await chat.Page.ReloadAsync();
        await chat.IsInRoomAsync();
        await SayAsync(chat, mine, 5);
        await talk;

        // Offline, with more than one message under way and many missed.
        talk = crowd.TalkAsync(25);
        await SayAsync(chat, mine, 3);
        await browser.Context.SetOfflineAsync(true);
        await SayAsync(chat, mine, 5);
        await Assertions.Expect(chat.ConnectionSays("Offline, ")).ToBeVisibleAsync();
        await talk;
        talk = crowd.TalkAsync(25);
        await browser.Context.SetOfflineAsync(false);
        await SayAsync(chat, mine, 5);
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);

        // Offline and closed: the next page of this browser sends what this one could not.
        await browser.Context.SetOfflineAsync(true);
        await SayAsync(chat, mine, 5);
        await Assertions.Expect(chat.ConnectionSays("Offline, 5 messages waiting")).ToBeVisibleAsync();
        await chat.Page.CloseAsync();
        await browser.Context.SetOfflineAsync(false);
        chat = await ChatPage.OpenAsync(browser, room);
        await SayAsync(chat, mine, 2);
        await talk;

        var last = Lobby.Unique("the last");
        mine.Add(last);
        await chat.SayAsync(last);
        await SeesInTheLogAsync(chat, last);
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        var log = Messages(await ana.EventsAsync(room));
        Assert.Equal(150 + mine.Count, log.Count);
        Assert.Equal(mine, log.Where(one => one.User == ana.UserName).Select(one => one.Text));
        foreach (var person in log.Where(one => one.User != ana.UserName).GroupBy(one => one.User))
        {
            Assert.Equal(75, person.Count());
            Assert.Equal(person.Select(one => one.Text).Distinct(), person.Select(one => one.Text));
        }

        await chat.ReadFromTheBeginningAsync();
        Assert.Equal(log.Select(one => one.Text), await chat.SaidAsync());
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task A_server_killed_and_restarted_under_the_page_has_each_message_once_and_in_order()
    {
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        await using var browser = await chromium.VisitorAsync(server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser);
        List<string> mine = [];
        foreach (var kills in new[] { true, true, false })
        {
            await SayAsync(chat, mine, 3);
            // The first of these is under way, or just stored, or just acknowledged.
            await Task.WhenAll(SayAsync(chat, mine, 6), kills ? server.KillAsync() : server.TerminateAsync());
            await Assertions.Expect(chat.ConnectionSays("waiting")).ToBeVisibleAsync();
            await server.StartAgainAsync();
            await SayAsync(chat, mine, 3);
            // It would try again by itself, but waits longer each time.
            await chat.Page.EvaluateAsync("() => dispatchEvent(new Event('online'))");
            await SeesInTheLogAsync(chat, mine[^1]);
            await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        }

        Assert.Equal(mine, Messages(await ana.EventsAsync()).Select(one => one.Text));
        Assert.Equal(mine, await chat.SaidAsync());
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_A2_A_guest_whose_server_is_started_anew_is_back_unnoticed_and_his_lines_are_sent()
    {
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        await using var browser = await chromium.VisitorAsync(server);
        ChatPage chat = new(await browser.OpenAsync("/rooms/lobby"));
        await chat.Page.GetByLabel("Your nickname").FillAsync("Zoe");
        await chat.Page.GetByLabel("Your nickname").PressAsync("Enter");
        await chat.IsInRoomAsync();
        await chat.SayAsync("before");
        await SeesInTheLogAsync(chat, "before");

        await server.TerminateAsync();
        await chat.SayAsync("meanwhile");
        await Assertions.Expect(chat.ConnectionSays("waiting")).ToBeVisibleAsync();
        await server.StartAgainAsync();
        await chat.Page.EvaluateAsync("() => dispatchEvent(new Event('online'))");
        await SeesInTheLogAsync(chat, "meanwhile");
        await chat.SayAsync("after");
        await SeesInTheLogAsync(chat, "after");

        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Page.GetByText("You are no longer in")).ToHaveCountAsync(0);
        Assert.Equal(["before", "meanwhile", "after"], Messages(await ana.EventsAsync()).Select(one => one.Text));
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task The_page_says_plainly_what_it_is_doing()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var crowd = await Crowd.InAsync(shared.Server, room, people: 1);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        TaskCompletionSource mayRead = new();

        // A page that was never connected has nothing to catch up with.
        await Assertions.Expect(chat.ConnectionSays("Connected")).ToHaveCountAsync(1);
        await browser.Context.SetOfflineAsync(true);
        await Assertions.Expect(chat.ConnectionSays("Offline. What you write is sent later.")).ToBeVisibleAsync();
        await chat.SayAsync("one");
        await Assertions.Expect(chat.ConnectionSays("Offline, 1 message waiting")).ToBeVisibleAsync();
        await Assertions.Expect(chat.Unsent).ToContainTextAsync("Waiting to be sent");
        await chat.SayAsync("two");
        await chat.SayAsync("three");
        await Assertions.Expect(chat.ConnectionSays("Offline, 3 messages waiting")).ToBeVisibleAsync();
        await crowd.TalkAsync(3);

        await browser.Context.RouteAsync("**/events?*", async route =>
        {
            await mayRead.Task;
            await route.ContinueAsync();
        });
        await browser.Context.SetOfflineAsync(false);
        await Assertions.Expect(chat.ConnectionSays("Catching up")).ToBeVisibleAsync();
        mayRead.SetResult();
        await Assertions.Expect(chat.ConnectionSays("Catching up")).ToHaveCountAsync(0);
        await chat.SeesAsync("three");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_room_made_anew_is_shown_anew()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The first");
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        for (var i = 0; i < 5; i++)
        {
            await chat.SayAsync(string.Create(CultureInfo.InvariantCulture, $"old {i}"));
        }

        await SeesInTheLogAsync(chat, "old 4");
        await chat.Page.GotoAsync("/account");
        await ana.DeleteRoomAsync(room);
        await ana.NewRoomAsync("The second", room);

        await chat.Page.GotoAsync($"/rooms/{room}");
        await chat.SayAsync("new");
        await SeesInTheLogAsync(chat, "new");
        Assert.Equal(["new"], await chat.SaidAsync());
    }

    private static async Task SayAsync(ChatPage chat, List<string> mine, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"mine {mine.Count}");
            mine.Add(text);
            await chat.SayAsync(text);
        }
    }

    private static Task SeesInTheLogAsync(ChatPage chat, string text) =>
        Assertions.Expect(chat.Messages.Locator(".bubble[data-seq]").Filter(new() { HasTextRegex = new Regex($"^\\s*{Regex.Escape(text)}") })).ToHaveCountAsync(1);

    private static List<(string User, string Text)> Messages(IEnumerable<JsonElement> events) =>
    [
        .. events.Where(@event => @event.GetProperty("type").GetString() == "message")
            .Select(@event => (@event.GetProperty("from").GetProperty("user").GetString()!, @event.GetProperty("text").GetString()!)),
    ];
}
