using System.Text.RegularExpressions;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>What two say to each other, in two browsers: as a room's lines, and for nobody else.</summary>
public sealed class ConversationPageTests(SharedServer shared, Chromium chromium)
{
    private const string WorkerIsReady = """
        async () => {
          await navigator.serviceWorker.ready;
          if (navigator.serviceWorker.controller) return;
          await new Promise(done => navigator.serviceWorker.addEventListener('controllerchange', done, { once: true }));
        }
        """;

    [Fact]
    public async Task Two_talk_change_react_and_delete_as_in_a_room_and_both_see_the_same()
    {
        using var ana = await Person.RegisterAsync(shared.Server, "ana");
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var mine = await OpenAsync(anas, bea);
        await Assertions.Expect(mine.Page.GetByText($"Nothing is said yet between you and {bea.UserName}.")).ToBeVisibleAsync();
        var other = await OpenAsync(beas, ana);

        await mine.SayAsync("psst");
        await other.SeesAsync("psst");
        await Assertions.Expect(other.Page.GetByText($"Only {ana.DisplayName} reads this.")).ToBeVisibleAsync();
        await other.SayAsync("/me listens");
        await Assertions.Expect(mine.Messages.GetByText("listens")).ToBeVisibleAsync();
        await Assertions.Expect(mine.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(bea.DisplayName);

        await mine.Composer.PressSequentiallyAsync("w");
        await Assertions.Expect(other.Page.GetByText($"{ana.DisplayName} is typing")).ToBeVisibleAsync();
        await mine.Composer.FillAsync("");
        await other.DoAsync("Reply", "psst");
        await other.SayAsync("what is it?");
        await Assertions.Expect(mine.Message("what is it?").GetByRole(AriaRole.Button, new() { NameRegex = new Regex("In answer to:.*psst") })).ToBeVisibleAsync();

        await mine.DoAsync("Edit", "psst");
        await mine.SayAsync("psst!");
        await Assertions.Expect(other.Message("psst!")).ToContainTextAsync("edited");
        await Assertions.Expect(other.Message("what is it?").GetByRole(AriaRole.Button, new() { NameRegex = new Regex("In answer to:.*psst!") })).ToBeVisibleAsync();
        await other.Message("psst!").HoverAsync();
        await other.Bar.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("^React with") }).First.ClickAsync();
        await Assertions.Expect(mine.Message("psst!").GetByRole(AriaRole.Button, new() { NameRegex = new Regex(Regex.Escape(bea.DisplayName)) })).ToBeVisibleAsync();

