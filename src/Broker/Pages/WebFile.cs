using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace WebMessenger.Broker.Pages;

/// <summary>One file of the browser client, in every coding it can be sent in; which one goes out, the request decides.</summary>
/// <remarks>Range, HEAD and the conditions of a request are ASP.NET Core's own work: each coding is a file result, made once.</remarks>
internal sealed class WebFile
{
    private readonly Coded[] _codings;
    private readonly string _cacheControl;

    /// <param name="codings">The smallest first: it is sent to whoever takes several equally gladly.</param>
    private WebFile(string cacheControl, Coded[] codings) => (_cacheControl, _codings) = (cacheControl, codings);

    /// <summary>
    /// A file on disk, read once: a file that is sent from there has a handle open for as long as its reader takes, and strangers could
    /// have any number of them. The build has put `….br` and `….gz` beside it where that saves something.
    /// </summary>
    public static WebFile OfDisk(string path, string contentType, string cacheControl)
    {
        var plainBytes = File.ReadAllBytes(path);
        var mark = Mark(plainBytes);
        var codings = new[] { AcceptEncoding.Brotli, AcceptEncoding.Gzip }
            .Select(coding => (Coding: coding, Path: path + Ending(coding)))
            .Where(coded => File.Exists(coded.Path))
            // A range of a coded file would be one of its coded bytes (RFC 9110, 14.2): whoever asks for it gets the whole file.
            .Select(coded => new Coded(coded.Coding, OfBytes(File.ReadAllBytes(coded.Path), coded.Coding, hasRanges: false)));
        Coded plain = new(AcceptEncoding.Identity, OfBytes(plainBytes, AcceptEncoding.Identity, hasRanges: true));
        return new WebFile(cacheControl, [.. codings, plain]);

        FileContentHttpResult OfBytes(byte[] bytes, string coding, bool hasRanges) =>
            TypedResults.Bytes(bytes.AsMemory(), contentType, entityTag: Tag(mark, coding), enableRangeProcessing: hasRanges);
    }

    /// <summary>A small text that is made at start, and compressed then.</summary>
    public static WebFile InMemory(byte[] content, string contentType, string cacheControl)
    {
        var mark = Mark(content);
        (string Coding, byte[] Bytes)[] codings =
        [
            (AcceptEncoding.Brotli, Brotli(content)), (AcceptEncoding.Gzip, Gzip(content)), (AcceptEncoding.Identity, content),
        ];
        return new WebFile(cacheControl,
        [
            .. codings
                .Where(coded => coded.Bytes == content || coded.Bytes.Length < content.Length)
                .Select(coded => new Coded(coded.Coding, OfBytes(coded.Bytes, coded.Coding))),
        ]);

        FileContentHttpResult OfBytes(byte[] bytes, string coding) => TypedResults.Bytes(bytes.AsMemory(), contentType, entityTag: Tag(mark, coding));
    }

    public Task AnswerAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.Vary = HeaderNames.AcceptEncoding;
        var accepted = AcceptEncoding.Of(context.Request.Headers.AcceptEncoding);
        if (_codings.MaxBy(coded => accepted.Quality(coded.Coding)) is not { } best || accepted.Quality(best.Coding) <= 0)
        {
            context.Response.StatusCode = StatusCodes.Status406NotAcceptable;
            return Task.CompletedTask;
        }

        // A cache must not keep for a year that a range was wrong: what is no answer of the file says nothing of how long it lasts.
        context.Response.OnStarting(() =>
        {
            if (context.Response.StatusCode is StatusCodes.Status200OK or StatusCodes.Status206PartialContent or StatusCodes.Status304NotModified)
            {
                headers.CacheControl = _cacheControl;
            }

            return Task.CompletedTask;
        });
        if (best.Coding != AcceptEncoding.Identity)
        {
            headers.ContentEncoding = best.Coding;
        }

        return best.Answer.ExecuteAsync(context);
    }

    /// <summary>One that the build made of another file: it is sent in place of that one, and has no address.</summary>
    public static bool IsCopy(string path) =>
        path.EndsWith(".br", StringComparison.Ordinal) || path.EndsWith(".gz", StringComparison.Ordinal);

    private static string Ending(string coding) => coding == AcceptEncoding.Brotli ? ".br" : ".gz";

    private static string Mark(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 12));

    // Two codings are two representations, and a cache must not take one's bytes for the other's (RFC 9110, 8.8.3.3).
    private static EntityTagHeaderValue Tag(string mark, string coding) =>
        new(coding == AcceptEncoding.Identity ? $"\"{mark}\"" : $"\"{mark}-{coding}\"");

    private static byte[] Brotli(byte[] content)
    {
        var coded = new byte[BrotliEncoder.GetMaxCompressedLength(content.Length)];
        return BrotliEncoder.TryCompress(content, coded, out var length, quality: 11, window: 22) ? coded[..length] : content;
    }

    private static byte[] Gzip(byte[] content)
    {
        using MemoryStream coded = new();
        using (GZipStream gzip = new(coded, CompressionLevel.SmallestSize))
        {
            gzip.Write(content);
        }

        return coded.ToArray();
    }

    private sealed record Coded(string Coding, IResult Answer);
}
