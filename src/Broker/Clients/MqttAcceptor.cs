using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Server;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Transports;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// Where every MQTT connection arrives, from Kestrel's listeners and from the WebSocket endpoint, and is handed to MQTTnet.
/// </summary>
internal sealed partial class MqttAcceptor(ConnectionServices services) : ConnectionHandler, IMqttServerAdapter
{
    /// <summary>MQTTnet is started a moment after Kestrel listens; who connects in between waits this long at most.</summary>
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(5);

    /// <summary>After the end of a connection its peer has this long to take what was written to it.</summary>
    private static readonly TimeSpan LingerTime = TimeSpan.FromSeconds(1);

    /// <summary>A WebSocket may send so many seconds' worth of frames at once.</summary>
    private const int FrameSeconds = 4;

    /// <summary>What is at the store when a client is to leave may be answered for so long.</summary>
    public static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(3);

    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isStopping;

    public Func<IMqttChannelAdapter, Task>? ClientHandler { get; set; }

    /// <summary>Completes when connections are served.</summary>
    public Task Started => _started.Task;

    /// <summary>The program stops: whoever comes is to come elsewhere, or later.</summary>
    public bool IsStopping => _isStopping;

    public bool IsServing => _started.Task.IsCompletedSuccessfully && !_isStopping;

    public Task StartAsync(MqttServerOptions options, IMqttNetLogger logger)
    {
        _started.TrySetResult();
        return Task.CompletedTask;
    }

    public Task StopAsync() => Task.CompletedTask;

    public void Dispose()
    {
        // Owns nothing.
    }

    public override Task OnConnectedAsync(ConnectionContext connection) => MqttListener.ServeAsync(connection, ServeAsync);

    /// <summary>A WebSocket as a transport, read at the rate that the settings allow.</summary>
    /// <param name="cookie">The login session of a browser.</param>
    public WebSocketTransport Open(WebSocket socket, HttpContext context, LoginSession? cookie)
    {
        var perSecond = services.Limits.FramesPerSecond;
        RateBudget frames = new(perSecond, (int)Math.Min((long)perSecond * FrameSeconds, int.MaxValue), services.Time);
        return new(socket, context, cookie, frames, services.Time);
    }

    /// <summary>Serves one connection, which <see cref="ConnectionLimits"/> has counted in, until it is over.</summary>
    public async Task ServeAsync(Transport transport)
    {
        if (_isStopping)
        {
            transport.Abort();
            return;
        }

        try
        {
            await _started.Task.WaitAsync(StartTime);
            if (ClientHandler is not { } handler)
            {
                transport.Abort();
                return;
            }

            Client client = new(services, transport);
            services.Connections.Opened(client);
            _ = transport.Handed?.Leaving.ContinueWith(_ => client.SendElsewhereAsync(DrainTime), TaskScheduler.Default);
            try
            {
                await handler(new MqttNetChannel(client, services));
            }
            finally
            {
                // guard: nothing is left of a connection that is over
                client.Gone();
                await LingerAsync(client);
            }
        }
        catch (TimeoutException)
        {
            if (services.Refusals.Try("connections closed because MQTT has not started", transport.RemoteEndPoint?.Address))
            {
                LogNotStarted(services.Log);
            }

            transport.Abort();
        }
    }

    // What was said last (a refusing CONNACK, say) may leave; a peer that does not take it does not stay for that.
    private async Task LingerAsync(Client client)
    {
        var transport = client.Transport;
        if (!transport.Closed.IsCompleted)
        {
            await Task.WhenAny(transport.Closed, Task.Delay(LingerTime, services.Time));
        }

        if (client.WasRevoked)
        {
            transport.Abort();
        }
        else
        {
            transport.Close();
        }
    }

    /// <summary>Refuses what arrives from now on; lets publishes under way be answered; says goodbye to everybody.</summary>
    public async Task StopServingAsync()
    {
        _isStopping = true;
        services.Durable.BeginStop();
        await Task.WhenAll(services.Connections.All.Select(client => client.ShutDownAsync(DrainTime)));
    }

    /// <summary>
    /// Refuses what arrives from now on, and sends everybody who is here to another node:
    /// one after the other, lest all arrive there at once.
    /// </summary>
    /// <param name="stepDown">Gives up the data topics, so that another node has them when their clients come there. Not waited for beyond
    /// <see cref="DrainTime"/>.</param>
    /// <param name="over">Over which time.</param>
    public async Task SendElsewhereAsync(Func<Task> stepDown, TimeSpan over)
    {
        _isStopping = true;
        services.Durable.BeginStop();
        await Task.WhenAny(stepDown(), Task.Delay(DrainTime, services.Time));
        var clients = services.Connections.All.ToArray();
        Random.Shared.Shuffle(clients);
        await Task.WhenAll(clients.Select(async (client, place) =>
        {
            await Task.Delay(over * place / clients.Length, services.Time);
            await client.SendElsewhereAsync(DrainTime);
        }));
    }

    [LoggerMessage(3010, LogLevel.Error, "A connection was closed because MQTT has not started")]
    private static partial void LogNotStarted(ILogger log);
}
