using Microsoft.Playwright;

namespace WebMessenger.Load.Pages;

/// <summary>The system's own Chromium. Playwright must not bring another.</summary>
internal static class InstalledChromium
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private static readonly string[] Switches =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync",
    ];

    /// <exception cref="LoadException">There is none.</exception>
    public static async Task<IBrowser> LaunchAsync(IPlaywright playwright)
    {
        Environment.SetEnvironmentVariable("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        return await playwright.Chromium.LaunchAsync(new() { ExecutablePath = OnPath(), Headless = true, Args = Switches });
    }

    private static string OnPath() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => Names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists)
        ?? throw new LoadException($"No Chromium on the PATH (looked for {string.Join(", ", Names)}): ./test.sh installs it.");
}
