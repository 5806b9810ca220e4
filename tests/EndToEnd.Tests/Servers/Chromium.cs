using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(WebMessenger.EndToEnd.Tests.Servers.Chromium))]

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>The system's own Chromium, started once. Playwright must not bring another.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] _names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        Environment.SetEnvironmentVariable("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        Assertions.SetDefaultExpectTimeout((float)RawMqttClient.Patience.TotalMilliseconds);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = OnPath(),
            Headless = true,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync",
            ],
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.CloseAsync();
        }

        _playwright?.Dispose();
    }

    /// <summary>A browser of somebody's own: no cookie, no storage. A phone is narrow and is touched.</summary>
    internal Task<Visitor> VisitorAsync(ServerProcess server, string locale = "en-GB", ColorScheme scheme = ColorScheme.Light, bool phone = false) =>
        VisitorAsync(server.Address, locale, scheme, phone);

    /// <summary>The same, of a server that is met at another address than its own.</summary>
    internal async Task<Visitor> VisitorAsync(Uri address, string locale = "en-GB", ColorScheme scheme = ColorScheme.Light, bool phone = false)
    {
        var context = await _browser!.NewContextAsync(new()
        {
            BaseURL = address.GetLeftPart(UriPartial.Authority),
            Locale = locale,
            ColorScheme = scheme,
            // Motion would have axe-core look at half-faded colours.
            ReducedMotion = ReducedMotion.Reduce,
            ViewportSize = phone ? new() { Width = 360, Height = 700 } : new() { Width = 1280, Height = 720 },
            HasTouch = phone,
            IsMobile = phone,
        });
        context.SetDefaultTimeout((float)RawMqttClient.Patience.TotalMilliseconds);
        return await Visitor.OfAsync(context);
    }

    private static string OnPath() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => _names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists)
        ?? throw new InvalidOperationException($"No Chromium on the PATH (looked for {string.Join(", ", _names)}): ./test.sh installs it.");
}
