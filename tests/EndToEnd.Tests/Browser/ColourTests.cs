using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>The choice of colours and language, on the page as it was built.</summary>
public sealed class ColourTests(SharedServer shared, Chromium chromium)
{
    private const string Background = "getComputedStyle(document.documentElement).backgroundColor";
    private const string BarColour =
        "[...document.querySelectorAll('meta[name=theme-color]')].find(meta => matchMedia(meta.media).matches).content";

    private const string LightPaper = "rgb(255, 247, 238)";
    private const string DarkPlum = "rgb(23, 19, 31)";

    [Theory]
    [InlineData(ColorScheme.Light, LightPaper)]
    [InlineData(ColorScheme.Dark, DarkPlum)]
    public async Task Fault_P2_Light_and_Dark_change_the_colours_and_Auto_follows_the_system(ColorScheme system, string automatic)
    {
        await using var visitor = await chromium.VisitorAsync(shared.Server, scheme: system);
        var page = await visitor.OpenAsync();
        await page.GetByLabel("Your nickname").WaitForAsync();
        Assert.Equal(automatic, await page.EvaluateAsync<string>(Background));

        foreach (var (choice, background) in new[] { ("light", LightPaper), ("dark", DarkPlum), ("system", automatic) })
        {
            await page.GetByLabel("Colours").SelectOptionAsync(choice);
            // Not at once: with reduced motion, changes take a hundredth of a millisecond.
            await Assertions.Expect(page.Locator("html")).ToHaveCSSAsync("background-color", background);
            // Of the two colours for the browser's own bars, the one that fits is in force.
            Assert.Equal(
                background == DarkPlum ? "#17131f" : "#fff7ee",
                await page.EvaluateAsync<string>(BarColour));
        }

        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P2_Colours_and_language_are_chosen_before_anything_is_painted()
    {
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        var page = await visitor.OpenAsync();
        await page.GetByLabel("Colours").SelectOptionAsync("dark");
        await page.GetByLabel("Language").SelectOptionAsync("pt-BR");
        await Assertions.Expect(page.GetByLabel("Cores")).ToBeVisibleAsync();
        TaskCompletionSource mayRun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await visitor.Context.RouteAsync("**/assets/index-*.js", async route =>
        {
            await mayRun.Task;
            await route.ContinueAsync();
        });

        await page.GotoAsync("/", new() { WaitUntil = WaitUntilState.Commit });
        // The styles are there: from here on the browser paints.
        await page.WaitForFunctionAsync("() => document.body && getComputedStyle(document.body).margin === '0px'");

        // The page's own script has not come yet.
        Assert.Equal(DarkPlum, await page.EvaluateAsync<string>(Background));
        Assert.Equal("pt-BR", await page.EvaluateAsync<string>("document.documentElement.lang"));
        Assert.Equal(0, await page.Locator("#app > *").CountAsync());
        mayRun.SetResult();
        await Assertions.Expect(page.GetByLabel("Cores")).ToHaveValueAsync("dark");
        Assert.Equal(DarkPlum, await page.EvaluateAsync<string>(Background));
    }
}
