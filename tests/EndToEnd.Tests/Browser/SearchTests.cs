using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Looking for what was said, and the way there and back.</summary>
public sealed class SearchTests(SharedServer shared, Chromium chromium)
{
    private const int Lines = 400;

    [Theory]
    [InlineData(1440, Explicit = true)]
    [InlineData(768, Explicit = true)]
    [InlineData(360)]
    public async Task A_hit_is_shown_in_its_place_and_there_is_a_way_back_to_the_end(int width)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The archive");
        await using var anas = await shared.Server.PageAsync(ana.Cookie).InLobbyAsync();
        await anas.PublishAsync($"rooms/{room}", "Amanhã: canarybird");
        for (var i = 0; i < Lines; i++)
        {
            Assert.True((await anas.PublishAsync($"rooms/{room}", $"line {i}")).Accepted);
        }

        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(bea);
        var chat = await ChatPage.OpenAsync(visitor, room);
        await chat.Page.SetViewportSizeAsync(width, 800);
        await chat.SeesAsync($"line {Lines - 1}");
        await Assertions.Expect(chat.Messages.GetByText("Amanhã: canarybird")).ToHaveCountAsync(0);

        await chat.Page.Keyboard.PressAsync("Control+Shift+F");
        var pane = chat.Page.GetByRole(AriaRole.Region, new() { Name = "Search", Exact = true });
        await Assertions.Expect(pane.GetByRole(AriaRole.Searchbox)).ToBeFocusedAsync();
        await chat.Page.Keyboard.TypeAsync("amanha CANARY");
        await chat.Page.Keyboard.PressAsync("Enter");
        var hit = pane.GetByRole(AriaRole.List, new() { Name = "What was found" }).GetByRole(AriaRole.Button);
        await Assertions.Expect(hit).ToContainTextAsync("Amanhã: canarybird");
        Assert.Equal(["Amanhã", "canarybird"], await hit.Locator("mark").AllInnerTextsAsync());
        var violations = (await chat.Page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => violation.Id));
        await hit.ClickAsync();

        await Assertions.Expect(chat.Messages.Locator(".meant").GetByText("Amanhã: canarybird")).ToBeInViewportAsync();
        Assert.Matches("seq=[0-9]+$", chat.Page.Url);

        // The room goes on meanwhile, and the way back leads to its end.
        await anas.PublishAsync($"rooms/{room}", "said meanwhile");
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Back to the newest" }).ClickAsync();
        await chat.SeesAsync("said meanwhile");
        Assert.DoesNotContain("seq=", chat.Page.Url, StringComparison.Ordinal);
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task A_link_to_a_message_opens_it_in_its_place_and_one_that_is_gone_is_said_to_be()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The links");
        await using var anas = await shared.Server.PageAsync(ana.Cookie).InLobbyAsync();
        var first = (await anas.PublishAsync($"rooms/{room}", "the first line")).Seq;
        var second = (await anas.PublishAsync($"rooms/{room}", "the second line")).Seq;
        for (var i = 0; i < 200; i++)
        {
            await anas.PublishAsync($"rooms/{room}", $"line {i}");
        }

        await using var visitor = await chromium.VisitorAsync(shared.Server, locale: "pt-BR");
        await visitor.BeAsync(ana);
        ChatPage chat = new(await visitor.OpenAsync($"/rooms/{room}?seq={first}"));
        await Assertions.Expect(chat.Messages.Locator(".meant").GetByText("the first line")).ToBeInViewportAsync();

        // What is deleted meanwhile goes from here, too.
        await anas.PublishAsync($"rooms/{room}", $$"""{"type":"delete","of":{{second}}}""");
        await Assertions.Expect(chat.Messages.GetByText("the second line")).ToHaveCountAsync(0);
        await chat.Page.GotoAsync($"/rooms/{room}?seq={second}");
        await Assertions.Expect(chat.Page.GetByText("Esta mensagem não está mais aqui.")).ToBeVisibleAsync();
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Voltar às mais novas" }).ClickAsync();
        await chat.SeesAsync("line 199");
        visitor.AssertNoComplaints();
    }
}
