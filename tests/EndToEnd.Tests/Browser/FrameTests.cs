using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

public sealed class FrameTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Attack_55_Another_page_cannot_frame_the_chat()
    {
        await using var browser = await chromium.VisitorAsync(shared.Server);
        var page = await browser.Context.NewPageAsync();

        // What a browser refuses to frame it says in its console, with the rule.
        var refused = await page.RunAndWaitForConsoleMessageAsync(
            () => page.SetContentAsync($"<iframe src=\"{shared.Server.Address}\"></iframe>"),
            new() { Predicate = message => message.Text.Contains("frame-ancestors 'none'", StringComparison.Ordinal) });

        Assert.Equal("error", refused.Type);
        Assert.DoesNotContain("WebMessenger", await page.Frames[^1].ContentAsync(), StringComparison.Ordinal);
    }
}
