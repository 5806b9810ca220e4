using WebMessenger.Broker.Pages;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>
/// RFC 9110, 12.5.3: what a request's words mean for br, gzip and identity, in this order, which is also the server's own.
/// </summary>
public sealed class AcceptEncodingTests
{
    [Theory]
    // As browsers and programs say it.
    [InlineData("gzip, deflate, br, zstd", "br gzip identity")]
    [InlineData("gzip, deflate", "gzip identity")]
    [InlineData("deflate", "identity")]
    [InlineData("identity", "identity")]
    [InlineData(null, "identity")]
    [InlineData("", "identity")]
    [InlineData("   ", "identity")]
    // Qualities and their order.
    [InlineData("br;q=0.5, gzip;q=0.8", "gzip br identity")]
    [InlineData("br;q=0.5, gzip; Q=0.5", "br gzip identity")]
    [InlineData("gzip;q=1.000, br;q=0.001", "gzip br identity")]
    [InlineData("identity, br;q=0.5", "identity br")]
    [InlineData("br;q=0.5", "br identity")]
    [InlineData("br;q=0", "identity")]
    [InlineData("br;q=0.000, gzip", "gzip identity")]
    // Anything.
    [InlineData("*", "br gzip identity")]
    [InlineData("*;q=0.5, br;q=0", "gzip identity")]
    [InlineData("gzip, *;q=0.1", "gzip br identity")]
    // Nothing, or all but what is refused.
    [InlineData("*;q=0", "")]
    [InlineData("identity;q=0", "")]
    [InlineData("identity;q=0, br", "br")]
    [InlineData("identity;q=0, *", "br gzip")]
    [InlineData("*;q=0, gzip", "gzip")]
    [InlineData("*;q=0, identity", "identity")]
    // Names without regard to case, an old one, and parts of names.
    [InlineData("BR, GZip", "br gzip identity")]
    [InlineData("x-gzip", "gzip identity")]
    [InlineData("brotli, gzipped, xbr", "identity")]
    // Empty places in a list mean nothing (RFC 9110, 5.6.1.2).
    [InlineData(", br, ,gzip,", "br gzip identity")]
    // What cannot be read names nothing.
    [InlineData("br;q=2", "identity")]
    [InlineData("br;q=-1", "identity")]
    [InlineData("br;q=much", "identity")]
    [InlineData(",,;,", "identity")]
    [InlineData(";q=1", "identity")]
    [InlineData("br gzip", "identity")]
    [InlineData("\0", "identity")]
    [InlineData("br;q=x, gzip", "identity")]
    public void Fault_P18_Codings_are_taken_in_the_order_that_the_request_names(string? header, string expected)
    {
        var accepted = AcceptEncoding.Of(header);

        var inOrder = new[] { AcceptEncoding.Brotli, AcceptEncoding.Gzip, AcceptEncoding.Identity }
            .Where(coding => accepted.Quality(coding) > 0)
            .OrderByDescending(accepted.Quality);
        Assert.Equal(expected, string.Join(' ', inOrder));
    }
}
