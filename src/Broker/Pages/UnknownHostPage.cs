using Microsoft.AspNetCore.Http.Headers;

namespace WebMessenger.Broker.Pages;

/// <summary>
/// What a browser shows of a host that is not this server's own: words for whoever sits before it, and the setting for who runs it.
/// </summary>
/// <remarks>It says nothing that the request said, not even the host. It has no style: nothing else is served by that name.</remarks>
internal static class UnknownHostPage
{
    private const string English = """
        <!doctype html>
        <html lang="en">
        <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Not here</title></head>
        <body>
        <h1>This address is not one of this server's</h1>
        <p>There is a WebMessenger here, but it does not know the name in the address bar as its own. Check the address, or ask whoever runs the server.</p>
        <p>If that is you: put <code>https://</code> and the name into the setting <code>WebMessenger:AllowedOrigins</code>, or the proxy before the server into
        <code>WebMessenger:TrustedProxies</code>, and start it again.</p>
        </body>
        </html>
        """;

    private const string Portuguese = """
        <!doctype html>
        <html lang="pt-BR">
        <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Não é aqui</title></head>
        <body>
        <h1>Este endereço não é deste servidor</h1>
        <p>Há um WebMessenger aqui, mas ele não reconhece o nome que está na barra de endereços. Confira o endereço ou fale com quem cuida do servidor.</p>
        <p>Se é você: coloque <code>https://</code> e o nome na configuração <code>WebMessenger:AllowedOrigins</code>, ou o proxy que fica na frente do servidor em
        <code>WebMessenger:TrustedProxies</code>, e inicie de novo.</p>
        </body>
        </html>
        """;

    /// <summary>A person looks at it: programs, and our own page, ask for no HTML.</summary>
    public static bool IsFor(HttpRequest request) =>
        new RequestHeaders(request.Headers).Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase));

    public static Task SendAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(IsPortuguese(context.Request) ? Portuguese : English, context.RequestAborted);
    }

    // The language that the browser wants most, of the two that there are.
    private static bool IsPortuguese(HttpRequest request) =>
        new RequestHeaders(request.Headers).AcceptLanguage
            .OrderByDescending(language => language.Quality ?? 1)
            .Select(language => language.Value.ToString())
            .FirstOrDefault(language => IsOf(language, "pt") || IsOf(language, "en")) is { } wanted && IsOf(wanted, "pt");

    private static bool IsOf(string language, string primary) =>
        language.Equals(primary, StringComparison.OrdinalIgnoreCase) || language.StartsWith(primary + "-", StringComparison.OrdinalIgnoreCase);
}
