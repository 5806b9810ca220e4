using System.Text;
using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Who is named or answered hears of it, once and where he is; and what one keeps of messages for oneself.</summary>
public sealed class NoticePageTests(SharedServer shared, Chromium chromium)
{
    private const string Mentions = "Mentions";

    /// <summary>The desktop's notifications, gathered: headless browsers have none.</summary>
    private const string Desktop = """
        window.called = [];
        // Nothing is kept for the empty page that a tab begins with.
        if (location.protocol === 'http:') window.Notification = class {
            static permission = localStorage.getItem('allowed') ?? 'default';
            static async requestPermission() {
                localStorage.setItem('allowed', 'granted');
                return (this.permission = 'granted');
            }
            constructor(title, { body }) {
                this.text = `${title}: ${body}`;
                window.called.push(this);
            }
            close() {}
        };
        """;

    private const string Hide = """
        () => {
            Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
            document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
        }
        """;

    private const string Show = """
        () => {
            delete document.hidden;
            document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
        }
        """;

    private const string CountCalls = "() => window.called.length";

    [Theory]
    [InlineData(1440, Explicit = true)]
    [InlineData(360)]
    public async Task Who_is_named_sees_the_number_and_opens_the_message_from_the_list(int width)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var (here, there) = (await ana.NewRoomAsync("Here"), await bea.NewRoomAsync($"There at {width}"));
        await ana.EnterAsync(there);
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, here);
        await chat.Page.SetViewportSizeAsync(width, 800);

        await SayAsync(bea, there, "to nobody");
        await Assertions.Expect(chat.Page).ToHaveTitleAsync(new Regex("^• "));
        await SayAsync(bea, there, $"ask @{ana.UserName}.");

        await Assertions.Expect(chat.Page).ToHaveTitleAsync(new Regex(@"^\(1\) "));
        await Assertions.Expect(chat.Page.Locator("link[rel=icon]")).ToHaveAttributeAsync("href", new Regex("favicon-1.svg$"));
        await ShowRoomsAsync(chat, width);
        await Assertions.Expect(chat.RoomLink($"There at {width}")).ToContainTextAsync("1 names or answers you");
        await Assertions.Expect(chat.RoomLink($"There at {width}")).ToContainTextAsync("2 new messages");
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = $"{Mentions} 1 new" }).ClickAsync();
        var list = chat.Page.GetByRole(AriaRole.List, new() { Name = Mentions });
        await Assertions.Expect(list).ToContainTextAsync($"ask @{ana.UserName}.");
        await AssertAccessibleAsync(chat.Page);
        await list.GetByRole(AriaRole.Button).ClickAsync();

        await Assertions.Expect(chat.Messages.Locator(".meant mark")).ToHaveTextAsync($"@{ana.UserName}");
        await Assertions.Expect(chat.Messages.Locator("article.called")).ToHaveCountAsync(1);
        Assert.Contains($"/rooms/{there}?seq=", chat.Page.Url, StringComparison.Ordinal);
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Back to the newest" }).ClickAsync();
        await Assertions.Expect(chat.Page).ToHaveTitleAsync(new Regex("^There"));
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task One_of_two_tabs_calls_who_looks_elsewhere_and_nothing_is_called_where_nothing_is_wanted()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var (here, there, third) = (await ana.NewRoomAsync(), await bea.NewRoomAsync("Elsewhere"), await bea.NewRoomAsync("Third"));
        foreach (var room in (string[])[there, third])
        {
            await ana.EnterAsync(room);
            await LevelAsync(ana, room, "mentions");
        }

        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.Context.AddInitScriptAsync(Desktop);
        await visitor.BeAsync(ana);
        var first = await ChatPage.OpenAsync(visitor, here);
        var second = await ChatPage.OpenAsync(visitor, here);
        ChatPage[] tabs = [first, second];
        var ask = first.Page.GetByRole(AriaRole.Button, new() { Name = "Yes, tell me" });
        await Assertions.Expect(ask).ToHaveCountAsync(0);

        // Not at the door: when somebody wants the reader first. And whoever looks at the page is not called over the desktop.
        await SayAsync(bea, there, $"@{ana.UserName} one");
        await ask.ClickAsync();
        await Assertions.Expect(ask).ToHaveCountAsync(0);
        await second.Page.ReloadAsync();
        await second.IsInRoomAsync();
        Assert.Equal(0, await CallsAsync(tabs));
        foreach (var tab in tabs)
        {
            await tab.Page.EvaluateAsync(Hide);
        }

        // A tab that has just come, or was reloaded, takes what it hears for what it missed: it is asked until it is there.
        await UntilCalledAsync(bea, there, ana, tabs);
        var before = await CallsAsync(tabs);
        await SayAsync(bea, there, $"@{ana.UserName} the last");
        await HeardAsync(tabs, "the last");
        while (await CallsAsync(tabs) == before)
        {
            await first.FramesAsync();
        }

        Assert.Equal(before + 1, await CallsAsync(tabs));

        await first.Page.EvaluateAsync(Show);
        await first.RoomLink("Elsewhere").ClickAsync();
        await first.IsInRoomAsync();
        await Assertions.Expect(first.Page).Not.ToHaveTitleAsync(new Regex(@"^\("));
        await first.Page.GetByRole(AriaRole.Button, new() { Name = "People", Exact = true }).ClickAsync();
        await first.Page.GetByRole(AriaRole.Combobox, new() { Name = "What to be called for" }).SelectOptionAsync("nothing");
        await Assertions.Expect(first.RoomLink("Elsewhere")).ToContainTextAsync("muted");
        await first.Page.GotoAsync($"/rooms/{here}");
        await first.IsInRoomAsync();
        await SayAsync(bea, there, $"@{ana.UserName} in vain");
        await SayAsync(bea, third, $"@{ana.UserName} the marker");
        await HeardAsync([first], "the marker");
        await Assertions.Expect(first.Page.GetByRole(AriaRole.List, new() { Name = Mentions })).Not.ToContainTextAsync("in vain");
        await Assertions.Expect(first.Page).ToHaveTitleAsync(new Regex(@"^\(1\) "));
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task What_is_saved_is_listed_and_what_is_marked_unread_stays_so_until_the_reader_comes_back()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var (room, other) = (await bea.NewRoomAsync("Long read"), await ana.NewRoomAsync("Another"));
        await ana.EnterAsync(room);
        foreach (var text in (string[])["line 1", "line 2", "line 3"])
        {
            await SayAsync(bea, room, text);
        }

        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, room);
        await chat.SeesAsync("line 3");
        await chat.DoAsync("Save for me", "line 1");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Status).GetByText("Saved for you")).ToBeVisibleAsync();
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Saved messages", Exact = true }).ClickAsync();
        var saved = chat.Page.GetByRole(AriaRole.List, new() { Name = "Saved messages" });
        await Assertions.Expect(saved).ToContainTextAsync("line 1");
        await AssertAccessibleAsync(chat.Page);

        await chat.DoAsync("Mark unread from here", "line 2");
        await Assertions.Expect(chat.Messages.GetByText("New messages")).ToBeVisibleAsync();
        await SayAsync(bea, room, "line 4");
        await chat.SeesAsync("line 4");
        await chat.RoomLink("Another").ClickAsync();
        await Assertions.Expect(chat.RoomLink("Long read")).ToContainTextAsync("3 new messages");
        await chat.Page.ReloadAsync();
        await Assertions.Expect(chat.RoomLink("Long read")).ToContainTextAsync("3 new messages");

        await chat.RoomLink("Long read").ClickAsync();
        await chat.SeesAsync("line 4");
        await Assertions.Expect(chat.RoomLink("Long read")).Not.ToContainTextAsync("new message");
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Saved messages", Exact = true }).ClickAsync();
        await saved.GetByRole(AriaRole.Button, new() { Name = "Take off my saved messages" }).ClickAsync();
        await Assertions.Expect(chat.Page.GetByText("What you save stands here")).ToBeVisibleAsync();
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task By_Ctrl_K_one_goes_to_rooms_and_does_things_without_a_mouse()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await bea.NewRoomAsync("Café da manhã");
        await ana.EnterAsync(room);
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor);
        await SayAsync(bea, room, "unread");
        await Assertions.Expect(chat.RoomLink("Café")).ToContainTextAsync("1 new message");

        await chat.Page.Keyboard.PressAsync("Control+K");
        var field = chat.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Combobox);
        await Assertions.Expect(field).ToBeFocusedAsync();
        await AssertAccessibleAsync(chat.Page);
        await chat.Page.Keyboard.TypeAsync("mark all");
        await chat.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(chat.RoomLink("Café")).Not.ToContainTextAsync("new message");

        await chat.Page.Keyboard.PressAsync("Control+K");
        await chat.Page.Keyboard.TypeAsync("manha");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Option).First).ToContainTextAsync("Café da manhã");
        await chat.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(chat.Page).ToHaveURLAsync(new Regex($"/rooms/{room}$"));
        await chat.IsInRoomAsync();
        await chat.SayAsync("/roll 2d6");
        await Assertions.Expect(chat.Messages.Locator(".roll .die")).ToHaveCountAsync(2);
        visitor.AssertNoComplaints();
    }

    [Theory]
    [InlineData(1440)]
    [InlineData(360)]
    public async Task In_rows_a_short_message_takes_one_line(int width)
    {
        using var ana = await Person.RegisterAsync(shared.Server, displayName: $"Di {width}");
        var room = await ana.NewRoomAsync();
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        await visitor.Context.AddInitScriptAsync("localStorage.setItem('webmessenger.density', 'compact')");
        var chat = await ChatPage.OpenAsync(visitor, room);
        await chat.Page.SetViewportSizeAsync(width, 800);
        await chat.SayAsync("one");
        await chat.SayAsync("two");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        foreach (var text in (string[])["one", "two"])
        {
            var row = chat.Message(text);
            await Assertions.Expect(row).ToContainTextAsync("Di");
            Assert.True((await row.BoundingBoxAsync())!.Height < 36, "A row is as high as a line.");
        }

        await AssertAccessibleAsync(chat.Page);
        Assert.True(await chat.Page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= innerWidth"));
    }

    private static Task SayAsync(Person person, string room, string text) => person.ActAsync(room, new { type = "message", text });

    private static async Task LevelAsync(Person person, string room, string level)
    {
        using var body = new StringContent($$"""{"level":"{{level}}"}""", Encoding.UTF8, "application/json");
        (await person.Http.PutAsync($"/api/rooms/{room}/notify", body)).EnsureSuccessStatusCode();
    }

    private static async Task ShowRoomsAsync(ChatPage chat, int width)
    {
        if (width < 900)
        {
            await chat.Page.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("^Show rooms") }).ClickAsync();
        }
    }

    private static async Task<int> CallsAsync(ChatPage[] tabs)
    {
        var calls = 0;
        foreach (var tab in tabs)
        {
            calls += await tab.Page.EvaluateAsync<int>(CountCalls);
        }

        return calls;
    }

    private static async Task UntilCalledAsync(Person bea, string room, Person ana, ChatPage[] tabs)
    {
        for (var number = 0; await CallsAsync(tabs) == 0; number++)
        {
            Assert.True(number < 20, "Nobody was called.");
            await SayAsync(bea, room, $"@{ana.UserName} try {number}");
            await HeardAsync(tabs, $"try {number}");
        }
    }

    /// <summary>Both tabs have heard of it, and have told what they tell: it is in the list of each.</summary>
    private static async Task HeardAsync(ChatPage[] tabs, string text)
    {
        foreach (var tab in tabs)
        {
            var list = tab.Page.GetByRole(AriaRole.List, new() { Name = Mentions });
            if (!await list.IsVisibleAsync())
            {
                await tab.Page.GetByRole(AriaRole.Button, new() { NameRegex = new Regex($"^{Mentions}") }).ClickAsync();
            }

            await Assertions.Expect(list).ToContainTextAsync(text);
        }
    }

    private static async Task AssertAccessibleAsync(IPage page)
    {
        var violations = (await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => $"{violation.Id}: {string.Join(", ", violation.Nodes.Select(node => node.Html))}"));
    }
}
