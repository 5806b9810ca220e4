using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.Options;

namespace WebMessenger.Broker.Api;

/// <summary>Compresses the few answers that are long: what all in a room read, the list of rooms, the description of the API.</summary>
/// <remarks>
/// The length of a compressed answer tells whoever watches the wire what the answer has in common with a text of his choice, if he can have
/// it made over and over (BREACH). A list of rooms has private titles beside public ones, which anybody sets. So an answer to a cookie is
/// compressed only where the browser says that our own page asked for it. A page elsewhere can have a browser ask, the page of a neighbour
/// under the same domain even with the cookie, and learns nothing. Conversations, saved messages, what a search has found,
/// tokens and login sessions are never compressed: there a stranger's words stand beside those that are for one person.
/// <para>
/// An answer above <see cref="Longest"/>, which only a list of thousands of rooms is, is not compressed:
/// the line holds back who asks for it over and over.
/// </para>
/// </remarks>
internal static class CompressedAnswers
{
    /// <summary>In bytes, before compression.</summary>
    public const int Longest = 1024 * 1024;

    private static readonly Marked Mark = new();

    public static void AddServices(IServiceCollection services) => services
        .AddResponseCompression(options =>
        {
            options.EnableForHttps = true;
            options.MimeTypes = ["application/json"];
        })
        .AddSingleton<IResponseCompressionProvider, UpToLongest>()
        // Each is made for one request: a stronger level would cost the server more than it spares the line.
        .Configure<BrotliCompressionProviderOptions>(options => options.Level = CompressionLevel.Fastest)
        .Configure<GzipCompressionProviderOptions>(options => options.Level = CompressionLevel.Fastest);

    /// <summary>Behind routing, which finds the mark.</summary>
    public static void Use(IApplicationBuilder app) =>
        app.UseWhen(
            context => context.GetEndpoint()?.Metadata.GetMetadata<Marked>() is not null && /* guard: no compressed answer for a page elsewhere */ IsAskedByUs(context.Request),
            marked => marked.UseResponseCompression());

    public static TBuilder MayBeCompressed<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(Mark);

    /// <summary>No script can set this header. An old browser that does not send it gets its answers as they are.</summary>
    private static bool IsAskedByUs(HttpRequest request) =>
        request.Headers.Cookie.Count == 0 || request.Headers["Sec-Fetch-Site"] == "same-origin";

    private sealed class Marked;

    /// <summary>Asked at the first write, when an answer that was made whole has told its length.</summary>
    private sealed class UpToLongest(IServiceProvider services, IOptions<ResponseCompressionOptions> options)
        : ResponseCompressionProvider(services, options)
    {
        public override bool ShouldCompressResponse(HttpContext context) =>
            context.Response.ContentLength is not > Longest && base.ShouldCompressResponse(context);
    }
}
