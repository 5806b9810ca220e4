using System.Collections.Frozen;
using System.Text;
using Microsoft.AspNetCore.StaticFiles;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Pages;

/// <summary>The browser client: its files, and one page for every address of its own.</summary>
/// <remarks>The files are looked up once, at start: a request finds one of these or none, whatever its path says.</remarks>
internal sealed partial class WebPages
{
    private const string StartPage = "index.html";

    // As the build writes it: src/WebClient/index.html.
    private const string RootBase = "<base href=\"/\"";

    private readonly FrozenDictionary<string, WebFile> _files;
    private readonly WebFile _page;

    private WebPages(FrozenDictionary<string, WebFile> files, WebFile page) => (_files, _page) = (files, page);

    public static void Map(WebApplication app)
    {
        // Beside the program, whatever the current folder.
        var folder = Path.Combine(AppContext.BaseDirectory, "wwwroot");
        if (!File.Exists(Path.Combine(folder, StartPage)))
        {
            // Bots and shells are served all the same.
            LogNoClient(app.Logger, folder);
            return;
        }

        var pages = Open(folder, app.Services.GetRequiredService<BrokerSettings>().BasePath);

        // Not a fallback endpoint: that would win over what routing has to say of a wrong method or content type.
        app.Use((context, next) => pages.Find(context) is { } file ? file.AnswerAsync(context) : next(context));
    }

    /// <exception cref="StartupException">The start page has no place for the base path.</exception>
    private static WebPages Open(string folder, BasePath basePath)
    {
        var page = WebFile.InMemory(WithBase(Path.Combine(folder, StartPage), basePath), "text/html; charset=utf-8", "no-cache");
        FileExtensionContentTypeProvider types = new();
        Dictionary<string, WebFile> files = new(StringComparer.Ordinal) { ["/" + StartPage] = page };
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var path = "/" + Path.GetRelativePath(folder, file).Replace('\\', '/');

            // What has no type here (the compressed copies among it), or a name that begins with a dot, is not for browsers.
            if (types.TryGetContentType(file, out var type) && !WebFile.IsCopy(path) && !path.Contains("/.", StringComparison.Ordinal))
            {
                // Names under assets/ carry a hash of their content; everything else is asked for anew.
                var isLasting = path.StartsWith("/assets/", StringComparison.Ordinal);
                files.TryAdd(path, WebFile.OfDisk(file, type, isLasting ? "public, max-age=31536000, immutable" : "no-cache"));
            }
        }

        return new WebPages(files.ToFrozenDictionary(StringComparer.Ordinal), page);
    }

    private static byte[] WithBase(string file, BasePath basePath)
    {
        var html = File.ReadAllText(file);
        return html.Split(RootBase).Length == 2
            ? Encoding.UTF8.GetBytes(html.Replace(RootBase, $"<base href=\"{basePath.Folder}\"", StringComparison.Ordinal))
            : throw new StartupException(
                $"The browser client in {Path.GetDirectoryName(file)} is not the one of this program. Build the program again.");
    }

    private WebFile? Find(HttpContext context)
    {
        var method = context.Request.Method;
        return context.GetEndpoint() is not null || !(HttpMethods.IsGet(method) || HttpMethods.IsHead(method)) ? null
            : _files.GetValueOrDefault(context.Request.Path.Value ?? "") ?? (IsPage(context.Request.Path) ? _page : null);
    }

    /// <summary>An address that the client's own router knows, or says that it does not.</summary>
    private static bool IsPage(PathString path) =>
        !path.StartsWithSegments("/api") && !path.StartsWithSegments("/mqtt") && !path.StartsWithSegments("/health")
        && !Path.HasExtension(path.Value);

    [LoggerMessage(4001, LogLevel.Error,
        "The browser client is missing from {Folder}, so there are no pages. Build the program again; Node.js is needed for that")]
    private static partial void LogNoClient(ILogger log, string folder);
}
