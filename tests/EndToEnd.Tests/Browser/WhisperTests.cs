using System.Text.RegularExpressions;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Whispers as they come in over the page.</summary>
public sealed class WhisperTests(SharedServer shared, Chromium chromium)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault_P9_Whispers_peek_in_for_a_moment_over_neither_the_newest_lines_nor_the_composer(bool phone)
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var beasPhone = await shared.Server.PageAsync(bea.Cookie);
        Assert.True((await beasPhone.ConnectAsync()).Accepted);
        await using var browser = await chromium.VisitorAsync(shared.Server, phone: phone);
        await browser.BeAsync(ana);
        ChatPage chat = new(await browser.Context.NewPageAsync());
        await chat.Page.Clock.InstallAsync();
        await chat.Page.GotoAsync($"/rooms/{room}");
        await chat.IsInRoomAsync();
        for (var i = 0; i < 20; i++)
        {
            Assert.True((await beasPhone.PublishAsync($"rooms/{room}", $"line {i}")).Accepted);
        }

        await chat.SeesAsync("line 19");
        var peeks = chat.Page.GetByRole(AriaRole.Region, new() { Name = "Notices" }).GetByRole(AriaRole.Link);
        // What comes right behind the connection was whispered while nobody looked, and peeks in as one.
        await chat.Page.Clock.FastForwardAsync(5_000);

        foreach (var text in new[] { "first", "second", "third", string.Concat(Enumerable.Repeat("a long story, ", 250)) })
        {
            Assert.True((await beasPhone.PublishAsync($"users/{ana.UserName}", text)).Accepted);
        }

        await Assertions.Expect(peeks).ToHaveCountAsync(3);
        await Assertions.Expect(peeks.First).ToContainTextAsync("second");
        await Assertions.Expect(peeks.Last).ToContainTextAsync("a long story");
        var lines = await chat.Messages.Locator(".bubble").AllAsync();
        var newest = await Box(lines[^3]);
        Assert.All(
            await Task.WhenAll((await peeks.AllAsync()).Select(Box)),
            box =>
            {
                Assert.InRange(box.Height, 1, 60);
                Assert.True(box.Y + box.Height < newest.Y, $"A peek at {box.Y}–{box.Y + box.Height} covers the newest lines, which begin at {newest.Y}.");
            });

        // What does not fit into one line has a second.
        Assert.InRange((await Box(peeks.Last)).Height, 40, 60);

        // Looked at, one stays; the others go by themselves, and stay unread.
        await peeks.Last.FocusAsync();
        await chat.Page.Clock.FastForwardAsync(10_000);
        await Assertions.Expect(peeks).ToHaveCountAsync(1);
        await Assertions.Expect(peeks).ToContainTextAsync("a long story");
        await chat.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(chat.Page).ToHaveURLAsync($"/talk/{bea.UserName}");
        await Assertions.Expect(peeks).ToHaveCountAsync(0);
        var said = chat.Messages.GetByRole(AriaRole.Article);
        await Assertions.Expect(said.Last).ToContainTextAsync("a long story");
        await Assertions.Expect(chat.Messages.GetByText("New messages")).ToHaveCountAsync(1);
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P9_What_peeked_in_and_went_stays_unread_and_does_not_come_back()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var phone = await shared.Server.PageAsync(bea.Cookie);
        Assert.True((await phone.ConnectAsync()).Accepted);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        ChatPage chat = new(await browser.Context.NewPageAsync());
        await chat.Page.Clock.InstallAsync();
        await chat.Page.GotoAsync("/rooms/lobby");
        await chat.IsInRoomAsync();
        var peeks = chat.Page.GetByRole(AriaRole.Region, new() { Name = "Notices" }).GetByRole(AriaRole.Link);
        var inbox = chat.Page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^Conversations") });

        Assert.True((await phone.PublishAsync($"users/{ana.UserName}", "psst")).Accepted);
        await Assertions.Expect(peeks).ToContainTextAsync("psst");
        await peeks.HoverAsync();
        await chat.Page.Clock.FastForwardAsync(10_000);
        await Assertions.Expect(peeks).ToHaveCountAsync(1);
        await chat.Composer.HoverAsync();
        await chat.Page.Clock.FastForwardAsync(10_000);
        await Assertions.Expect(peeks).ToHaveCountAsync(0);
        await Assertions.Expect(inbox).ToContainTextAsync("1 new message in conversations");

        await chat.Page.ReloadAsync();
        await Assertions.Expect(inbox).ToContainTextAsync("1 new message in conversations");
        Assert.True((await phone.PublishAsync($"users/{ana.UserName}", "psst again")).Accepted);
        await Assertions.Expect(peeks).ToHaveCountAsync(1);
        await Assertions.Expect(peeks).ToContainTextAsync("psst again");
    }

    [Fact]
    public async Task Fault_P38_Whispers_stand_as_a_rooms_lines_do_the_newest_last_and_open_where_the_new_ones_begin()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var phone = await shared.Server.PageAsync(bea.Cookie);
        Assert.True((await phone.ConnectAsync()).Accepted);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        await WhisperAsync("old", 15);

        // So that it stands in her list, however many others there are.
        await ana.Http.PutAsync("/api/rooms/lobby/members/me", null, TestContext.Current.CancellationToken);
        ChatPage chat = new(await browser.OpenAsync($"/talk/{bea.UserName}"));
        await Assertions.Expect(chat.Messages.GetByText("New messages")).ToBeInViewportAsync();
        await chat.Page.Locator(".to-end").ClickAsync();
        await Assertions.Expect(chat.Messages.GetByRole(AriaRole.Heading, new() { Name = "Today" })).ToHaveCountAsync(1);
        await WhisperAsync("while she reads", 1);
        await Assertions.Expect(chat.Message("while she reads 0")).ToBeInViewportAsync();

        await chat.RoomLink("Lobby").ClickAsync();
        await chat.IsInRoomAsync();
        await WhisperAsync("new", 15);
        await Assertions.Expect(chat.RoomLink(bea.DisplayName)).ToContainTextAsync("15 new messages");
        await chat.RoomLink(bea.DisplayName).ClickAsync();
        await Assertions.Expect(chat.Messages.GetByText("New messages")).ToBeInViewportAsync();
        await Assertions.Expect(chat.Message("new 0")).ToBeInViewportAsync();
        Assert.Equal(31, (await chat.SaidAsync()).Count);

        async Task WhisperAsync(string text, int count)
        {
            for (var i = 0; i < count; i++)
            {
                Assert.True((await phone.PublishAsync($"users/{ana.UserName}", $"{text} {i}")).Accepted);
            }
        }
    }

    private static async Task<LocatorBoundingBoxResult> Box(ILocator locator) =>
        await locator.BoundingBoxAsync() ?? throw new InvalidOperationException("It is not drawn.");
}
