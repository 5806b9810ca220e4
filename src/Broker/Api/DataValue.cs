using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Microsoft.Net.Http.Headers;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Pages;

namespace WebMessenger.Broker.Api;

/// <summary>One retained value: its bytes under its content type, and in such a way that no browser runs them here.</summary>
/// <remarks>
/// Whoever may publish chooses both. So what is no plain text or picture is a download in a sandbox, and what a page of ours could be
/// made to load as a script or style has a type that no browser takes for one.
/// </remarks>
internal sealed class DataValue(DataMessage value) : IResult
{
    /// <summary>Characters of a content type that is said again; devices may send longer ones.</summary>
    private const int LongestType = 255;

    private const string Text = "text/plain; charset=utf-8";
    private const string AnyBytes = "application/octet-stream";

    private static readonly HashSet<string> s_shown = new(
        ["text/plain", "text/csv", "application/json", "image/png", "image/jpeg", "image/gif", "image/webp"], StringComparer.OrdinalIgnoreCase);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        var contentType = TypeOf(DataProperties.ContentTypeOf(value.Properties.Span));
        var tag = TagOf();
        response.Headers.ETag = tag;
        response.Headers.LastModified = HeaderUtilities.FormatDate(value.At);
        SandboxedAnswer.Mark(httpContext);
        if (httpContext.Request.Headers.IfNoneMatch == tag)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = contentType;
        if (/* guard: values that a browser would run are downloads */ !IsShown(contentType))
        {
            response.Headers.ContentDisposition = "attachment";
        }

        response.ContentLength = value.Payload.Length;
        await response.Body.WriteAsync(value.Payload, httpContext.RequestAborted);
    }

    private string TypeOf(string? said) =>
        string.IsNullOrEmpty(said) ? (Utf8.IsValid(value.Payload.Span) ? Text : AnyBytes)
        : said.Length > LongestType || !Ascii.IsValid(said) || said.Any(char.IsControl) || !MediaTypeHeaderValue.TryParse(said, out var parsed) || (/* guard: values are no scripts and styles */ IsLoaded(parsed.MediaType.Value!)) ? AnyBytes
        : parsed.ToString();

    // All types that browsers take for scripts have it in their name.
    private static bool IsLoaded(string type) =>
        type.Contains("script", StringComparison.OrdinalIgnoreCase) || type.Equals("text/css", StringComparison.OrdinalIgnoreCase);

    private static bool IsShown(string type) => MediaTypeHeaderValue.TryParse(type, out var parsed) && s_shown.Contains(parsed.MediaType.Value!);

    private string TagOf()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(value.Properties.Span);
        hash.AppendData(value.Payload.Span);
        return $"\"{Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 12))}\"";
    }
}
