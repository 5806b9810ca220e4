using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Hooks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Webhooks;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Webhooks;

/// <summary>What was posted elsewhere.</summary>
internal sealed record Call(string Path, string Id, string Timestamp, string Signature, string Body, bool Taken)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;
}

/// <summary>A program elsewhere, on loopback, that answers as the test wants.</summary>
internal sealed class Elsewhere : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly SemaphoreSlim _more = new(0);

    private Elsewhere(WebApplication app) => _app = app;

    public int Status { get; set; } = 200;

    /// <summary>Done before it answers.</summary>
    public Action? Meanwhile { get; set; }

    public ConcurrentQueue<Call> Heard { get; } = new();

    public Uri Address { get; private set; } = null!;

    public static async Task<Elsewhere> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        Elsewhere elsewhere = new(builder.Build());
        elsewhere._app.Run(elsewhere.AnswerAsync);
        await elsewhere._app.StartAsync();
        elsewhere.Address = new Uri(elsewhere._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single() + "/in");
        return elsewhere;
    }

    public Task<Call[]> HearAsync(int calls) => HearAsync(heard => heard.Length >= calls);

    public Task<Call[]> HearUntilAsync(Func<Call, bool> last) => HearAsync(heard => heard.Any(last));

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _more.Dispose();
    }

    private async Task<Call[]> HearAsync(Func<Call[], bool> isEnough)
    {
        while (!isEnough([.. Heard]))
        {
            Assert.True(await _more.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken), "Nothing more was posted.");
        }

        return [.. Heard];
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using StreamReader reader = new(context.Request.Body);
        string Header(string name) => context.Request.Headers[name].ToString();
        var status = Status;
        Meanwhile?.Invoke();
        Heard.Enqueue(new Call(
            context.Request.Path, Header("webhook-id"), Header("webhook-timestamp"), Header("webhook-signature"), await reader.ReadToEndAsync(), status == 200));
        context.Response.StatusCode = status;
        context.Response.Headers.Location = status == 302 ? "/elsewhere" : default;
        _more.Release();
    }
}
