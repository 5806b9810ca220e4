using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using WebMessenger.Cluster.Nodes;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Tests.Nodes;

/// <summary>Who comes to the port of the nodes and is none of them has little there, and keeps no node out.</summary>
public sealed class SiloDoorTests : IDisposable
{
    private readonly NodeFiles _files = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sockets_that_say_nothing_are_few_and_end_within_seconds_and_a_node_comes_in_beside_them(bool isEncrypted)
    {
        await using var house = await House.OpenAsync();
        using Lines lines = new();
        using var loggers = LoggerFactory.Create(builder => builder.AddProvider(lines));
        var port = House.FreePort();
        var first = await house.AddAsync(options: own => Of(own, "first") with { Port = port }, loggers: loggers);
        first.Links.Answer(NodeTopic.Figures, (_, asked) => Task.FromResult(asked));
        await first.Links.StartAsync().SoonAsync();
        List<TcpClient> sockets = [];
        for (var i = 0; i < 200; i++)
        {
            TcpClient client = new();
            await client.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
            sockets.Add(client);
        }

        var since = Stopwatch.GetTimestamp();
        await Until.TrueAsync(() => sockets.Count(IsOpen) <= SiloDoor.NewcomersAtOnce);
        Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, SiloDoor.Patience - TimeSpan.FromSeconds(1));

        var second = await house.AddAsync(options: own => Of(own, "second"));
        await second.Links.StartAsync().SoonAsync();
        var answer = await second.Links.AskAsync(first.Name, NodeTopic.Figures, new byte[] { 7 }, TestContext.Current.CancellationToken);
        Assert.Equal(7, answer.Span[0]);

        await Until.TrueAsync(() => !sockets.Exists(IsOpen));

        // Those of the nodes stay for longer than a newcomer has.
        await Until.TrueAsync(() => Stopwatch.GetElapsedTime(since) > SiloDoor.Patience + TimeSpan.FromSeconds(2));
        answer = await second.Links.AskAsync(first.Name, NodeTopic.Figures, new byte[] { 8 }, TestContext.Current.CancellationToken);
        Assert.Equal(8, answer.Span[0]);
        Assert.Single(lines.All, line => line.Contains("port of the nodes", StringComparison.Ordinal));
        Assert.DoesNotContain(lines.All, line => line.Contains("handshake", StringComparison.OrdinalIgnoreCase));
        sockets.ForEach(client => client.Dispose());

        NodeOptions Of(NodeOptions own, string name) => isEncrypted ? _files.Sign(own, name) : own;
    }

    public void Dispose() => _files.Dispose();

    private static bool IsOpen(TcpClient client)
    {
        // The node says who it is at once, where there are no certificates.
        var said = new byte[4096];
        try
        {
            while (client.Client.Poll(0, SelectMode.SelectRead))
            {
                if (client.Client.Receive(said) == 0)
                {
                    return false;
                }
            }

            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = [];

        public IEnumerable<string> All => _lines;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                _lines.Enqueue(formatter(state, exception));
            }
        }

        public void Dispose()
        {
            // It has nothing.
        }
    }
}