        await mine.SayAsync("a canary");
        await other.SeesAsync("a canary");
        // What the other said is not mine to change or delete.
        await mine.Message("what is it?").HoverAsync();
        await Assertions.Expect(mine.Bar.GetByRole(AriaRole.Button, new() { Name = "Reply", Exact = true })).ToBeVisibleAsync();
        await Assertions.Expect(mine.Bar.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true })).ToHaveCountAsync(0);
        await mine.DoAsync("Delete", "a canary");
        await mine.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Assertions.Expect(other.Messages.GetByText($"Deleted by {ana.DisplayName}.")).ToBeVisibleAsync();
        await Assertions.Expect(other.Page.GetByText("a canary")).ToHaveCountAsync(0);

        string[] said = ["psst!", "listens", "what is it?", ""];
        Assert.Equal(said, await mine.SaidAsync());
        Assert.Equal(said, await other.SaidAsync());
        await mine.Page.ReloadAsync();
        await mine.IsInRoomAsync();
        await mine.SeesAsync("what is it?");
        Assert.Equal(said, await mine.SaidAsync());
        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }

    [Fact]
    public async Task The_list_counts_what_is_unread_on_all_devices_and_the_reader_is_brought_to_where_it_begins()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await using var script = await shared.Server.PageAsync(bea.Cookie);
        Assert.True((await script.ConnectAsync()).Accepted);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        await SayAsync("before the first visit");
        var chat = await ChatPage.OpenAsync(browser);
        var second = await ChatPage.OpenAsync(browser);
        await Assertions.Expect(chat.RoomLink(bea.DisplayName)).ToContainTextAsync("1 new message");
        await Assertions.Expect(chat.RoomLink(bea.DisplayName)).ToContainTextAsync("before the first visit");
        await Assertions.Expect(chat.Page).ToHaveTitleAsync(new Regex(@"^\(1\) "));

        for (var i = 0; i < 30; i++)
        {
            await SayAsync($"line {i}");
        }

        await Assertions.Expect(chat.RoomLink(bea.DisplayName)).ToContainTextAsync("31 new messages");
        await chat.RoomLink(bea.DisplayName).ClickAsync();
        await Assertions.Expect(chat.Page).ToHaveURLAsync(new Regex($"/talk/{bea.UserName}$"));
        await Assertions.Expect(chat.Messages.GetByText("New messages")).ToBeInViewportAsync();
        await chat.Page.Locator(".to-end").ClickAsync();
        await Assertions.Expect(second.RoomLink(bea.DisplayName)).Not.ToContainTextAsync("new message");
        await SayAsync("while she reads");
        await chat.SeesAsync("while she reads");
        await Assertions.Expect(second.RoomLink(bea.DisplayName)).ToContainTextAsync("while she reads");
        await Assertions.Expect(second.RoomLink(bea.DisplayName)).Not.ToContainTextAsync("new message");

        // The page of before leads to the same list.
        await second.Page.GetByRole(AriaRole.Link, new() { Name = "Conversations", Exact = true }).ClickAsync();
        await second.Page.GetByRole(AriaRole.List, new() { Name = "Conversations" }).GetByRole(AriaRole.Link).First.ClickAsync();
        await second.SeesAsync("while she reads");
        browser.AssertNoComplaints();

        async Task SayAsync(string text) => Assert.True((await script.PublishAsync($"users/{ana.UserName}", text)).Accepted);
    }

    [Fact]
    public async Task Without_a_server_a_conversation_opens_from_its_copy_and_what_is_written_waits_over_a_reload()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await using var script = await shared.Server.PageAsync(bea.Cookie);
        Assert.True((await script.ConnectAsync()).Accepted);
        await using var browser = await chromium.VisitorAsync(shared.Server, withServiceWorker: true);
        await browser.BeAsync(ana);
        var chat = await OpenAsync(browser, bea);
        await chat.SayAsync("said before");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.Page.EvaluateAsync(WorkerIsReady);
        await browser.Context.SetOfflineAsync(true);
        await chat.SayAsync("said offline");
        await chat.Composer.FillAsync("a draft");
        await Assertions.Expect(chat.ConnectionSays("Offline, 1 message waiting")).ToBeVisibleAsync();
        Assert.True((await script.PublishAsync($"users/{ana.UserName}", "meanwhile")).Accepted);

        await chat.Page.ReloadAsync();
        await chat.SeesAsync("said before");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(1);
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("a draft");
        await Assertions.Expect(chat.RoomLink(bea.DisplayName)).ToBeVisibleAsync();

        await browser.Context.SetOfflineAsync(false);
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.SeesAsync("meanwhile");
        await chat.SeesAsync("said offline");
        Assert.Equal(["said before", "meanwhile", "said offline"], await chat.SaidAsync());
    }

    [Fact]
    public async Task Somebody_who_is_ignored_is_not_heard_and_his_lines_in_rooms_are_folded()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var script = await shared.Server.PageAsync(bea.Cookie);
        Assert.True((await script.ConnectAsync()).Accepted);
        await bea.SayAsync(shared.Server, room, "a loud line");
        Assert.True((await script.PublishAsync($"users/{ana.UserName}", "psst")).Accepted);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SeesAsync("a loud line");
        await Assertions.Expect(chat.RoomLink(bea.DisplayName)).ToContainTextAsync("1 new message");

        await chat.Message("a loud line").GetByRole(AriaRole.Button, new() { Name = bea.DisplayName }).ClickAsync();
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Ignore", Exact = true }).ClickAsync();
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Button, new() { Name = "Stop ignoring" })).ToBeVisibleAsync();
        await chat.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(chat.Page.GetByText("a loud line")).ToHaveCountAsync(0);
        await Assertions.Expect(chat.RoomLink(bea.DisplayName)).ToHaveCountAsync(0);
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = $"Show the line of {bea.DisplayName}" }).ClickAsync();
        await Assertions.Expect(chat.Message("a loud line")).ToBeVisibleAsync();
        Assert.True((await script.PublishAsync($"users/{ana.UserName}", "psst again")).Accepted);

        await chat.Page.GotoAsync("/whispers");
        await chat.Page.GetByText("Ignored (1)").ClickAsync();
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = $"Stop ignoring ({bea.DisplayName})" }).ClickAsync();
        await Assertions.Expect(chat.RoomLink(bea.DisplayName)).ToBeVisibleAsync();
        Assert.True((await script.PublishAsync($"users/{ana.UserName}", "heard again")).Accepted);
        await Assertions.Expect(chat.RoomLink(bea.DisplayName)).ToContainTextAsync("heard again");
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task From_a_message_the_bar_and_the_card_lead_to_its_author_and_on_a_phone_the_list_is_a_page()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await bea.SayAsync(shared.Server, room, "a line");
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.DoAsync("Whisper", "a line");
        await Assertions.Expect(chat.Page).ToHaveURLAsync(new Regex($"/talk/{bea.UserName}$"));
        await chat.SayAsync("from the bar");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.Page.GotoAsync($"/rooms/{room}");
        await chat.Message("a line").GetByRole(AriaRole.Button, new() { Name = bea.DisplayName }).ClickAsync();
        await chat.Page.GetByRole(AriaRole.Link, new() { Name = "Whisper", Exact = true }).ClickAsync();
        await chat.SeesAsync("from the bar");

        await chat.Page.SetViewportSizeAsync(360, 740);
        await chat.Page.GotoAsync("/whispers");
        var line = chat.Page.GetByRole(AriaRole.List, new() { Name = "Conversations" }).GetByRole(AriaRole.Link);
        await Assertions.Expect(line).ToContainTextAsync("You: from the bar");
        await line.ClickAsync();
        await chat.SeesAsync("from the bar");
        Assert.Equal(0, await chat.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth"));

        // Nobody of the name is answered as somebody who takes none: what was written stays with its author.
        await chat.Page.GotoAsync("/talk/nobody-at-all");
        await chat.SayAsync("is anybody there?");
        await Assertions.Expect(chat.Messages.GetByRole(AriaRole.Alert)).ToContainTextAsync("Not sent: Nobody of this user name can be written to.");
        browser.AssertNoComplaints();
    }

    private static async Task<ChatPage> OpenAsync(Visitor visitor, Person other)
    {
        ChatPage chat = new(await visitor.OpenAsync($"/talk/{other.UserName}"));
        await chat.IsInRoomAsync();
        return chat;
    }
}
