using Microsoft.Extensions.Primitives;

namespace WebMessenger.Broker.Hosting;

/// <summary>The headers that every answer carries: what a page may load, who may frame it, what it tells others.</summary>
internal sealed class SecurityHeaders(RequestDelegate next)
{
    // 'self' in connect-src covers the WebSocket of the same host and port (CSP 3, 6.7.2.8). Svelte makes its templates through a Trusted Types policy of its own.
    private static readonly StringValues ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; worker-src 'self'; "
        + "manifest-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        + "trusted-types svelte-trusted-html webmessenger-worker webmessenger-service-worker";

    public Task InvokeAsync(HttpContext context)
    {
        // Not before the answer starts: what handles a fault clears all headers first.
        context.Response.OnStarting(static context => Set((HttpContext)context), context);
        return next(context);
    }

    private static Task Set(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.XFrameOptions = "DENY";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
        if (context.Request.Path.StartsWithSegments("/api"))
        {
            headers.CacheControl = "no-store";
        }

        return Task.CompletedTask;
    }
}
