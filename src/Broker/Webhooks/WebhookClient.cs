using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using WebMessenger.Broker.Limits;
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
/// later leads nowhere. Redirects are not followed, and no proxy of the machine's settings is asked. Each call has a connection of its
/// own, which is closed before the call returns: so whoever counts the calls (<see cref="Turns"/>) has counted the sockets. Thread-safe.
/// </remarks>
internal sealed class WebhookClient(BrokerSettings settings, BrokerLimits limits, NameLookups names, TimeProvider time)
{
    /// <summary>From the look-up of the name to the head of the answer.</summary>
    public TimeSpan Patience { get; } = TimeSpan.FromSeconds(limits.WebhookSeconds == 0 ? 60 : limits.WebhookSeconds);

    /// <summary>To be entered before a call, by the account for which it is made.</summary>
    public FairTurns Turns { get; } = new(
        /* guard: webhooks that are called at once */ limits.WebhooksAtOnce, /* guard: webhooks of an account that are called at once */ limits.WebhooksAtOncePerAccount);

    /// <param name="account">For which it is made.</param>
    /// <param name="messageId">The same for each try, by which the other side knows what it has had.</param>
    public async Task<WebhookAnswer> PostAsync(Webhook webhook, string account, string messageId, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using HttpRequestMessage request = new(HttpMethod.Post, webhook.Url) { Content = new ReadOnlyMemoryContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
        request.Headers.UserAgent.ParseAdd("WebMessenger");
        request.Headers.Add("webhook-id", messageId);
        request.Headers.Add("webhook-timestamp", timestamp);
        request.Headers.Add("webhook-signature", webhook.Sign(messageId, timestamp, body.Span));

        using CancellationTokenSource patience = new(Patience, time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        Socket? opened = null;
        try
        {
            using HttpMessageInvoker http = new(HandlerFor(account, socket => opened = socket, over.Token));

            // What it answers is not read: it may be endless.
            using var answer = await http.SendAsync(request, over.Token);
            return new WebhookAnswer(answer.IsSuccessStatusCode ? "" : string.Create(CultureInfo.InvariantCulture, $"http_{(int)answer.StatusCode}"));
        }
        catch (HttpRequestException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
        catch (Exception error) when (
            !cancellation.IsCancellationRequested && (error is OperationCanceledException || (error is HttpRequestException && patience.IsCancellationRequested)))
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
        finally
        {
            // The framework goes on with a handshake for a while when nobody waits for it any more. What opens now sees the cancellation.
            await over.CancelAsync();
            Interlocked.MemoryBarrier();
            opened?.Dispose();
        }
    }

    private SocketsHttpHandler HandlerFor(string account, Action<Socket> open, CancellationToken over) => new()
    {
        AllowAutoRedirect = /* guard: webhooks follow no redirects */ false,
        UseProxy = false,
        UseCookies = false,
        MaxResponseHeadersLength = 16,
        MaxResponseDrainSize = 0,
        PooledConnectionLifetime = TimeSpan.Zero,
        ConnectCallback = (context, _) => ConnectAsync(
            context.DnsEndPoint, context.InitialRequestMessage.RequestUri?.Scheme == Uri.UriSchemeHttps, account, open, over),
    };

    private async ValueTask<Stream> ConnectAsync(DnsEndPoint place, bool isEncrypted, string account, Action<Socket> open, CancellationToken over)
    {
        var addresses = IPAddress.TryParse(place.Host, out var literal) ? [literal] : await names.FindAsync(account, place.Host, over);
        if (addresses.Length == 0)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }

        // All of them: a name that also leads inside is not to be chosen by chance.
        var own = MachineNetworks.Now();
        if (!Array.TrueForAll(addresses, address => PublicAddress.MayBeCalled(address, isEncrypted, settings.WebhookNetworks, own)))
        {
            throw new NotPublicException();
        }

        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, place.Port, over);
            open(socket);
            Interlocked.MemoryBarrier();
            over.ThrowIfCancellationRequested();
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
