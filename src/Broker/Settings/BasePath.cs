using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace WebMessenger.Broker.Settings;

/// <summary>`WebMessenger:BasePath`: the folder of its host in which all of this program lies, `/` or such as `/chat/`.</summary>
internal sealed record BasePath
{
    public static readonly BasePath Root = new("/");

    // None of them means anything in HTML, in a Location header or in the path of a cookie, so the folder is written there as it is.
    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/");

    // A proxy that takes the folder `/api/` off turns /api/api/rooms into /api/rooms, and nobody could tell that from the folder itself.
    private static readonly string[] Own = ["api", "assets", "health", "mqtt"];

    private BasePath(string folder) => (Folder, Prefix) = (folder, new PathString(folder[..^1]));

    /// <summary>Begins and ends with a slash.</summary>
    public string Folder { get; }

    /// <summary>The same without the last slash; of the root: empty.</summary>
    public PathString Prefix { get; }

    public bool IsRoot => Folder == "/";

    /// <summary>Takes it with the last slash or without; nothing is the root.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out BasePath? path)
    {
        path = text is "" or "/" ? Root : null;
        if (path is null && text[0] == '/' && /* guard: a base path is no markup */ !text.AsSpan().ContainsAnyExcept(Allowed))
        {
            var segments = (text.EndsWith('/') ? text[1..^1] : text[1..]).Split('/');
            if (!segments.Any(segment => segment is "" or "." or "..") && !Own.Contains(segments[0], StringComparer.OrdinalIgnoreCase))
            {
                path = new BasePath($"/{string.Join('/', segments)}/");
            }
        }

        return path is not null;
    }

    /// <summary>Lets what comes behind it see paths without the folder, and know the folder by `PathBase`.</summary>
    /// <remarks>
    /// A proxy may take the folder off or leave it on, and a health check that comes directly has none. Each of them is answered, and every
    /// answer names the folder, since only the setting knows it. (`X-Forwarded-Prefix` is one more header for a proxy to forget, and for a
    /// client to forge.)
    /// </remarks>
    public void Use(WebApplication app)
    {
        if (IsRoot)
        {
            return;
        }

        app.Use((context, next) =>
        {
            var request = context.Request;
            request.PathBase = Prefix;
            if (!request.Path.StartsWithSegments(Prefix, StringComparison.Ordinal, out var below))
            {
                return next(context);
            }

            if (below.HasValue)
            {
                // Not put back afterwards, as UsePathBase does: SecurityHeaders reads the path when the answer starts, and an answer
                // without a body starts only when everything here has returned.
                request.Path = below;
                return next(context);
            }

            // Relative links of the page would lead beside the folder.
            // A permanent redirect would stay in browsers after the setting is changed.
            context.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            context.Response.Headers.Location = Folder + request.QueryString.ToUriComponent();
            return Task.CompletedTask;
        });
    }

    public override string ToString() => Folder;
}
