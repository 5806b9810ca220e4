using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;

namespace WebMessenger.Broker.Api;

/// <summary>Compresses the few answers that are long: pages of a room's history, the list of rooms, the description of the API. (The pages' files are compressed when they are built.)</summary>
/// <remarks>
/// How long a compressed answer is tells somebody on the wire what it has in common with a text that he chose, if he can have it made over and over (BREACH). A list
/// of rooms has private titles beside public ones that anybody sets. So an answer to a cookie is compressed only where the browser says that our own page asked; a page elsewhere,
/// that of a neighbour under the same domain too, cannot have it made. Answers with a secret in them, whispers, tokens and login sessions are never marked.
/// </remarks>
internal static class CompressedAnswers
{
    private static readonly Marked Mark = new();

    public static void AddServices(IServiceCollection services) => services
        .AddResponseCompression(options =>
        {
            options.EnableForHttps = true;
            options.MimeTypes = ["application/json"];
        })
        // They are made for one request each: no more than a tenth of a millisecond for fifty messages.
        .Configure<BrotliCompressionProviderOptions>(options => options.Level = CompressionLevel.Fastest)
        .Configure<GzipCompressionProviderOptions>(options => options.Level = CompressionLevel.Fastest);

    /// <summary>Behind routing, which finds the mark.</summary>
    public static void Use(IApplicationBuilder app) =>
        app.UseWhen(context => context.GetEndpoint()?.Metadata.GetMetadata<Marked>() is not null && IsAskedByUs(context.Request), marked => marked.UseResponseCompression());

    public static TBuilder MayBeCompressed<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(Mark);

    /// <summary>Scripts can neither set nor change this header; an old browser that does not send it gets its answers as they are.</summary>
    private static bool IsAskedByUs(HttpRequest request) => request.Headers.Cookie.Count == 0 || request.Headers["Sec-Fetch-Site"] == "same-origin";

    private sealed class Marked;
}
