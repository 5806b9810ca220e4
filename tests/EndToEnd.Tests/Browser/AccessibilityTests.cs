using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>axe-core finds nothing serious on any page, and the content security policy is kept on each.</summary>
public sealed class AccessibilityTests(SharedServer shared, Chromium chromium)
{
    private static readonly string[] _doors = ["/", "/sign-in", "/register"];
    private static readonly string[] _inside = ["/rooms/lobby", "/rooms", "/whispers", "/talk/nobody", "/account", "/account/sessions", "/account/tokens", "/account/settings", "/nowhere"];

    // Each language, scheme and width once: two looks have them all. The long form has the others, too.
    public static TheoryData<string, ColorScheme, int> Looks =>
    [
        new("en-GB", ColorScheme.Light, 1280),
        new("pt-BR", ColorScheme.Dark, 360),
        new("en-GB", ColorScheme.Dark, 360) { Explicit = true },
        new("pt-BR", ColorScheme.Light, 1280) { Explicit = true },
    ];

    public static TheoryData<string, ColorScheme, int> OneLook => [.. Looks.Select((look, i) => new TheoryDataRow<string, ColorScheme, int>(look.Data.Item1, look.Data.Item2, look.Data.Item3) { Explicit = i != 1 })];

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task Nothing_serious_on_any_page(string locale, ColorScheme scheme, int width)
    {
        using var ana = await Person.RegisterAsync(shared.Server, "ana", $"Ana Íris {locale} {scheme} {width}");
        await ana.NewTokenAsync();
        await using var phone = await shared.Server.PageAsync(ana.Cookie).InLobbyAsync();
        await phone.PublishAsync(Lobby.Topic, "olá! https://example.org/uma-pagina");
        await using var visitor = await chromium.VisitorAsync(shared.Server, locale, scheme);
        var page = await visitor.OpenAsync();
        await page.SetViewportSizeAsync(width, 800);

        foreach (var path in _doors)
        {
            await InspectAsync(page, path, locale);
        }

        // The tab keeps where the link leads, for the one who is not signed in and for the one who is.
        await page.GotoAsync(await ana.NewInviteAsync(await ana.NewRoomAsync("O porão")));
        await InspectAsync(page, "/i", locale);
        await visitor.BeAsync(ana);
        await InspectAsync(page, "/i", locale);
        foreach (var path in _inside)
        {
            await InspectAsync(page, path, locale);
        }

        visitor.AssertNoComplaints();
    }

