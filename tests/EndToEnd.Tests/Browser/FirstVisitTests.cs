using System.Text.RegularExpressions;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;
using WebMessenger.Load.Pages;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>The bytes of `dotnet run --project tests/Load -c Release -- page`, which also shows times.</summary>
public sealed class FirstVisitTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Fault_P18_The_door_costs_60_kB_and_the_first_visit_to_the_lobby_200_kB_on_the_wire()
    {
        // Of its own: what other tests have made there would be weighed with the page.
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits]);
        using var ana = await Person.RegisterAsync(server);
        await using var phone = await server.PageAsync(ana.Cookie).InLobbyAsync();
        for (var i = 0; i < 50; i++)
        {
            await phone.PublishAsync(Lobby.Topic, $"{i} was said before, in a line of an ordinary length, as people write them");
        }

        var newest = Lobby.Unique("the newest");
        await phone.PublishAsync(Lobby.Topic, newest);

        var visit = await FirstVisit.MakeAsync(chromium.Browser, server.Address, newest, Slowness.None);

        Assert.InRange(visit.DoorBytes, 10_000, FirstVisit.DoorBudget);
        Assert.InRange(visit.LobbyBytes, visit.DoorBytes + 10_000, FirstVisit.LobbyBudget);
    }

    [Theory]
    [InlineData("index-*.js")]
    [InlineData("shared-*.js")]
    [InlineData("index-*.css")]
    public async Task Fault_P18_A_file_that_fails_once_is_asked_for_again_and_the_page_is_there(string file)
    {
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        var asked = 0;
        await visitor.Context.RouteAsync($"**/assets/{file}", route => ++asked == 1 ? route.AbortAsync() : route.ContinueAsync());

        var page = await visitor.OpenAsync();

        await Assertions.Expect(page.GetByLabel("Your nickname")).ToBeVisibleAsync();
        // The styles are there, too.
        await page.WaitForFunctionAsync("() => getComputedStyle(document.querySelector('#app')).height === `${innerHeight}px`");
        Assert.True(asked > 1);
        await Assertions.Expect(page.Locator("#stuck")).ToBeHiddenAsync();
        visitor.AssertNoComplaints();
    }

    [Theory]
    [InlineData("index-*.js", "en-GB", "Load it again", "Your nickname")]
    [InlineData("shared-*.js", "pt-BR", "Carregar de novo", "Seu apelido")]
    [InlineData("index-*.css", "en-GB", "Load it again", "Your nickname")]
    public async Task Fault_P18_A_file_that_does_not_come_leaves_a_sentence_and_a_button_instead_of_a_white_page(
        string file, string locale, string again, string nickname)
    {
        await using var visitor = await chromium.VisitorAsync(shared.Server, locale);
        await visitor.Context.RouteAsync($"**/assets/{file}", route => route.AbortAsync());

        var page = await visitor.OpenAsync();

        var button = page.Locator("#stuck").GetByRole(AriaRole.Button, new() { Name = again, Exact = true });
        await Assertions.Expect(button).ToBeVisibleAsync();
        await visitor.Context.UnrouteAllAsync();
        await button.ClickAsync();
        await Assertions.Expect(page.GetByLabel(nickname)).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#stuck")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Fault_P18_The_sentence_and_its_button_need_no_script_at_all()
    {
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.Context.RouteAsync(new Regex("/assets/.*\\.js$"), route => route.AbortAsync());
        var page = await visitor.OpenAsync("/rooms/lobby");
        await Assertions.Expect(page.GetByText("This page did not load completely.")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("Esta página não carregou por inteiro.")).ToBeVisibleAsync();

        await visitor.Context.UnrouteAllAsync();
        await page.Locator("#stuck").GetByRole(AriaRole.Button).ClickAsync();

        await Assertions.Expect(page.GetByLabel("Your nickname")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("#lobby")).ToBeVisibleAsync();
    }
}
