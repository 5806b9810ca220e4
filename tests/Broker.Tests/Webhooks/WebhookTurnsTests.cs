using System.Net;
using System.Net.Sockets;
using WebMessenger.Broker.Tests.Hooks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Webhooks;

namespace WebMessenger.Broker.Tests.Webhooks;

/// <summary>Addresses that take a connection and say nothing hold so many sockets of the server, and no more.</summary>
public sealed class WebhookTurnsTests
{
    private const string Webhooks = "/api/rooms/yard/webhooks";
    private const string Inside = "--WebMessenger:Webhooks:AllowedNetworks:0";
    private const string Patience = "--WebMessenger:Limits:WebhookSeconds";

    [Fact]
    public async Task Calls_that_nobody_answers_hold_so_many_sockets_and_the_rest_waits_in_turn_also_at_a_start()
    {
        using Silence silence = new();
        await using var broker = await RunningBroker.StartAsync(Inside, "127.0.0.1", Patience, "60", "--WebMessenger:Limits:WebhooksAtOnce", "1");
        var talk = await MessageTalk.InYardAsync(broker);
        await MadeAsync(broker, talk.Mod, silence.Address);
        await MadeAsync(broker, talk.Maker, silence.Address);
        await talk.SayAsync(talk.Bea, "one");
        await UntilAsync(broker, taken: 1, waiting: 1);
        await silence.AcceptAsync();
        Assert.Equal(1, silence.Open());

        // The next one comes when that one is over, which then waits for its turn again.
        silence.EndOldest();
        await silence.AcceptAsync();
        await UntilAsync(broker, taken: 1, waiting: 1);
        Assert.Equal(1, silence.Open());

        await broker.RestartAsync();
        await UntilAsync(broker, taken: 1, waiting: 1);
    }

    [Fact]
    public async Task A_test_waits_for_its_turn()
    {
        using Silence silence = new();
        await using var broker = await RunningBroker.StartAsync(Inside, "127.0.0.1", Patience, "60", "--WebMessenger:Limits:WebhooksAtOnce", "1");
        var talk = await MessageTalk.InYardAsync(broker);
        var id = await MadeAsync(broker, talk.Mod, silence.Address);
        await talk.SayAsync(talk.Bea, "one");
        await silence.AcceptAsync();
        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        var test = page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{Webhooks}/{id}/test");
        await UntilAsync(broker, taken: 1, waiting: 1);
        Assert.Equal(1, silence.Open());

        silence.Dispose();
        Assert.Equal("unreachable", (await test).GetProperty("why").GetString());
    }

    [Fact]
    public async Task An_account_has_so_many_calls_and_a_neighbour_is_told_meanwhile()
    {
        using Silence silence = new();
        await using var elsewhere = await Elsewhere.StartAsync();
        await using var broker = await RunningBroker.StartAsync(Inside, "127.0.0.1", Patience, "60", "--WebMessenger:Limits:WebhooksAtOncePerAccount", "1");
        var talk = await MessageTalk.InYardAsync(broker);
        foreach (var _ in Enumerable.Range(0, 3))
        {
            await MadeAsync(broker, talk.Mod, silence.Address);
        }

        await MadeAsync(broker, talk.Maker, elsewhere.Address);
        await talk.SayAsync(talk.Bea, "one");
        await talk.SayAsync(talk.Bea, "two");
        Assert.Equal(["one", "two"], (await elsewhere.HearAsync(2)).Select(call => call.Json.Text()));
        await UntilAsync(broker, taken: 1, waiting: 2);
        await silence.AcceptAsync();
        Assert.Equal(1, silence.Open());
    }

    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task A_call_that_nobody_answers_leaves_no_socket_behind(string scheme)
    {
        using Silence silence = new();
        await using var broker = await RunningBroker.StartAsync(Inside, "127.0.0.1", Patience, "1");
        var talk = await MessageTalk.InYardAsync(broker);
        var id = await MadeAsync(broker, talk.Mod, new UriBuilder(silence.Address) { Scheme = scheme }.Uri);
        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);

