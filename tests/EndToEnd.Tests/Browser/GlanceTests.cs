using System.Globalization;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>What stands beside the talk: in one line, in its own column, and from its top.</summary>
public sealed class GlanceTests(SharedServer shared, Chromium chromium)
{
    /// <summary>Headings and entries that have more than one line, or words that end outside them.</summary>
    private const string Wrapped = """
        () => [...document.querySelectorAll('.pane > .top h2, .pane > .top button, nav .entry .title')].filter(one => {
            const line = parseFloat(getComputedStyle(one).fontSize) * 2;
            const text = document.createRange();
            text.selectNodeContents(one);
            return one.tagName !== 'BUTTON' && text.getBoundingClientRect().height > line || one.scrollWidth > one.clientWidth + 1;
        }).map(one => one.textContent)
        """;

    [Theory]
    [InlineData("en-GB", 1440, "Mentions", "People")]
    [InlineData("pt-BR", 1440, "Menções", "Pessoas")]
    [InlineData("en-GB", 768, "Mentions", "People")]
    [InlineData("pt-BR", 768, "Menções", "Pessoas")]
    public async Task Headings_and_entries_beside_the_talk_have_one_line_each(string locale, int width, string mentions, string people)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var visitor = await chromium.VisitorAsync(shared.Server, locale);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, await ana.NewRoomAsync("The beds", visibility: "private"));
        await chat.Page.SetViewportSizeAsync(width, 900);
        if (width < 900)
        {
            await chat.Page.GetByRole(AriaRole.Button, new() { NameRegex = new("^(Show rooms|Mostrar salas)") }).ClickAsync();
        }

        Assert.Empty(await chat.Page.EvaluateAsync<string[]>(Wrapped));
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = mentions, Exact = true }).ClickAsync();
        var pane = chat.Page.GetByRole(AriaRole.Region, new() { Name = mentions, Exact = true });
        await Assertions.Expect(pane).ToBeVisibleAsync();
        Assert.Empty(await chat.Page.EvaluateAsync<string[]>(Wrapped));
        await pane.GetByRole(AriaRole.Button, new() { Name = people, Exact = true }).ClickAsync();
        await Assertions.Expect(pane).ToHaveCountAsync(0);
        visitor.AssertNoComplaints();
    }

    [Theory]
    [InlineData(1440, ColorScheme.Light)]
    [InlineData(360, ColorScheme.Dark)]
    public async Task The_views_of_the_devices_stand_in_one_row_with_the_chosen_one_in_sight_and_each_begins_at_its_top(int width, ColorScheme scheme)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The beds", visibility: "private");
        await using var device = await RawMqttClient.OverTcpAsync(shared.Server.Mqtt);
        Assert.True((await device.ConnectAsync(ana.UserName, await ana.NewTokenAsync())).Accepted);
        for (var i = 0; i < 40; i++)
        {
            var topic = string.Create(CultureInfo.InvariantCulture, $"rooms/{room}/data/bed/{i}");
            Assert.True((await device.PublishAsync(topic, "21.5", retain: true)).Accepted);
        }

        await using var visitor = await chromium.VisitorAsync(shared.Server, "en-GB", scheme);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, room);
        await chat.Page.SetViewportSizeAsync(width, 700);
        await chat.Page.Keyboard.PressAsync("Control+K");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Combobox, new() { Name = "A room, a person, an action" })).ToBeFocusedAsync();
        await chat.Page.Keyboard.TypeAsync("Devices");
        await chat.Page.Keyboard.PressAsync("Enter");
        var pane = chat.Page.GetByRole(AriaRole.Region, new() { Name = "Devices", Exact = true });
        await Assertions.Expect(pane.GetByRole(AriaRole.Group, new() { Name = "39", Exact = true })).ToBeAttachedAsync();
        var views = pane.GetByRole(AriaRole.Group, new() { Name = "What is shown" });

        foreach (var name in new[] { "Webhooks", "Tiles", "Rules", "Topics" })
        {
            await pane.Locator(".list").EvaluateAsync("list => list.scrollTop = list.scrollHeight");
            var view = views.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });
            await view.ClickAsync();
            await Assertions.Expect(view).ToHaveAttributeAsync("aria-pressed", "true");
            await Assertions.Expect(view).ToBeInViewportAsync(new() { Ratio = 1 });
            Assert.Equal(0, await pane.Locator(".list").EvaluateAsync<double>("list => list.scrollTop"));
        }

        var heights = await views.EvaluateAsync<double[]>("row => [row.clientHeight, row.querySelector('button').clientHeight]");
        Assert.InRange(heights[0], heights[1], heights[1] * 1.5);
        Assert.True(await views.EvaluateAsync<bool>("""
            row => {
                const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
                const lightness = (element) => {
                    context.fillStyle = getComputedStyle(element).backgroundColor;
                    context.fillRect(0, 0, 1, 1);
                    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)].reduce((sum, one) => sum + one);
                };
                return lightness(row.querySelector('[aria-pressed=true]')) > lightness(row);
            }
            """));
        visitor.AssertNoComplaints();
    }

    [Theory]
    [InlineData(1440, 100)]
    [InlineData(360, 150)]
    public async Task The_author_that_stays_in_sight_covers_no_words_of_compact_lines(int width, int size)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The beds", visibility: "private");
        await ana.BringInAsync(room, bea);
        for (var i = 0; i < 12; i++)
        {
            await bea.ActAsync(room, new { type = "message", text = string.Join('\n', Enumerable.Range(0, 8).Select(line => $"line {line} of {i}")) });
        }

        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        // Nothing is kept for the empty page that a tab begins with.
        await visitor.Context.AddInitScriptAsync($$"""
            if (location.protocol === 'http:') {
                localStorage.setItem('webmessenger.density', 'compact');
                localStorage.setItem('webmessenger.textSize', '{{size}}');
            }
            """);
        var chat = await ChatPage.OpenAsync(visitor, room);
        await chat.Page.SetViewportSizeAsync(width, 700);
        await Assertions.Expect(chat.Messages.Locator(".bubble").First).ToBeAttachedAsync();

        // Scrolled so that the first line of a message is out of sight, and its others are not.
        var covered = await chat.Page.EvaluateAsync<string>("""
            async () => {
                const log = document.querySelector('[role=log]');
                const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
                log.scrollTop = 0;
                await frame();
                const top = log.getBoundingClientRect().top;
                const bubble = [...log.querySelectorAll('article .bubble')].find((one) => one.getBoundingClientRect().top > top + 100);
                log.scrollTop += bubble.getBoundingClientRect().top + 40 - top;
                await frame();
                if (bubble.getBoundingClientRect().top > top - 20) return `it is at ${bubble.getBoundingClientRect().top - top}`;
                const names = [...document.querySelectorAll('.author, .compact .who')].map((one) => one.getBoundingClientRect());
                const inSight = names.filter((name) => name.bottom > top && name.top < top + 40);
                const text = document.createRange();
                text.selectNodeContents(bubble);
                const meets = (name, line) => name.left < line.right && name.right > line.left && name.top < line.bottom && name.bottom > line.top;
                const over = [...text.getClientRects()].filter((line) => line.bottom > top && inSight.some((name) => meets(name, line)));
                return `${over.length} ${innerWidth > 699 ? inSight.length : 1}`;
            }
            """);
        Assert.Equal("0 1", covered);
        visitor.AssertNoComplaints();
    }
}
