using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Light markdown on the built page: what it looks like, how it is used by keys, and that nothing moves by it.</summary>
public sealed class FormatTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task What_is_written_in_light_markdown_is_drawn_as_elements()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);

        await chat.SayAsync("**bold** _italic_ ~~struck~~ `a_b*c` snake_case_name 2*3*4");
        await chat.SayAsync("said:\n> quoted\n> on\n- one\n- two\n3. third\n    set in");
        await chat.SayAsync("see www.example.org, ana@example.org or [the docs](https://example.org/docs)");

        await Assertions.Expect(chat.Messages.Locator("strong")).ToHaveTextAsync("bold");
        await Assertions.Expect(chat.Messages.Locator("em")).ToHaveTextAsync("italic");
        await Assertions.Expect(chat.Messages.Locator("s")).ToHaveTextAsync("struck");
        await Assertions.Expect(chat.Messages.Locator("code")).ToHaveTextAsync("a_b*c");
        await Assertions.Expect(chat.Messages.Locator("blockquote")).ToHaveTextAsync("quoted\non");
        await Assertions.Expect(chat.Messages.Locator("ul > li")).ToHaveTextAsync(["one", "two"]);
        await Assertions.Expect(chat.Messages.Locator("ol > li")).ToHaveAttributeAsync("value", "3");
        Assert.Equal(
            ["https://www.example.org/", "mailto:ana@example.org", "https://example.org/docs"],
            await chat.Messages.GetByRole(AriaRole.Link).EvaluateAllAsync<string[]>("all => all.map(link => link.href)"));
        await Assertions.Expect(chat.Messages.GetByRole(AriaRole.Link).Last).ToHaveTextAsync("the docs (example.org)");
        Assert.Equal("bold italic struck a_b*c snake_case_name 2*3*4", (await chat.SaidAsync())[0]);
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Each_line_has_its_own_direction_and_keeps_its_indentation()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);

        await chat.SayAsync("a long line from the left to the right\n\u05e9\u05dc\u05d5\u05dd\n    set in");

        await chat.SeesAsync("a long line from the left to the right\n\u05e9\u05dc\u05d5\u05dd\n    set in");
        var places = await chat.Messages.Locator(".text").EvaluateAsync<double[]>("""
            text => {
                const node = [...text.childNodes].find(child => child.data?.includes('long'));
                const place = index => {
                    const range = document.createRange();
                    range.setStart(node, index);
                    range.setEnd(node, index + 1);
                    return range.getBoundingClientRect();
                };
                const box = text.getBoundingClientRect();
                return [place(0).left - box.left, box.right - place(node.data.indexOf('\u05e9')).right, place(node.data.indexOf('set in')).left - box.left];
            }
            """);
        Assert.InRange(places[0], 0, 1);
        Assert.InRange(places[1], 0, 1);
        Assert.InRange(places[2], 10, 40);
    }

    [Fact]
    public async Task A_spoiler_is_opened_by_a_click_and_by_keys_and_moves_nothing()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("it was ||the **butler**|| and ||https://example.org/b||");
        var secrets = chat.Messages.Locator(".secret");
        var buttons = chat.Messages.GetByRole(AriaRole.Button, new() { Name = "Spoiler" });
        var before = await SizeAsync(chat, ".bubble");
        await Assertions.Expect(secrets.First).ToBeHiddenAsync();
        await Assertions.Expect(chat.Messages.GetByRole(AriaRole.Link)).ToHaveCountAsync(0);

        await buttons.Last.FocusAsync();
        await chat.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(buttons.Last).ToHaveAttributeAsync("aria-expanded", "true");
        await Assertions.Expect(chat.Messages.GetByRole(AriaRole.Link)).ToBeVisibleAsync();
        await Assertions.Expect(buttons.Last).ToBeFocusedAsync();
        await Assertions.Expect(secrets.First).ToBeHiddenAsync();

        await chat.Messages.Locator(".spoiler").First.ClickAsync();
        await Assertions.Expect(secrets.First).ToBeVisibleAsync();
        Assert.Equal(before, await SizeAsync(chat, ".bubble"));
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task A_long_text_folds_and_is_unfolded_in_its_place()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var crowd = await Crowd.InAsync(shared.Server, room, people: 1);
        await crowd.TalkAsync(30);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SeesAsync(crowd.LastSaid);
        await chat.SayAsync(string.Join('\n', Enumerable.Range(1, 12).Select(line => $"short {line}")));
        await chat.SayAsync(string.Join('\n', Enumerable.Range(1, 60).Select(line => $"line {line}")));
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        var all = chat.Messages.GetByRole(AriaRole.Button, new() { Name = "Show all" });
        await Assertions.Expect(all).ToHaveCountAsync(1);
        var folded = await PlaceAsync();
        Assert.InRange(folded.Height, 200, 340);

        await all.FocusAsync();
        await chat.Page.Keyboard.PressAsync("Enter");
        await chat.FramesAsync();
        var unfolded = await PlaceAsync();
        Assert.InRange(unfolded.Top, folded.Top - 1, folded.Top + 1);
        Assert.InRange(unfolded.Height, 1_000, 2_000);

        var less = chat.Messages.GetByRole(AriaRole.Button, new() { Name = "Show less" });
        await less.ScrollIntoViewIfNeededAsync();
        await less.ClickAsync();
        await chat.FramesAsync();
        var again = await PlaceAsync();
        Assert.InRange(again.Height, folded.Height - 1, folded.Height + 1);
        // Its reader sees it still.
        Assert.InRange(again.Top, 0, 800);
        browser.AssertNoComplaints();

        async Task<(double Top, double Height)> PlaceAsync()
        {
            var place = await chat.Messages.Locator(".bubble").Filter(new() { HasText = "line 60" }).Locator(".text").EvaluateAsync<double[]>(
                "text => [text.getBoundingClientRect().top, text.getBoundingClientRect().height]");
            return (place[0], place[1]);
        }
    }

    [Fact]
    public async Task A_few_emoji_alone_are_three_times_as_large()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        foreach (var text in new[] { "\U0001F600\U0001F44D\U0001F3FD \U0001F680", "with words \U0001F600" })
        {
            await chat.SayAsync(text);
            await chat.SeesAsync(text);
        }

        var sizes = await chat.Messages.Locator(".text").EvaluateAllAsync<double[]>("all => all.map(text => parseFloat(getComputedStyle(text).fontSize))");
        Assert.Equal(3 * sizes[1], sizes[0]);
    }

    [Fact]
    public async Task Code_is_coloured_by_what_is_loaded_when_it_is_first_seen_and_is_copied_as_it_was_written()
    {
        const string Code = "const a = \"b\"; // c\n  return `<script>pwned()</script>`;";
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        List<string> asked = [];
        browser.Context.Request += (_, request) => asked.Add(request.Url);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("```\nno language\n```");
        await chat.SayAsync("```no-such-language\n```");
        await Assertions.Expect(chat.Messages.Locator("pre")).ToHaveCountAsync(2);
        await chat.FramesAsync();
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);

        await chat.SayAsync($"```js\n{Code}\n```");
        var code = chat.Messages.Locator("pre").Last;
        await Assertions.Expect(code).ToHaveTextAsync(Code);
        var before = await SizeAsync(chat, "pre:last-of-type");
        await Assertions.Expect(code.Locator(".hljs-keyword").First).ToHaveTextAsync("const");
        await Assertions.Expect(code).ToHaveTextAsync(Code);
        Assert.Equal(before, await SizeAsync(chat, "pre:last-of-type"));
        Assert.Contains(asked, url => url.Contains("/highlighter-", StringComparison.Ordinal));

        await chat.Messages.GetByRole(AriaRole.Button, new() { Name = "Copy the code" }).Last.ClickAsync();
        await Assertions.Expect(chat.Messages.GetByText("Copied.")).ToHaveCountAsync(1);
        await chat.Composer.FocusAsync();
        await chat.Page.Keyboard.PressAsync("Control+V");
        await Assertions.Expect(chat.Composer).ToHaveValueAsync(Code);
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Nobody_loads_what_colours_code_who_sees_none()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        List<string> asked = [];
        browser.Context.Request += (_, request) => asked.Add(request.Url);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("```\nno language\n```");
        await Assertions.Expect(chat.Messages.Locator("pre")).ToBeVisibleAsync();
        await chat.SayAsync("**the last**");
        await Assertions.Expect(chat.Messages.Locator("strong")).ToBeVisibleAsync();
        await chat.FramesAsync();
        Assert.DoesNotContain(asked, url => url.Contains("/highlighter-", StringComparison.Ordinal));
    }

    private static Task<double[]> SizeAsync(ChatPage chat, string of) => chat.Messages.Locator(of).Last.EvaluateAsync<double[]>(
        "element => [element.getBoundingClientRect().width, element.getBoundingClientRect().height]");
}
