using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>The column of rooms, what it tells of rooms that are not open, and what becomes of a room that is left or lost.</summary>
public sealed class RoomsTests(SharedServer shared, Chromium chromium)
{
    private const string Hide = """
        () => {
            Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
            Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
            document.dispatchEvent(new Event('visibilitychange'));
        }
        """;

    private const string LongestScroll = """
        () => {
            const long = [document.scrollingElement, ...document.querySelectorAll('dialog')];
            return Math.max(...long.map(element => element.scrollHeight - element.clientHeight));
        }
        """;

    [Fact]
    public async Task Fault_P1_a_public_room_that_was_left_stays_left()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await bea.NewRoomAsync("The revolving door");
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser);
        await chat.Page.GotoAsync($"/rooms/{room}");
        await chat.IsInRoomAsync();
        await chat.SayAsync("here I am");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        Assert.True(await IsMemberAsync(ana, room));

        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Leave this room" }).ClickAsync();
        await chat.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Leave this room" }).ClickAsync();
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Heading, new() { Name = "All rooms" })).ToBeVisibleAsync();

        // What the page had still to say went by the same connection, before this.
        await chat.RoomLink("Lobby").ClickAsync();
        await chat.IsInRoomAsync();
        var text = Lobby.Unique("and out again");
        await chat.SayAsync(text);
        await chat.SeesAsync(text);
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        Assert.False(await IsMemberAsync(ana, room));
        var events = await bea.EventsAsync(room);
        Assert.Single(events, @event => @event.Is("join", ana.UserName));
        Assert.Single(events, @event => @event.Is("leave", ana.UserName));
        await chat.Page.GoBackAsync();
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Heading, new() { Name = "All rooms" })).ToBeVisibleAsync();
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P6_a_hidden_tab_tells_at_once_what_was_said_in_a_room_that_was_never_open()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        // Coming into a room would ask for what it is.
        await ana.EnterAsync("lobby");
        var room = await ana.NewRoomAsync("Far away");
        await using var crowd = await Crowd.InAsync(shared.Server, room, people: 1);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        await using var phone = await chromium.VisitorAsync(shared.Server);
        await phone.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser);
        await Assertions.Expect(chat.RoomLink("Far away")).ToBeVisibleAsync();
        await chat.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        var asked = 0;
        chat.Page.Request += (_, request) => asked += request.Url.Contains("/api/", StringComparison.Ordinal) ? 1 : 0;
        await chat.Page.EvaluateAsync(Hide);

        await crowd.TalkAsync(3);

        await Assertions.Expect(chat.Page).ToHaveTitleAsync(new Regex("^• "));
        await Assertions.Expect(chat.RoomLink("Far away")).ToContainTextAsync("3 new messages");
        Assert.Equal(0, asked);
        // Being told is not being there.
        Assert.DoesNotContain(await ana.EventsAsync(room), @event => @event.Is("join", ana.UserName));

        var other = await ChatPage.OpenAsync(phone, room);
        await Assertions.Expect(other.Messages.Locator(".bubble[data-seq]")).ToHaveCountAsync(3);
        await Assertions.Expect(chat.Page).Not.ToHaveTitleAsync(new Regex("^•"));
        await Assertions.Expect(chat.RoomLink("Far away")).Not.ToContainTextAsync("new message");
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P15_what_the_own_bot_says_is_news()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The garden");
        var token = await ana.NewTokenAsync();
        await using var bot = await shared.Server.TcpAsync();
        Assert.True((await bot.ConnectAsync(ana.UserName, token)).Accepted);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser);
        await Assertions.Expect(chat.RoomLink("The garden")).ToBeVisibleAsync();

        Assert.True((await bot.PublishAsync($"rooms/{room}", "the door is open")).Accepted);

        await Assertions.Expect(chat.RoomLink("The garden")).ToContainTextAsync("1 new message");
        await chat.RoomLink("The garden").ClickAsync();
        await Assertions.Expect(chat.Messages.GetByText("New messages")).ToBeVisibleAsync();
        await chat.RoomLink("Lobby").ClickAsync();
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Heading, new() { Name = "Lobby", Level = 1 })).ToBeVisibleAsync();
        Assert.True((await bot.PublishAsync($"rooms/{room}", "it still is")).Accepted);
        await Assertions.Expect(chat.RoomLink("The garden")).ToContainTextAsync("1 new message");
    }

    [Fact]
    public async Task Fault_P7_and_P16_sixty_rooms_stand_by_name_in_a_column_that_points_at_what_is_unread()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var caio = await Person.RegisterAsync(shared.Server, "caio");
        using var dora = await Person.RegisterAsync(shared.Server, "dora");
        using var ana = await Person.RegisterAsync(shared.Server);
        List<string> rooms = [];
        for (var i = 0; i < 60; i++)
        {
            // Nobody invites more than twenty a day.
            var maker = i < 20 ? bea : i < 40 ? caio : dora;
            // Private: the other tests' columns are short.
            var title = i == 0 ? "Música" : string.Create(CultureInfo.InvariantCulture, $"Sala {i}");
            rooms.Add(await maker.NewRoomAsync(title, visibility: "private"));
            await maker.BringInAsync(rooms[i], ana);
        }

        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser);
        var (page, column) = (chat.Page, chat.Page.GetByRole(AriaRole.Navigation, new() { Name = "Rooms" }));
        foreach (var width in new[] { 1440, 360 })
        {
            await page.SetViewportSizeAsync(width, 700);
            if (width == 360)
            {
                await page.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("^Show rooms") }).ClickAsync();
            }

            await Assertions.Expect(chat.RoomLink("Sala 59")).ToBeAttachedAsync();
            Assert.Equal(0, await page.EvaluateAsync<int>(LongestScroll));
            await Assertions.Expect(column.GetByRole(AriaRole.Link, new() { Name = "Conversations" })).ToBeInViewportAsync();
        }

        await page.SetViewportSizeAsync(1440, 700);
        var before = await TitlesAsync(column);
        Assert.Equal(["Lobby", "Música", .. Enumerable.Range(1, 59).Select(i => string.Create(CultureInfo.InvariantCulture, $"Sala {i}"))], before.Take(61));
        await using var phone = await shared.Server.PageAsync(dora.Cookie);
        Assert.True((await phone.ConnectAsync()).Accepted);
        Assert.True((await phone.PublishAsync($"rooms/{rooms[57]}", "down here")).Accepted);
        await Assertions.Expect(chat.RoomLink("Sala 57")).ToContainTextAsync("1 new message");
        await Assertions.Expect(chat.RoomLink("Sala 57")).Not.ToBeInViewportAsync();
        Assert.Equal(before, await TitlesAsync(column));

        // By keyboard: what is pointed at gets the focus, and Enter goes in.
        var down = column.GetByRole(AriaRole.Button, new() { Name = "1 unread below" });
        await down.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(chat.RoomLink("Sala 57")).ToBeInViewportAsync();
        await Assertions.Expect(chat.RoomLink("Sala 57")).ToBeFocusedAsync();
        await Assertions.Expect(down).ToHaveCountAsync(0);

        var filter = column.GetByRole(AriaRole.Searchbox);
        await filter.FillAsync("MUSICA");
        Assert.Equal(["Música"], await TitlesAsync(column));
        await filter.PressAsync("Escape");
        Assert.Equal(before, await TitlesAsync(column));
        await filter.FillAsync("sala 58");
        await filter.PressAsync("Enter");
        await Assertions.Expect(page).ToHaveURLAsync($"/rooms/{rooms[58]}");
        await Assertions.Expect(chat.RoomLink("Sala 58")).ToBeInViewportAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Sala 58 is a favourite" }).Last.ClickAsync();
        Assert.Equal("Sala 58", (await TitlesAsync(column))[0]);
        await page.ReloadAsync();
        await Assertions.Expect(chat.RoomLink("Sala 59")).ToBeAttachedAsync();
        Assert.Equal("Sala 58", (await TitlesAsync(column))[0]);
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P11_who_is_removed_sees_it_at_once_and_keeps_what_was_begun()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await bea.NewRoomAsync("The cellar");
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("said before");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.Composer.FillAsync("not said yet");
        var second = await ChatPage.OpenAsync(browser);
        await Assertions.Expect(second.RoomLink("The cellar")).ToBeVisibleAsync();

        await bea.RemoveMemberAsync(room, ana.UserName);

        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "You were removed from The cellar." })).ToBeVisibleAsync();
        await Assertions.Expect(chat.Page.GetByText("not said yet")).ToBeVisibleAsync();
        await Assertions.Expect(chat.Page.GetByText("said before")).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Composer).ToHaveCountAsync(0);
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Discard" }).ClickAsync();
        await Assertions.Expect(chat.Page.GetByText("not said yet")).ToHaveCountAsync(0);
        // It is public: it is still listed, among those that she is not in.
        await Assertions.Expect(MineOf(second)).Not.ToContainTextAsync("The cellar");
        await Assertions.Expect(MineOf(chat)).Not.ToContainTextAsync("The cellar");

        // Neither looking at the page nor a new connection comes back in.
        await chat.Page.EvaluateAsync("() => dispatchEvent(new Event('focus'))");
        await browser.Context.SetOfflineAsync(true);
        await Assertions.Expect(chat.ConnectionSays("Offline")).ToBeVisibleAsync();
        await browser.Context.SetOfflineAsync(false);
        await Assertions.Expect(chat.ConnectionSays("Offline")).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Page.GetByText("You were removed from The cellar.")).ToBeVisibleAsync();
        await second.SayAsync(Lobby.Unique("a marker"));
        await Assertions.Expect(second.Unsent).ToHaveCountAsync(0);
        Assert.False(await IsMemberAsync(ana, room));

        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Come in again" }).ClickAsync();
        await chat.IsInRoomAsync();
        await chat.SeesAsync("said before");
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P11_a_deleted_room_and_one_left_in_another_tab_are_gone_from_every_tab()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        var (doomed, left) = (await bea.NewRoomAsync("The doomed one", visibility: "private"), await bea.NewRoomAsync("The boring one"));
        await bea.BringInAsync(doomed, ana);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var first = await ChatPage.OpenAsync(browser, doomed);
        var second = await ChatPage.OpenAsync(browser, left);
        await Assertions.Expect(second.RoomLink("The doomed one")).ToBeVisibleAsync();

        await bea.DeleteRoomAsync(doomed);

        await Assertions.Expect(first.Page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "The doomed one was deleted." })).ToBeVisibleAsync();
        await Assertions.Expect(first.RoomLink("The doomed one")).ToHaveCountAsync(0);
        await Assertions.Expect(second.Page.GetByText("The doomed one was deleted.")).ToBeVisibleAsync();
        await Assertions.Expect(second.RoomLink("The doomed one")).ToHaveCountAsync(0);

        await first.Page.GotoAsync($"/rooms/{left}");
        await first.IsInRoomAsync();
        await second.Page.GetByRole(AriaRole.Button, new() { Name = "Leave this room" }).ClickAsync();
        await second.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Leave this room" }).ClickAsync();
        foreach (var tab in new[] { first, second })
        {
            await Assertions.Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Name = "All rooms" })).ToBeVisibleAsync();
            await Assertions.Expect(tab.Page).ToHaveURLAsync("/rooms");
        }

        Assert.False(await IsMemberAsync(ana, left));
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P33_a_new_name_shows_at_once_and_offline_nobody_is_said_to_be_here()
    {
        using var ana = await Person.RegisterAsync(shared.Server, "ana", "Ana da Rua");
        var room = await ana.NewRoomAsync("The old name");
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var people = chat.Page.GetByRole(AriaRole.Complementary, new() { Name = "People here" });
        await Assertions.Expect(people).ToContainTextAsync("Ana da Rua");
        await Assertions.Expect(people).Not.ToContainTextAsync("offline");

        var renaming = await ana.Http.PatchAsJsonAsync($"/api/rooms/{room}", new { title = "The new name" }, TestContext.Current.CancellationToken);
        Assert.True(renaming.IsSuccessStatusCode);
        await Assertions.Expect(chat.RoomLink("The new name")).ToBeVisibleAsync();
        await Assertions.Expect(chat.Page).ToHaveTitleAsync(new Regex("^The new name"));

        await browser.Context.SetOfflineAsync(true);
        await Assertions.Expect(people).ToContainTextAsync("No connection to the server. They were here at");
        await browser.Context.SetOfflineAsync(false);
        await Assertions.Expect(people).Not.ToContainTextAsync("offline");
    }

    [Fact]
    public async Task Fault_P4_the_card_of_a_person_has_the_user_name()
    {
        using var ana = await Person.RegisterAsync(shared.Server, "ana", "Ana do Cartão");
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, await ana.NewRoomAsync());
        var line = chat.Page.GetByRole(AriaRole.Complementary, new() { Name = "People here" }).GetByRole(AriaRole.Button, new() { NameRegex = new Regex("Ana do Cartão") });
        await line.FocusAsync();
        await chat.Page.Keyboard.PressAsync("Enter");

        var card = chat.Page.GetByRole(AriaRole.Dialog, new() { Name = "Ana do Cartão" });
        await Assertions.Expect(card.GetByText($"@{ana.UserName}", new() { Exact = true })).ToBeVisibleAsync();
        await Assertions.Expect(card).ToContainTextAsync("Here since");
        await chat.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(card).ToHaveCountAsync(0);
        await Assertions.Expect(line).ToBeFocusedAsync();
    }

    private static ILocator MineOf(ChatPage chat) =>
        chat.Page.GetByRole(AriaRole.Navigation, new() { Name = "Rooms" }).GetByRole(AriaRole.Heading, new() { Name = "My rooms" }).Locator("+ ul");

    private static async Task<IReadOnlyList<string>> TitlesAsync(ILocator column) => await column.Locator("li .title").AllInnerTextsAsync();

    private static async Task<bool> IsMemberAsync(Person person, string room) =>
        (await person.Http.GetFromJsonAsync<JsonElement>($"/api/rooms/{room}")).GetProperty("member").GetBoolean();
}
