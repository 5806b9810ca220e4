using System.Text.RegularExpressions;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>
/// A room in which much is said, on the built page: what a line costs, what is drawn, and that nothing moves under the reader's eyes.
/// </summary>
public sealed partial class BusyRoomTests(SharedServer shared, Chromium chromium)
{
    private const string Nodes = "() => document.querySelectorAll('*').length";

    [Fact]
    public async Task Fault_P3_A_line_costs_the_same_however_many_are_loaded()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var crowd = await Crowd.InAsync(shared.Server, room, people: 3);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var work = await Work.OfAsync(chat.Page);
        var emptyKeys = await work.DuringAsync(() => TypeAsync(chat, 20));

        await crowd.TalkAsync(10);
        await SeesLastAsync(chat, crowd);
        var early = await work.DuringAsync(() => SlowlyAsync(chat, crowd, 20));
        await crowd.TalkAsync(1_650);
        await SeesLastAsync(chat, crowd);
        var late = await work.DuringAsync(() => SlowlyAsync(chat, crowd, 20));
        var fullKeys = await work.DuringAsync(() => TypeAsync(chat, 20));

        // Of 5,000 lines against 50. What was paid for every line before was 18 times as much at 1,000 lines:
        // the machine's noise in Script is far below that.
        Assert.InRange(late.NodesAdded, 1, early.NodesAdded * 1.5);
        Assert.InRange(late.Layouts, 1, early.Layouts * 1.5);
        Assert.InRange(late.Script, 0, early.Script * 4);
        Assert.Equal(0, fullKeys.NodesAdded);
        Assert.InRange(fullKeys.Layouts, 1, emptyKeys.Layouts * 3);
        browser.AssertNoComplaints();
    }

    [Theory]
    [InlineData(1440)]
    [InlineData(360)]
    public async Task Fault_P3_Thousands_of_lines_are_few_nodes_and_are_scrolled_without_a_blank_frame(int width)
    {
        // What is drawn of thousands is what is in sight; the long form scrolls through more of them.
        var isLong = Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1";
        var lines = isLong ? 5_000 : width > 1_000 ? 2_500 : 1_000;
        using var ana = await Person.RegisterAsync(shared.Server);
        // Not in the room before: nothing of it is new to her, and she begins at its end.
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var crowd = await Crowd.InAsync(shared.Server, room, people: 5);
        await crowd.TalkAsync(lines / 5);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(bea);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.Page.SetViewportSizeAsync(width, 800);
        await SeesLastAsync(chat, crowd);
        await chat.Page.EvaluateAsync("""
            () => {
                const log = document.querySelector('[role=log]');
                window.blankFrames = [];
                const look = () => {
                    const [view, head, drawn] = [log, log.querySelector('.head'), log.querySelector('.drawn')].map((element) => element.getBoundingClientRect());
                    if (drawn.top > Math.max(view.top, head.bottom) + 1 || drawn.bottom < view.bottom - 17) window.blankFrames.push([view.top, head.bottom, drawn.top, drawn.bottom, view.bottom, log.scrollTop, log.scrollHeight].map(Math.round).join());
                    requestAnimationFrame(look);
                };
                requestAnimationFrame(look);
            }
            """);
        await chat.Page.Mouse.MoveAsync(width / 2, 400);

        var mostNodes = 0;
        var beginning = chat.Messages.GetByText("This is where");
        while (await beginning.CountAsync() == 0)
        {
            // As fast as a hand turns: a screen a frame.
            await chat.Page.Mouse.WheelAsync(0, -600);
            await chat.FramesAsync();
            mostNodes = Math.Max(mostNodes, await chat.Page.EvaluateAsync<int>(Nodes));
        }

        Assert.InRange(mostNodes, 1, 2_500);
        Assert.Empty(await chat.Page.EvaluateAsync<string[]>("() => window.blankFrames"));
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P3_What_the_reader_looks_at_stays_in_its_place_while_lines_come_above_and_below()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var crowd = await Crowd.InAsync(shared.Server, room, people: 3);
        await crowd.TalkAsync(80);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await SeesLastAsync(chat, crowd);
        // The top of the first page: the page above is read while the reader looks here.
        await chat.Page.EvaluateAsync("""
            () => {
                const log = document.querySelector('[role=log]');
                log.scrollTop = 300;
                window.moved = new Set();
                let looked = null;
                const look = () => {
                    const top = log.getBoundingClientRect().top;
                    looked ??= [...log.querySelectorAll('.bubble')].find((bubble) => bubble.getBoundingClientRect().top > top + 150);
                    window.moved.add(Math.round(looked.getBoundingClientRect().top));
                    requestAnimationFrame(look);
                };
                requestAnimationFrame(() => requestAnimationFrame(look));
            }
            """);

        await crowd.TalkAsync(40);
        // On a slow machine the first few were in sight long enough to be read while the room opened.
        await Assertions.Expect(chat.Page.Locator(".to-end")).ToContainTextAsync(new Regex("(11[0-9]|120) new messages"));

        Assert.Single(await chat.Page.EvaluateAsync<int[]>("() => [...window.moved]"));
    }

    [Fact]
    public async Task Fault_P29_My_own_line_takes_its_last_place_at_once()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var crowd = await Crowd.InAsync(shared.Server, room);
        await crowd.TalkAsync(20);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await SeesLastAsync(chat, crowd);
        // Whoever is new to a room comes in, a moment later.
        await chat.SeesAsync($"{ana.DisplayName} came in");
        await chat.Page.EvaluateAsync("""
            () => {
                window.places = new Set();
                const look = () => {
                    const mine = [...document.querySelectorAll('[role=log] .bubble')].find((bubble) => bubble.innerText.includes('mine'));
                    if (mine) window.places.add(['top', 'height', 'width'].map((side) => Math.round(mine.getBoundingClientRect()[side])).join());
                    requestAnimationFrame(look);
                };
                look();
            }
            """);

        await chat.SayAsync("mine");
        await Assertions.Expect(chat.Messages.Locator(".bubble[data-seq]").Filter(new() { HasText = "mine" })).ToHaveCountAsync(1);
        await Assertions.Expect(chat.Unsent).ToHaveCountAsync(0);
        await chat.FramesAsync();

        Assert.Single(await chat.Page.EvaluateAsync<string[]>("() => [...window.places]"));
    }

    [Fact]
    public async Task Fault_P27_In_a_long_run_its_author_stays_in_sight()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var crowd = await Crowd.InAsync(shared.Server, room, people: 1);
        await crowd.TalkAsync(45);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);

        await SeesLastAsync(chat, crowd);

        await Assertions.Expect(chat.Page.Locator(".frame > .author")).ToHaveTextAsync(new Regex("^Dona crowd"));
    }

    [Fact]
    public async Task Fault_P31_In_copied_lines_no_time_is_glued_to_a_word()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var crowd = await Crowd.InAsync(shared.Server, room);
        await crowd.TalkAsync(4);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await SeesLastAsync(chat, crowd);

        var copied = await chat.Page.EvaluateAsync<string>("""
            () => {
                getSelection().selectAllChildren(document.querySelector('[role=log] .drawn'));
                return getSelection().toString();
            }
            """);

        Assert.Contains("says 8", copied, StringComparison.Ordinal);
        Assert.Matches(Time(), copied);
        Assert.DoesNotMatch(GluedTime(), copied);
    }

    private static async Task TypeAsync(ChatPage chat, int keys)
    {
        await chat.Composer.FocusAsync();
        for (var i = 0; i < keys; i++)
        {
            await chat.Page.Keyboard.PressAsync("a");
            await chat.FramesAsync();
        }
    }

    private static Task SeesLastAsync(ChatPage chat, Crowd crowd) => chat.SeesAsync(crowd.LastSaid);

    /// <summary>Line by line, each drawn before the next is said: gathered in one frame, they would cost less.</summary>
    private static async Task SlowlyAsync(ChatPage chat, Crowd crowd, int lines)
    {
        for (var i = 0; i < lines; i++)
        {
            await crowd.TalkAsync(each: 1, people: 1);
            await SeesLastAsync(chat, crowd);
        }
    }

    [GeneratedRegex(@"\d{1,2}:\d\d")]
    private static partial Regex Time();

    [GeneratedRegex(@"[^\s\d]\d{1,2}:\d\d|\d:\d\d[^\s\d]")]
    private static partial Regex GluedTime();

    /// <summary>What a page does, as the browser counts it.</summary>
    /// <param name="NodesAdded">Elements put into the log.</param>
    /// <param name="Script">Seconds in scripts: for ratios far beyond noise only.</param>
    private sealed record Amount(double NodesAdded, double Layouts, double Script);

    private sealed class Work(IPage page, ICDPSession session)
    {
        public static async Task<Work> OfAsync(IPage page)
        {
            var session = await page.Context.NewCDPSessionAsync(page);
            await session.SendAsync("Performance.enable");
            await page.EvaluateAsync("""
                () => {
                    window.nodesAdded = 0;
                    const count = (records) => records.forEach((record) => record.addedNodes.forEach((node) => (window.nodesAdded += 1 + (node.querySelectorAll?.('*').length ?? 0))));
                    new MutationObserver(count).observe(document.querySelector('[role=log]'), { childList: true, subtree: true });
                }
                """);
            return new Work(page, session);
        }

        public async Task<Amount> DuringAsync(Func<Task> action)
        {
            var before = await NowAsync();
            await action();
            var after = await NowAsync();
            return new Amount(after.NodesAdded - before.NodesAdded, after.Layouts - before.Layouts, after.Script - before.Script);
        }

        private async Task<Amount> NowAsync()
        {
            var metrics = (await session.SendAsync("Performance.getMetrics"))!.Value.GetProperty("metrics").EnumerateArray()
                .ToDictionary(metric => metric.GetProperty("name").GetString()!, metric => metric.GetProperty("value").GetDouble());
            return new Amount(await page.EvaluateAsync<double>("() => window.nodesAdded"), metrics["LayoutCount"], metrics["ScriptDuration"]);
        }
    }
}
