using System.Net;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Api;

/// <summary>Metadata of calls about what devices say, which the node answers that has the data topics.</summary>
internal sealed class AtHomeOfData;

/// <summary>
/// In a house of several nodes: brings requests about what devices say to the node that has the data topics, as they came, and its answers
/// back. Who asks is looked at there, as here.
/// </summary>
internal sealed class RelayedRequests(DataHome home) : IDisposable
{
    /// <summary>Said by the node that a request came to, and believed of no other peer: the address, a space, the scheme.</summary>
    private const string ClientHeader = "WebMessenger-Client";

    private static readonly HashSet<string> _ofConnection = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "TE", "Trailer", "Content-Length", "Host", "Expect", ClientHeader,
        "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix",
    };

    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) => await home.OpenAsync(new PipePreface(PipeUse.Requests), cancellation) is { } pipe
            ? new PipeStream(pipe) : throw new IOException("No node has the data topics just now."),
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
    });

    /// <summary>Says of a request that another node has brought whose it is. Before anything asks.</summary>
    public static Task BelieveAsync(HttpContext context, RequestDelegate next)
    {
        var said = context.Request.Headers[ClientHeader].ToString();
        context.Request.Headers.Remove(ClientHeader);
        if ((/* guard: only another node says whose a request is */ context.Features.Get<FromNode>() is not null) && said.Split(' ') is [var address, var scheme])
        {
            context.Connection.RemoteIpAddress = IPAddress.TryParse(address, out var known) ? known : null;
            context.Request.Scheme = scheme;
        }

        return next(context);
    }

    /// <summary>Behind routing: brings it to where it is answered, unless that is here.</summary>
    public Task ServeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<AtHomeOfData>() is null)
        {
            return next(context);
        }

        // From node to node once, or they would hand it round while they do not agree on who has them.
        return context.Features.Get<FromNode>() is not null ? home.IsServing ? next(context) : Away(context)
            : home.IsHere ? next(context)
            : RelayAsync(context);
    }

    public void Dispose() => _client.Dispose();

    private static Task Away(HttpContext context) => Problems.NotAvailable(context).ExecuteAsync(context);

    private async Task RelayAsync(HttpContext context)
    {
        var request = context.Request;
        using HttpRequestMessage relayed = new(
            new HttpMethod(request.Method), new Uri("http://nodes" + request.PathBase.ToUriComponent() + request.Path.ToUriComponent() + request.QueryString.ToUriComponent()));
        if (request.ContentLength > 0 || request.Headers.TransferEncoding.Count > 0)
        {
            relayed.Content = new StreamContent(request.Body);
            relayed.Content.Headers.ContentLength = request.ContentLength;
        }

        foreach (var (name, values) in request.Headers)
        {
            if (!_ofConnection.Contains(name) && !relayed.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                relayed.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        relayed.Headers.Host = request.Host.Value;
        relayed.Headers.TryAddWithoutValidation(ClientHeader, $"{context.Connection.RemoteIpAddress} {request.Scheme}");
        try
        {
            using var answer = await _client.SendAsync(relayed, context.RequestAborted);
            await CopyAsync(answer, context);
        }
        catch (Exception error) when (error is HttpRequestException or IOException && !context.Response.HasStarted)
        {
            await Away(context);
        }
    }

    private static async Task CopyAsync(HttpResponseMessage answer, HttpContext context)
    {
        var response = context.Response;
        response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers))
        {
            // Of the security headers this node has set its own.
            if (!_ofConnection.Contains(name) && name != "Date" && name != "Server")
            {
                response.Headers[name] = values.ToArray();
            }
        }

        response.ContentLength = answer.Content.Headers.ContentLength;
        await using var body = await answer.Content.ReadAsStreamAsync(context.RequestAborted);
        await body.CopyToAsync(response.Body, context.RequestAborted);
    }
}
