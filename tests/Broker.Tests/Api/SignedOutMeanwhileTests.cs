using System.Net;
using System.Net.Sockets;
using System.Text;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>A request that is still being sent when its login session ends does nothing any more.</summary>
public sealed class SignedOutMeanwhileTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("POST", "/api/rooms", """{"id":"den","title":"Den"}""")]
    [InlineData("PUT", "/api/rooms/lobby/read", """{"seq":0}""")]
    [InlineData("POST", "/api/rooms/lobby/events", """{"type":"policy","topic":"Mine now"}""")]
    public async Task A_body_that_comes_after_the_token_was_revoked_changes_nothing(string method, string path, string body)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), ana.Account);

        // The same is done while the token lasts.
        var moderator = await broker.TokenAsync(ana.Account, verbs: Verbs.Everything);
        using (var allowed = await BeginAsync(broker, moderator, method, path, body))
        {
            Assert.InRange(await EndAsync(allowed, body), 200, 299);
        }

        var second = body.Replace("den", "den-2", StringComparison.Ordinal).Replace("Mine now", "Mine again", StringComparison.Ordinal);
        using var late = await BeginAsync(broker, moderator, method, path, second);
        foreach (var token in broker.Get<AccessTokens>().List(ana.Account))
        {
            await broker.Get<AccessTokens>().RevokeAsync(ana.Account, token.Id);
        }

        Assert.Equal((int)HttpStatusCode.Unauthorized, await EndAsync(late, second));
        Assert.Null(broker.Get<RoomDirectory>().Find("den-2"));
        Assert.NotEqual("Mine again", broker.Room("lobby").Record.Topic);
    }

    [Fact]
    public async Task No_token_comes_of_a_body_that_is_sent_after_the_logout()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var browser = await broker.SignInAsync(ana.Account);
        const string Body = """{"name":"stays"}""";
        using var late = await BeginAsync(broker, null, "POST", "/api/tokens", Body, browser.Secret);

        await broker.Get<LoginSessions>().EndAsync(browser.Session, RevocationReason.SignedOut);

        Assert.Equal((int)HttpStatusCode.Unauthorized, await EndAsync(late, Body));
        Assert.DoesNotContain(broker.Get<AccessTokens>().List(ana.Account), token => token.Device == "stays");

        // Nor by whoever was past that look; nor a room.
        Assert.True(RoomId.TryParse("den", out var den));
        Assert.Equal(
            RoomChange.NotAllowed, await broker.Get<RoomMaking>().CreateAsync(den, "Den", "", isPrivate: false, ana.Account, browser.Session));
        Assert.False((await broker.Get<AccessTokens>().CreateAsync(ana.Account, "stays", null, null, null, browser.Session)).TryGet(out _, out _));
    }

    // The headers, and half of the body, once the server has begun to read it.
    private static async Task<Socket> BeginAsync(RunningBroker broker, string? token, string method, string path, string body, string? cookie = null)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, broker.Http.Port, Cancellation);
        var credential = token is null ? $"Cookie: webmessenger={cookie}" : $"Authorization: Bearer {token}";
        var head = $"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{credential}\r\nContent-Type: application/json\r\n"
            + $"Expect: 100-continue\r\nContent-Length: {body.Length}\r\n\r\n";
        await socket.SendAsync(Encoding.ASCII.GetBytes(head), Cancellation);

        // Said when the body is first asked for: who is signed in was looked at by then.
        var buffer = new byte[256];
        var read = await socket.ReceiveAsync(buffer, Cancellation);
        Assert.StartsWith("HTTP/1.1 100", Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
        await socket.SendAsync(Encoding.ASCII.GetBytes(body[..3]), Cancellation);
        return socket;
    }

    private static async Task<int> EndAsync(Socket socket, string body)
    {
        await socket.SendAsync(Encoding.ASCII.GetBytes(body[3..]), Cancellation);
        var buffer = new byte[4096];
        var read = await socket.ReceiveAsync(buffer, Cancellation);
        return int.Parse(Encoding.ASCII.GetString(buffer, 0, read).Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
