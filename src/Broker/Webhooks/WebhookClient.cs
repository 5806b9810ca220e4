using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Webhooks;

/// <summary>Why an address elsewhere was not told. Empty: it was.</summary>
/// <param name="Why">`http_404` and the like, `timeout`, `unreachable`, `not_public`, `tls`.</param>
internal readonly record struct WebhookAnswer(string Why)
{
    public bool IsTaken => Why.Length == 0;
}

/// <summary>Posts to addresses elsewhere, and to no others than <see cref="PublicAddress"/> lets it.</summary>
/// <remarks>
/// A name is looked up, all that it leads to is looked at, and what was looked at is connected to: a name that leads elsewhere a moment
/// later leads nowhere. Redirects are not followed, and no proxy of the machine's settings is asked. Thread-safe.
/// </remarks>
internal sealed class WebhookClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly TimeProvider _time;

    public WebhookClient(BrokerSettings settings, BrokerLimits limits, TimeProvider time)
    {
        _time = time;
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = /* guard: webhooks follow no redirects */ false,
            UseProxy = false,
            UseCookies = false,
            MaxResponseHeadersLength = 16,
            MaxResponseDrainSize = 0,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            ConnectCallback = (context, cancellation) => ConnectAsync(
                context.DnsEndPoint, context.InitialRequestMessage.RequestUri?.Scheme == Uri.UriSchemeHttps, settings.WebhookNetworks, cancellation),
        };
        _http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(limits.WebhookSeconds == 0 ? 60 : limits.WebhookSeconds) };
    }

    public void Dispose() => _http.Dispose();

    /// <param name="messageId">The same for each try, by which the other side knows what it has had.</param>
    public async Task<WebhookAnswer> PostAsync(Webhook webhook, string messageId, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        var timestamp = _time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using HttpRequestMessage request = new(HttpMethod.Post, webhook.Url) { Content = new ReadOnlyMemoryContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
        request.Headers.UserAgent.ParseAdd("WebMessenger");
        request.Headers.Add("webhook-id", messageId);
        request.Headers.Add("webhook-timestamp", timestamp);
        request.Headers.Add("webhook-signature", webhook.Sign(messageId, timestamp, body.Span));
        try
        {
            // What it answers is not read: it may be endless.
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            return new WebhookAnswer(answer.IsSuccessStatusCode ? "" : string.Create(CultureInfo.InvariantCulture, $"http_{(int)answer.StatusCode}"));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new WebhookAnswer("timeout");
        }
        catch (HttpRequestException error)
        {
            return new WebhookAnswer(
                error is NotPublicException || error.InnerException is NotPublicException ? "not_public"
                : error.HttpRequestError == HttpRequestError.SecureConnectionError ? "tls"
                : "unreachable");
        }
    }

    private static async ValueTask<Stream> ConnectAsync(
        DnsEndPoint place, bool isEncrypted, IReadOnlyList<IPNetwork> allowed, CancellationToken cancellation)
    {
        var addresses = IPAddress.TryParse(place.Host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(place.Host, cancellation);

        // All of them: a name that also leads inside is not to be chosen by chance.
        var own = MachineNetworks.Now();
        if (addresses.Length == 0 || !Array.TrueForAll(addresses, address => PublicAddress.MayBeCalled(address, isEncrypted, allowed, own)))
        {
            throw new NotPublicException();
        }

        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, place.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The name leads to an address that is not to be called.</summary>
    private sealed class NotPublicException() : HttpRequestException("This address is not called.");
}