        var answer = await page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{Webhooks}/{id}/test");
        Assert.Equal("timeout", answer.GetProperty("why").GetString());
        await silence.AcceptAsync();
        await silence.HearTheEndAsync();
        Assert.Equal(0, broker.Get<WebhookClient>().Turns.Taken);
    }

    [Fact]
    public async Task A_test_for_which_there_is_no_turn_is_told_to_come_again()
    {
        await using var broker = await RunningBroker.StartAsync(Inside, "127.0.0.1", Patience, "1", "--WebMessenger:Limits:WebhooksAtOnce", "1");
        var talk = await MessageTalk.InYardAsync(broker);
        var id = await MadeAsync(broker, talk.Mod, new Uri("https://127.0.0.1:1/"));
        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        await page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{Webhooks}/{id}/test");

        using var turn = await broker.Get<WebhookClient>().Turns.EnterAsync("neighbour", TestContext.Current.CancellationToken);
        await page.Expect(HttpStatusCode.ServiceUnavailable, HttpMethod.Post, $"{Webhooks}/{id}/test");
    }

    [Fact]
    public async Task An_account_has_so_many_webhooks_made_or_switched_on()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:WebhooksPerAccount", "1");
        var talk = await MessageTalk.InYardAsync(broker);
        var mods = await MadeAsync(broker, talk.Mod, new Uri("https://example.org/1"));
        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        await page.Expect(HttpStatusCode.Conflict, HttpMethod.Post, Webhooks, new { name = "n", url = "https://example.org/2" });
        await page.Expect(HttpStatusCode.NoContent, HttpMethod.Post, $"{Webhooks}/{mods}/on");

        var makers = await MadeAsync(broker, talk.Maker, new Uri("https://example.org/3"));
        await page.Expect(HttpStatusCode.Conflict, HttpMethod.Post, $"{Webhooks}/{makers}/on");
        await page.Delete($"{Webhooks}/{mods}");
        await page.Expect(HttpStatusCode.NoContent, HttpMethod.Post, $"{Webhooks}/{makers}/on");
    }

    private static async Task<string> MadeAsync(RunningBroker broker, Member maker, Uri url)
    {
        using var page = await HookPost.PageOfAsync(broker, maker.Account);
        var made = await page.Expect(HttpStatusCode.Created, HttpMethod.Post, Webhooks, new { name = "Elsewhere", url = url.OriginalString });
        return made.GetProperty("id").GetString()!;
    }

    private static async Task UntilAsync(RunningBroker broker, int taken, int waiting)
    {
        var turns = broker.Get<WebhookClient>().Turns;
        for (var deadline = DateTime.UtcNow.AddSeconds(30); (turns.Taken, turns.Waiting) != (taken, waiting);)
        {
            Assert.True(DateTime.UtcNow < deadline, $"{turns.Taken} have a turn, {turns.Waiting} wait.");
            await Task.Yield();
        }
    }

    /// <summary>A server on loopback that takes connections and says nothing.</summary>
    private sealed class Silence : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Queue<Socket> _open = new();

        public Silence()
        {
            _listener.Start();
            Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
        }

        public Uri Address { get; }

        /// <summary>Connections that have come and were not ended here.</summary>
        public int Open()
        {
            while (_listener.Pending())
            {
                _open.Enqueue(_listener.AcceptSocket());
            }

            return _open.Count;
        }

        public async Task AcceptAsync() => _open.Enqueue(await _listener.AcceptSocketAsync(TestContext.Current.CancellationToken));

        /// <summary>Until the other side has closed the oldest.</summary>
        public async Task HearTheEndAsync()
        {
            var heard = new byte[4096];
            try
            {
                while (await _open.Peek().ReceiveAsync(heard, TestContext.Current.CancellationToken) > 0)
                {
                }
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
            {
                // It had not read all by then.
            }
        }

        public void EndOldest() => _open.Dequeue().Dispose();

        /// <summary>From now on it cannot be reached.</summary>
        public void Dispose()
        {
            _listener.Dispose();
            while (_open.TryDequeue(out var socket))
            {
                socket.Dispose();
            }
        }
    }
}
