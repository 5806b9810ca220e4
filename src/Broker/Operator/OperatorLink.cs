using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace WebMessenger.Broker.Operator;

/// <summary>A command's end of the operator's socket.</summary>
internal sealed class OperatorLink : IDisposable
{
    private readonly HttpClient _http;
    private Socket? _first;

    private OperatorLink(string dataFolder, Socket first)
    {
        _first = first;
        SocketsHttpHandler handler = new()
        {
            UseProxy = false,
            ConnectCallback = async (_, cancellation) => new NetworkStream(
                Interlocked.Exchange(ref _first, null) ?? await OperatorSocket.ConnectAsync(dataFolder, cancellation), ownsSocket: true),
        };

        // A ban or a snapshot takes what it takes; a server that goes ends the connection.
        _http = new HttpClient(handler) { BaseAddress = new("http://localhost"), Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Null: nobody answers there.</summary>
    public static async Task<OperatorLink?> OpenAsync(string dataFolder, CancellationToken cancellation)
    {
        try
        {
            return new(dataFolder, await OperatorSocket.ConnectAsync(dataFolder, cancellation));
        }
        catch (Exception error) when (error is SocketException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <exception cref="CommandException">The server has gone, or says that it will not.</exception>
    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class
    {
        using HttpRequestMessage request = new(HttpMethod.Get, path);
        return await ReadAsync(request, type, cancellation);
    }

    /// <exception cref="CommandException">The server has gone, or says that it will not.</exception>
    public async Task<T> PostAsync<TBody, T>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class
    {
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = JsonContent.Create(body, bodyType) };
        return await ReadAsync(request, type, cancellation);
    }

    /// <exception cref="CommandException">The server has gone, or says that it will not.</exception>
    public async Task DeleteAsync(string path, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Delete, path);
        using var response = await SendAsync(request, cancellation);
    }

    /// <summary>Has something made, and takes it as it comes. What fails on the way fails here.</summary>
    /// <param name="told">How many bytes came by now.</param>
    /// <exception cref="CommandException">The server has gone, or says that it will not.</exception>
    public async Task DownloadAsync<TBody>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, Stream target, Action<long> told, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = JsonContent.Create(body, bodyType) };
        using var response = await SendAsync(request, cancellation);
        await using var source = await response.Content.ReadAsStreamAsync(cancellation);
        var piece = new byte[64 * 1024];
        for (var bytes = 0L; await ReadAsync() is > 0 and var length; told(bytes += length))
        {
            await target.WriteAsync(piece.AsMemory(0, length), cancellation);
        }

        async Task<int> ReadAsync()
        {
            try
            {
                return await source.ReadAsync(piece, cancellation);
            }
            catch (Exception error) when (error is HttpRequestException or IOException)
            {
                throw new CommandException("The server could not write all of it: its log says why.", error);
            }
        }
    }

    /// <summary>Has it done, and gives the lines that the server says meanwhile. The server goes on until <paramref name="lines"/> has
    /// ended.</summary>
    /// <exception cref="CommandException">The server has gone, or says that it will not.</exception>
    /// <param name="content">What the server is given; null: nothing.</param>
    public async Task FollowAsync<T>(
        string path, JsonTypeInfo<T> type, Func<Func<Task<T>>, Task> lines, CancellationToken cancellation, HttpContent? content = null)
        where T : class
    {
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = content };
        using var response = await SendAsync(request, cancellation);
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync(cancellation));
        await lines(async () =>
        {
            try
            {
                return await reader.ReadLineAsync(cancellation) is { } line && JsonSerializer.Deserialize(line, type) is { } said
                    ? said
                    : throw Gone();
            }
            catch (IOException)
            {
                throw Gone();
            }
        });
    }

    public void Dispose()
    {
        _http.Dispose();
        _first?.Dispose();
    }

    private async Task<T> ReadAsync<T>(HttpRequestMessage request, JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class
    {
        using var response = await SendAsync(request, cancellation);
        try
        {
            return await response.Content.ReadFromJsonAsync(type, cancellation) ?? throw OtherVersion();
        }
        catch (IOException)
        {
            throw Gone();
        }
        catch (JsonException)
        {
            throw OtherVersion();
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (HttpRequestException error)
        {
            // A server from before HTTP answers in other words.
            throw error.HttpRequestError == HttpRequestError.InvalidResponse ? OtherVersion() : Gone();
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw await WhyAsync(response);
        }
    }

    private static async Task<CommandException> WhyAsync(HttpResponseMessage response)
    {
        try
        {
            var problem = await response.Content.ReadFromJsonAsync(OperatorJson.Default.OperatorProblem);
            return problem?.Detail is { } detail ? new(detail) : HasFailed(response) ? Failed() : OtherVersion();
        }
        catch (JsonException) when (HasFailed(response))
        {
            return Failed();
        }
        catch (Exception error) when (error is JsonException or HttpRequestException or IOException)
        {
            return Gone();
        }
    }

    private static bool HasFailed(HttpResponseMessage response) => response.StatusCode >= HttpStatusCode.InternalServerError;

    private static CommandException Failed() => new("The server could not do it: its log says why.");

    private static CommandException OtherVersion() => new("The server is of another version than this program.");

    private static CommandException Gone() => new("The server stopped meanwhile. Try again.");
}
