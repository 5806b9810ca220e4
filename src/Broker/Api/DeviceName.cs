namespace WebMessenger.Broker.Api;

/// <summary>
/// What a person recognises in the list of login sessions: "Firefox on Linux".
/// Only words of ours, so that no User-Agent can put anything into the page.
/// </summary>
internal static class DeviceName
{
    // The order matters: Edge and Opera say Chrome, Chrome says Safari, Android says Linux, iPhones say Mac OS X.
    private static readonly (string Token, string Name)[] Browsers =
        [("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("Chromium/", "Chromium"), ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl")];

    private static readonly (string Token, string Name)[] Systems =
        [("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")];

    public static string Of(HttpRequest request)
    {
        var agent = request.Headers.UserAgent.ToString();
        var browser = Array.Find(Browsers, known => agent.Contains(known.Token, StringComparison.Ordinal)).Name;
        var system = Array.Find(Systems, known => agent.Contains(known.Token, StringComparison.Ordinal)).Name;
        return (browser, system) switch
        {
            (null, null) => "unknown",
            (null, _) => system,
            (_, null) => browser,
            _ => browser + " on " + system,
        };
    }
}