    [Theory]
    [MemberData(nameof(OneLook))]
    public async Task Nothing_serious_in_what_is_formatted_offered_and_explained(string locale, ColorScheme scheme, int width)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var visitor = await chromium.VisitorAsync(shared.Server, locale, scheme);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, room);
        await chat.Page.SetViewportSizeAsync(width, 800);
        await chat.SayAsync("**bold** _italic_ ~~struck~~ `code` [the docs](https://example.org/a) ||hidden|| www.example.org");
        await chat.SayAsync("> quoted\n- one\n- two\n```js\n// what it is\nconst name = \"text\"; if (name) return new Thing(1, /x/);\n```\n1. first");
        await Assertions.Expect(chat.Messages.Locator(".hljs-keyword").First).ToBeVisibleAsync();
        Assert.Empty(await SeriousAsync(chat.Page));

        await chat.Composer.PressSequentiallyAsync("@");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Listbox).GetByRole(AriaRole.Option)).ToHaveCountAsync(1);
        await chat.Page.Keyboard.PressAsync("ArrowDown");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Listbox).GetByRole(AriaRole.Option, new() { Selected = true })).ToHaveCountAsync(1);
        Assert.Empty(await SeriousAsync(chat.Page));
        await chat.Page.Keyboard.PressAsync("Escape");

        await chat.SayAsync("/help");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        Assert.Empty(await SeriousAsync(chat.Page));
        Assert.True(await chat.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        visitor.AssertNoComplaints();
    }

    [Theory]
    [MemberData(nameof(OneLook))]
    public async Task Nothing_serious_in_what_can_be_done_with_a_message(string locale, ColorScheme scheme, int width)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var visitor = await chromium.VisitorAsync(shared.Server, locale, scheme);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, room);
        await chat.Page.SetViewportSizeAsync(width, 800);
        var keys = chat.Page.Keyboard;
        await chat.SayAsync("what is answered, changed, liked and deleted");
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.Messages.FocusAsync();
        await keys.PressAsync("ArrowUp");
        await keys.PressAsync("Enter");
        await Assertions.Expect(chat.Bar).ToBeVisibleAsync();
        Assert.Empty(await SeriousAsync(chat.Page));

        // React, from the picker.
        await keys.PressAsync("Enter");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Region)).ToHaveCountAsync(10);

        // A few of them: axe-core looks at each of two thousand buttons for as long as at any other.
        await chat.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Searchbox).FillAsync("heart");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Region)).ToHaveCountAsync(1);
        Assert.Empty(await SeriousAsync(chat.Page));
        await keys.PressAsync("ArrowDown");
        await keys.PressAsync("Enter");
        await Assertions.Expect(chat.Messages.GetByRole(AriaRole.Button, new() { Pressed = true })).ToBeVisibleAsync();

        // Reply, which shows what is answered over the text, and above the answer.
        await chat.Messages.GetByRole(AriaRole.Article).First.FocusAsync();
        await keys.PressAsync("Enter");
        await keys.PressAsync("ArrowRight");
        await keys.PressAsync("Enter");
        await Assertions.Expect(chat.Composer).ToBeFocusedAsync();
        Assert.Empty(await SeriousAsync(chat.Page));
        await chat.SayAsync("the answer");
        await chat.SayAsync("/me waves");
        await Assertions.Expect(chat.Messages.GetByRole(AriaRole.Article)).ToHaveCountAsync(3);
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await keys.PressAsync("ArrowUp");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("waves");
        await chat.SayAsync("waves twice");
        await chat.Messages.GetByRole(AriaRole.Article).First.FocusAsync();
        await keys.PressAsync("Enter");
        await keys.PressAsync("End");
        await keys.PressAsync("Enter");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Alertdialog)).ToBeVisibleAsync();
        Assert.Empty(await SeriousAsync(chat.Page));
        Assert.True(await chat.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        visitor.AssertNoComplaints();
    }

    [Theory]
    [InlineData("en-GB", ColorScheme.Light, false, Explicit = true)]
    [InlineData("en-GB", ColorScheme.Dark, true)]
    public async Task Nothing_serious_in_pins_cards_days_and_the_way_anywhere(string locale, ColorScheme scheme, bool phone)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var (room, other) = (await ana.NewRoomAsync("The yard"), await ana.NewRoomAsync("The cellar"));
        await bea.EnterAsync(room);
        await bea.EnterAsync(other);
        await bea.SayAsync(shared.Server, room, "what is pinned");
        var pinned = (await ana.EventsAsync(room)).Single(said => said.IsMessage("what is pinned")).GetProperty("seq").GetInt64();
        await ana.ActAsync(room, new { type = "pin", of = pinned, on = true });
        await ana.ActAsync(room, new { type = "reaction", of = pinned, emoji = "👍", on = true });
        await ana.ActAsync(room, new { type = "policy", editWindow = 15 });
        await using var visitor = await chromium.VisitorAsync(shared.Server, locale, scheme, phone: phone);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, room);
        var dialog = chat.Page.GetByRole(AriaRole.Dialog);
        await Assertions.Expect(chat.Messages.GetByText("may be changed for 15 minutes")).ToBeVisibleAsync();

        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "1 pinned message" }).ClickAsync();
        await Assertions.Expect(dialog).ToContainTextAsync("what is pinned");
        Assert.Empty(await SeriousAsync(chat.Page));
        await chat.Page.Keyboard.PressAsync("Escape");

        await chat.Message("what is pinned").GetByRole(AriaRole.Button, new() { Name = bea.DisplayName }).First.ClickAsync();
        await Assertions.Expect(dialog.GetByRole(AriaRole.Link, new() { Name = "The cellar" })).ToBeVisibleAsync();
        await Assertions.Expect(dialog).ToContainTextAsync("On the list of The yard since: Today");
        Assert.Empty(await SeriousAsync(chat.Page));
        await chat.Page.Keyboard.PressAsync("Escape");

        if (phone)
        {
            await using var finger = await Finger.OnAsync(chat, "what is pinned");
            await finger.DownAsync();
            await Assertions.Expect(dialog.GetByRole(AriaRole.List, new() { Name = "Who reacted" })).ToContainTextAsync($"👍 by {ana.DisplayName}");
            await finger.UpAsync();
            Assert.Empty(await SeriousAsync(chat.Page));
            await chat.Page.Keyboard.PressAsync("Escape");
        }

        await chat.Page.Keyboard.PressAsync("Control+K");
        await Assertions.Expect(dialog.GetByRole(AriaRole.Option).First).ToBeVisibleAsync();
        Assert.Empty(await SeriousAsync(chat.Page));
        await chat.Page.Keyboard.PressAsync("Escape");

        // The day is picked by keys alone.
        await chat.Page.Keyboard.PressAsync("Control+Shift+F");
        await chat.Page.GetByText("Go to a day").ClickAsync();
        var grid = chat.Page.GetByRole(AriaRole.Grid);
        await grid.Locator("[tabindex='0']").FocusAsync();
        await chat.Page.Keyboard.PressAsync("PageUp");
        await chat.Page.Keyboard.PressAsync("PageDown");
        await Assertions.Expect(grid.Locator("[aria-current=date]")).ToBeFocusedAsync();
        Assert.Empty(await SeriousAsync(chat.Page));
        await chat.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(chat.Page.GetByText("Back to the newest")).ToBeVisibleAsync();
        await chat.Messages.FocusAsync();
        await chat.Page.Keyboard.PressAsync("ArrowUp");
        await Assertions.Expect(chat.Message("what is pinned")).ToBeFocusedAsync();
        Assert.True(await chat.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        visitor.AssertNoComplaints();
    }

    [Theory]
    [MemberData(nameof(OneLook))]
    public async Task Nothing_serious_in_the_dialog_that_connects_a_device(string locale, ColorScheme scheme, int width)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        await ana.NewRoomAsync();
        await using var visitor = await chromium.VisitorAsync(shared.Server, locale, scheme);
        await visitor.BeAsync(ana);
        var page = await visitor.OpenAsync("/account/tokens");
        await page.SetViewportSizeAsync(width, 800);
        await page.Locator("main .ways button").Nth(1).ClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await dialog.GetByRole(AriaRole.Textbox).First.FillAsync("Uma estufa com um nome bastante comprido, como as pessoas os dão");
        await Assertions.Expect(dialog.GetByRole(AriaRole.Radio)).ToHaveCountAsync(3);
        Assert.Empty(await SeriousAsync(page));
        Assert.True(await dialog.EvaluateAsync<bool>("dialog => dialog.scrollWidth <= dialog.clientWidth"));

        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(dialog.Locator("code").Filter(new() { HasText = "mosquitto_pub" })).ToBeVisibleAsync();
        Assert.Empty(await SeriousAsync(page));
        Assert.True(await dialog.EvaluateAsync<bool>("dialog => dialog.scrollWidth <= dialog.clientWidth"));
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task A_button_without_a_name_would_be_found_and_a_broken_policy_too()
    {
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        var page = await visitor.OpenAsync();
        await page.GetByRole(AriaRole.Heading, new() { Level = 1 }).First.WaitForAsync();

        await page.EvaluateAsync("""
            document.body.append(document.createElement('button'));
            const image = document.createElement('img');
            image.alt = 'from elsewhere';
            image.src = 'https://elsewhere.example/pixel.png';
            document.body.append(image);
            """);

        await visitor.ComplainedAsync();
        Assert.Contains(await SeriousAsync(page), violation => violation.Contains("button-name", StringComparison.Ordinal));
    }

    private static async Task InspectAsync(IPage page, string path, string locale)
    {
        await page.GotoAsync(path);
        await page.GetByRole(AriaRole.Heading, new() { Level = 1 }).First.WaitForAsync();
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        Assert.Equal(path, new Uri(page.Url).AbsolutePath);
        Assert.Equal(locale == "pt-BR" ? "pt-BR" : "en", await page.EvaluateAsync<string>("document.documentElement.lang"));
        Assert.True(
            await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"), $"{path} is wider than a window of {page.ViewportSize?.Width}.");
        Assert.Empty(await SeriousAsync(page));
    }

    private static async Task<IReadOnlyList<string>> SeriousAsync(IPage page)
    {
        var result = await page.RunAxe();
        return [.. result.Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => Shown(page, violation))];
    }

    private static string Shown(IPage page, AxeResultItem violation) =>
        $"{new Uri(page.Url).AbsolutePath}: {violation.Id} ({violation.Help}): {string.Join(" · ", violation.Nodes.Take(3).Select(node => node.Html))}";
}
