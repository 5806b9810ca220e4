using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using WebMessenger.Load.Servers;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>A program elsewhere to which webhooks post.</summary>
internal sealed class Elsewhere : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<Post> _heard = new();
    private readonly SemaphoreSlim _more = new(0);

    public Elsewhere()
    {
        Address = new UriBuilder("http", "127.0.0.1", LastingPorts.Two().First, "/in").Uri;
        _listener.Prefixes.Add(Address.GetLeftPart(UriPartial.Authority) + "/");
        _listener.Start();
        _ = AnswerAllAsync();
    }

    public Uri Address { get; }

    /// <summary>What is answered from here on.</summary>
    public int Status { get; set; } = 200;

    /// <summary>The next that was posted, in its order.</summary>
    public async Task<Post> HearAsync()
    {
        Assert.True(await _more.WaitAsync(RawMqttClient.Patience, TestContext.Current.CancellationToken), "Nothing more was posted.");
        Assert.True(_heard.TryDequeue(out var post));
        return post;
    }

    public void Dispose()
    {
        _listener.Close();
        _more.Dispose();
    }

    private async Task AnswerAllAsync()
    {
        try
        {
            while (true)
            {
                var call = await _listener.GetContextAsync();
                using StreamReader reader = new(call.Request.InputStream);
                string Header(string name) => call.Request.Headers[name] ?? "";
                _heard.Enqueue(new Post(Header("webhook-id"), Header("webhook-timestamp"), Header("webhook-signature"), await reader.ReadToEndAsync()));
                call.Response.StatusCode = Status;
                call.Response.Close();
                _more.Release();
            }
        }
        catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
        {
            // The end of the test.
        }
    }
}

/// <param name="Signature">The header `webhook-signature`.</param>
internal sealed record Post(string Id, string Timestamp, string Signature, string Body)
{
    public JsonElement Json { get; } = JsonDocument.Parse(Body).RootElement;

    /// <summary>What is signed, by Standard Webhooks.</summary>
    public string Signed => string.Create(CultureInfo.InvariantCulture, $"{Id}.{Timestamp}.{Body}");
}
