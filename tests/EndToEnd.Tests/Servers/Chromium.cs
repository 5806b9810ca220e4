using Microsoft.Playwright;
using WebMessenger.Load.Pages;

[assembly: AssemblyFixture(typeof(WebMessenger.EndToEnd.Tests.Servers.Chromium))]

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>The system's own Chromium, started once. Playwright must not bring another.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        Assertions.SetDefaultExpectTimeout((float)RawMqttClient.Patience.TotalMilliseconds);
        _playwright = await Playwright.CreateAsync();
        _browser = await InstalledChromium.LaunchAsync(
            _playwright, isShellEnough: Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") != "1");
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.CloseAsync();
        }

        _playwright?.Dispose();
    }

    internal IBrowser Browser => _browser ?? throw new InvalidOperationException("Chromium was not started.");

    /// <summary>A browser of somebody's own: no cookie, no storage. A phone is narrow and is touched.</summary>
    /// <param name="withServiceWorker">Playwright does not see every request of a page that has one.</param>
    internal Task<Visitor> VisitorAsync(
        ServerProcess server, string locale = "en-GB", ColorScheme scheme = ColorScheme.Light, bool phone = false, bool withServiceWorker = false) =>
        VisitorAsync(server.ForBrowser().Address, locale, scheme, phone, withServiceWorker);

    /// <summary>The same, of a server that is met at another address than its own.</summary>
    internal async Task<Visitor> VisitorAsync(
        Uri address, string locale = "en-GB", ColorScheme scheme = ColorScheme.Light, bool phone = false, bool withServiceWorker = false)
    {
        var context = await Browser.NewContextAsync(new()
        {
            BaseURL = address.GetLeftPart(UriPartial.Authority),
            Locale = locale,
            ColorScheme = scheme,
            // Motion would have axe-core look at half-faded colours.
            ReducedMotion = ReducedMotion.Reduce,
            ViewportSize = phone ? new() { Width = 360, Height = 700 } : new() { Width = 1280, Height = 720 },
            HasTouch = phone,
            IsMobile = phone,
            ServiceWorkers = withServiceWorker ? ServiceWorkerPolicy.Allow : ServiceWorkerPolicy.Block,
        });
        context.SetDefaultTimeout((float)RawMqttClient.Patience.TotalMilliseconds);
        return await Visitor.OfAsync(context);
    }
}
