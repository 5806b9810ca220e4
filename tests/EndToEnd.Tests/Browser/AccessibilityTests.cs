using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>axe-core finds nothing serious on any page, and the content security policy is kept on each.</summary>
public sealed class AccessibilityTests(SharedServer shared, Chromium chromium)
{
    private static readonly string[] _doors = ["/", "/sign-in", "/register"];
    private static readonly string[] _inside = ["/rooms/lobby", "/rooms", "/whispers", "/account", "/account/sessions", "/account/tokens", "/nowhere"];

    public static TheoryData<string, ColorScheme, int> Looks => new()
    {
        { "en-GB", ColorScheme.Light, 1280 },
        { "en-GB", ColorScheme.Dark, 360 },
        { "pt-BR", ColorScheme.Light, 360 },
        { "pt-BR", ColorScheme.Dark, 1280 },
    };

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

        await visitor.BeAsync(ana);
        foreach (var path in _inside)
        {
            await InspectAsync(page, path, locale);
        }

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
