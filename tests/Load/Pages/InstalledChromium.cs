using Microsoft.Playwright;

namespace WebMessenger.Load.Pages;

/// <summary>The system's own Chromium. Playwright must not bring another.</summary>
internal static class InstalledChromium
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    // The same engine without a window of its own, which takes a third less of the processor.
    private const string Shell = "chromium-headless-shell";

    private static readonly string[] Switches =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync",
    ];

    /// <param name="isShellEnough">
    /// Chromium's headless shell is taken where it is installed. What is measured is measured in what people have.
    /// </param>
    /// <exception cref="LoadException">There is none.</exception>
    public static async Task<IBrowser> LaunchAsync(IPlaywright playwright, bool isShellEnough = false)
    {
        Environment.SetEnvironmentVariable("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        return await playwright.Chromium.LaunchAsync(new() { ExecutablePath = OnPath(isShellEnough ? [Shell, .. Names] : Names), Headless = true, Args = Switches });
    }

    private static string OnPath(string[] names)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return names.SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists)
            ?? throw new LoadException($"No Chromium on the PATH (looked for {string.Join(", ", names)}): ./test.sh installs it.");
    }
}
