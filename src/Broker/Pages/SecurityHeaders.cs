using System.Globalization;
using System.Net;
using Microsoft.Extensions.Primitives;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Pages;

/// <summary>The headers that every answer carries: what a page may load, who may frame it, what it tells others.</summary>
internal sealed class SecurityHeaders(RequestDelegate next, BrokerSettings settings)
{
    // 'self' in connect-src covers the WebSocket of the same host and port (CSP 3, 6.7.2.8).
    // Svelte makes its templates through a Trusted Types policy of its own.
    private static readonly StringValues ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; worker-src 'self'; "
        + "manifest-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        + "trusted-types svelte-trusted-html webmessenger-worker webmessenger-service-worker";

    // JSON loads nothing, and each answer would carry the whole of it: a third of what most of them are on the wire.
    private static readonly StringValues PolicyOfAnswers = "default-src 'none'; frame-ancestors 'none'";

    // Without includeSubDomains and preload: what else lies under the name is not this program's to decide.
    private readonly StringValues _strictTransport = settings.StrictTransportDays == 0
        ? StringValues.Empty
        : string.Create(CultureInfo.InvariantCulture, $"max-age={settings.StrictTransportDays * 86400L}");

    public Task InvokeAsync(HttpContext context)
    {
        // Not before the answer starts: what handles a fault clears all headers first.
        context.Response.OnStarting(() => Set(context));
        return next(context);
    }

    private Task Set(HttpContext context)
    {
        var headers = context.Response.Headers;
        if (context.Request.IsHttps && _strictTransport.Count > 0 && IsName(context.Request.Host.Host))
        {
            // guard: https once is https from then on
            headers.StrictTransportSecurity = _strictTransport;
        }

        var isAnswer = context.Request.Path.StartsWithSegments("/api");

        // guard: content security policy
        // guard: markup runs nothing
        headers.ContentSecurityPolicy = isAnswer ? PolicyOfAnswers : ContentSecurityPolicy;
        if (/* guard: what others have put there runs nothing */ SandboxedAnswer.IsMarked(context))
        {
            headers.ContentSecurityPolicy = SandboxedAnswer.Policy;
        }

        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        // guard: frames, by X-Frame-Options
        headers.XFrameOptions = "DENY";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
        if (isAnswer)
        {
            // guard: answers are not kept (1)
            headers.CacheControl = "no-store";
        }

        return Task.CompletedTask;
    }

    // Browsers heed it for names only (RFC 6797, 8.1.1), and a localhost that must be https would break every other program at it.
    private static bool IsName(string host) =>
        HostName.Fold(host) is var name && name != "localhost" && !name.EndsWith(".localhost", StringComparison.Ordinal)
        && !IPAddress.TryParse(name, out _);
}
