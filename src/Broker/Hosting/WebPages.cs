using Microsoft.Extensions.FileProviders;

namespace WebMessenger.Broker.Hosting;

/// <summary>The browser client: its files, and one page for every address of its own.</summary>
internal static partial class WebPages
{
    public static void Map(WebApplication app)
    {
        // Beside the program, whatever the current folder.
        var folder = Path.Combine(AppContext.BaseDirectory, "wwwroot");
        if (!File.Exists(Path.Combine(folder, "index.html")))
        {
            // Bots and shells are served all the same.
            LogNoClient(app.Logger, folder);
            return;
        }

        PhysicalFileProvider files = new(folder);
        app.UseStaticFiles(new StaticFileOptions
        {
            FileProvider = files,
            OnPrepareResponse = response =>
            {
                // Names under assets/ carry a hash of their content; everything else is asked for anew.
                response.Context.Response.Headers.CacheControl =
                    response.Context.Request.Path.StartsWithSegments("/assets") ? "public, max-age=31536000, immutable" : "no-cache";
            },
        });
        app.Use(async (context, next) =>
        {
            // Not a fallback endpoint: that would win over what routing has to say of a wrong method or content type.
            if (!IsPage(context))
            {
                await next(context);
                return;
            }

            context.Response.ContentType = "text/html; charset=utf-8";
            context.Response.Headers.CacheControl = "no-cache";
            await context.Response.SendFileAsync(files.GetFileInfo("index.html"), context.RequestAborted);
        });
    }

    /// <summary>An address that the client's own router knows, or says that it does not.</summary>
    private static bool IsPage(HttpContext context)
    {
        var path = context.Request.Path;
        return context.GetEndpoint() is null
            && (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
            && !path.StartsWithSegments("/api") && !path.StartsWithSegments("/mqtt") && !path.StartsWithSegments("/health")
            && !Path.HasExtension(path.Value);
    }

    [LoggerMessage(4001, LogLevel.Error, "The browser client is missing from {Folder}, so there are no pages. Build the program again; Node.js is needed for that")]
    private static partial void LogNoClient(ILogger log, string folder);
}
