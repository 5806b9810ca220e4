using System.Text.RegularExpressions;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>What was said while nobody looked: badges, the line above it, and the inbox.</summary>
public sealed class UnreadTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task What_was_said_while_the_reader_was_elsewhere_is_counted_and_stands_below_a_line()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var (room, title) = (await ana.NewRoomAsync("The busy one"), "The busy one");
        await using var crowd = await Crowd.InAsync(shared.Server, room, people: 1);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var line = chat.Messages.GetByText("New messages");
        await chat.SayAsync("read");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await Assertions.Expect(line).ToHaveCountAsync(0);

        await chat.Page.GetByRole(AriaRole.Link, new() { Name = "All rooms" }).Last.ClickAsync();
        await Assertions.Expect(chat.Composer).ToHaveCountAsync(0);
        await crowd.TalkAsync(3);

        await Assertions.Expect(chat.RoomLink(title)).ToContainTextAsync("3 new messages");
        await Assertions.Expect(chat.Page).ToHaveTitleAsync(new Regex("^• "));
        await chat.RoomLink(title).ClickAsync();
        await Assertions.Expect(line).ToBeVisibleAsync();
        Assert.True(await chat.Page.EvaluateAsync<bool>("""
            () => {
                const bubbles = [...document.querySelectorAll('.bubble[data-seq]')];
                const line = document.querySelector('[role=log] .unread');
                const isAbove = (bubble) => Boolean(bubble.compareDocumentPosition(line) & Node.DOCUMENT_POSITION_FOLLOWING);
                return bubbles.length === 4 && bubbles.map(isAbove).join() === 'true,false,false,false';
            }
            """), "The line stands between what was read and what was not.");
        await Assertions.Expect(chat.RoomLink(title)).Not.ToContainTextAsync("new message");
        await Assertions.Expect(chat.Page).Not.ToHaveTitleAsync(new Regex("^•"));

        // A visit later it has been read.
        await chat.Page.ReloadAsync();
        await Assertions.Expect(chat.Messages.Locator(".bubble[data-seq]")).ToHaveCountAsync(4);
        await Assertions.Expect(line).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Whoever_saw_the_first_new_lines_only_and_comes_back_has_read_no_more()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var (room, title) = (await ana.NewRoomAsync("The long one"), "The long one");

        // So that it stands in her list, however many others there are.
        await ana.Http.PutAsync("/api/rooms/lobby/members/me", null, TestContext.Current.CancellationToken);
        await using var crowd = await Crowd.InAsync(shared.Server, room);
        await crowd.TalkAsync(60);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await Assertions.Expect(chat.ConnectionSays("Connected")).ToHaveCountAsync(1);
        await Assertions.Expect(chat.Messages.GetByText("New messages")).ToBeInViewportAsync();

        await chat.RoomLink("Lobby").ClickAsync();
        await Assertions.Expect(chat.RoomLink(title)).ToContainTextAsync("120 new messages");
        await chat.RoomLink(title).ClickAsync();
        await Assertions.Expect(chat.Messages.GetByText("New messages")).ToBeInViewportAsync();
        await chat.RoomLink("Lobby").ClickAsync();

        await Assertions.Expect(chat.RoomLink(title)).ToContainTextAsync("120 new messages");
    }

    [Fact]
    public async Task What_was_missed_offline_begins_below_a_line()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var crowd = await Crowd.InAsync(shared.Server, room, people: 1);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("before");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await browser.Context.SetOfflineAsync(true);
        await Assertions.Expect(chat.ConnectionSays("Offline")).ToBeVisibleAsync();
        await crowd.TalkAsync(40);

        await browser.Context.SetOfflineAsync(false);

        await Assertions.Expect(chat.Messages.GetByText("New messages")).ToBeInViewportAsync();
        Assert.Equal(41, (await chat.SaidAsync()).Count);
    }

    [Fact]
    public async Task A_whisper_said_while_no_page_was_open_is_told_by_a_number_and_one_said_meanwhile_is_shown()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea", "Béa da Praia");
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var phone = await shared.Server.PageAsync(bea.Cookie);
        Assert.True((await phone.ConnectAsync()).Accepted);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        await WhisperAsync("before the first visit");

        var chat = await ChatPage.OpenAsync(browser);
        var notices = chat.Page.GetByRole(AriaRole.Region, new() { Name = "Notices" });
        var inbox = chat.Page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^Conversations") });
        await Assertions.Expect(inbox).ToContainTextAsync("1 new message in conversations");
        await WhisperAsync("during the first visit");
        await Assertions.Expect(notices.GetByText("during the first visit", new() { Exact = true })).ToBeVisibleAsync();
        await Assertions.Expect(notices.GetByText("before the first visit", new() { Exact = true })).ToHaveCountAsync(0);

        await notices.GetByRole(AriaRole.Button, new() { Name = "Dismiss what Béa da Praia whispered" }).ClickAsync();
        await Assertions.Expect(notices.GetByText("during the first visit", new() { Exact = true })).ToHaveCountAsync(0);
        await Assertions.Expect(inbox).ToContainTextAsync("2 new messages in conversations");
        await chat.Page.CloseAsync();
        await WhisperAsync("between two visits");
        chat = await ChatPage.OpenAsync(browser);
        notices = chat.Page.GetByRole(AriaRole.Region, new() { Name = "Notices" });
        inbox = chat.Page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^Conversations") });
        await Assertions.Expect(inbox).ToContainTextAsync("3 new messages in conversations");
        await WhisperAsync("during the second visit");
        await Assertions.Expect(notices.GetByText("during the second visit", new() { Exact = true })).ToBeVisibleAsync();
        await Assertions.Expect(notices.GetByText("between two visits", new() { Exact = true })).ToHaveCountAsync(0);

        await inbox.ClickAsync();
        await chat.Page.GetByRole(AriaRole.List, new() { Name = "Conversations" }).GetByRole(AriaRole.Link).ClickAsync();
        await chat.SeesAsync("between two visits");
        await Assertions.Expect(chat.Messages.GetByRole(AriaRole.Article)).ToHaveCountAsync(4);
        await Assertions.Expect(chat.Message("before the first visit")).ToBeVisibleAsync();
        await Assertions.Expect(notices.GetByText("during the second visit", new() { Exact = true })).ToHaveCountAsync(0);
        await WhisperAsync("while she reads");
        await chat.SeesAsync("while she reads");
        await chat.Page.ReloadAsync();
        await Assertions.Expect(chat.Messages.GetByRole(AriaRole.Article)).ToHaveCountAsync(5);
        await Assertions.Expect(inbox).Not.ToContainTextAsync("new message");
        browser.AssertNoComplaints();

        async Task WhisperAsync(string text) => Assert.True((await phone.PublishAsync($"users/{ana.UserName}", text)).Accepted);
    }
}
