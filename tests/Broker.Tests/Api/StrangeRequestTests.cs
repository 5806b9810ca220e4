using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>Whatever a stranger sends to whichever call: no answer is a fault of the server, and no trace is in its log.</summary>
public sealed class StrangeRequestTests
{
    private const string Strange = "\uFFFE";

    private static readonly (string Method, string Path, string Body)[] _calls =
    [
        ("POST", "/api/accounts", """{"email":"@@example.org","userName":"@","displayName":"@","password":"@ quiet place 42"}"""),
        ("PATCH", "/api/accounts/me",
            """{"email":"@@example.org","userName":"@","displayName":"@","password":"@","currentPassword":"@","endTokens":false}"""),
        ("DELETE", "/api/accounts/me", """{"currentPassword":"@"}"""),
        ("POST", "/api/session", """{"login":"@","password":"@"}"""),
        ("POST", "/api/session/guest", """{"nickname":"@"}"""),
        ("POST", "/api/tokens", """{"name":"@","rooms":["@"],"verbs":["@"],"expiresAt":"@"}"""),
        ("POST", "/api/tokens", """{"name":"@","mount":"@","topics":{"read":["@"],"write":["@"]}}"""),
        ("POST", "/api/tokens", """{"name":"x","mount":"lobby","topics":{"read":["@"],"write":["@"]}}"""),
        ("POST", "/api/password-links/look", """{"secret":"@"}"""),
        ("POST", "/api/password-links", """{"secret":"@","password":"@","endTokens":true}"""),
        ("POST", "/api/invites/look", """{"secret":"@"}"""),
        ("POST", "/api/invites", """{"secret":"@"}"""),
        ("POST", "/api/rooms/lobby/invites", """{"minutes":99999999999999999999,"uses":-1,"@":"@"}"""),
        ("DELETE", "/api/rooms/lobby/invites/@", ""),
        ("POST", "/api/rooms", """{"id":"@","title":"@","topic":"@","visibility":"@"}"""),
        ("PATCH", "/api/rooms/@", """{"title":"@","topic":"@","visibility":"@"}"""),
        ("PATCH", "/api/rooms/lobby", """{"title":"@","topic":"@","visibility":"@"}"""),
        ("PUT", "/api/rooms/lobby/read", """{"seq":99999999999999999999,"epoch":"@"}"""),
        ("PUT", "/api/whispers/read", """{"seq":-1,"epoch":"@"}"""),
        ("PUT", "/api/rooms/lobby/members/@", ""),
        ("DELETE", "/api/rooms/lobby/members/@", ""),
        ("DELETE", "/api/rooms/@", ""),
        ("DELETE", "/api/sessions/@", ""),
        ("DELETE", "/api/sessions?tokens=@", ""),
        ("DELETE", "/api/tokens/@", ""),
        ("GET", "/api/session", ""),
        ("GET", "/api/sessions", ""),
        ("GET", "/api/tokens", ""),
        ("GET", "/api/rooms", ""),
        ("GET", "/api/rooms/@", ""),
        ("GET", "/api/rooms/@/people", ""),
        ("GET", "/api/rooms/lobby/events?limit=@&before=@&after=@", ""),
        ("GET", "/api/rooms/lobby/events?limit=99999999999999999999&before=-1", ""),
        ("GET", "/api/whispers?limit=@&after=@", ""),
        ("GET", "/api/server?@=@", ""),
        ("GET", "/mqtt?@", ""),
        ("GET", "/@", ""),
        ("GET", "/p/@", ""),
        ("BREW", "/api/rooms", ""),
    ];

    private static readonly string[] _texts =
        ["x", Strange, "\uFFFF", "\uFDD0", "\0", "\u202E", "e" + new string('\u0301', 400), "\U0001FFFE", new string('x', 9000)];

    [Fact]
    public async Task Fault_S11_No_request_is_answered_as_a_fault_of_the_server_or_leaves_a_trace()
    {
        LogOfEverything log = new();
        await using var broker = await RunningBroker.StartAsync(log.TakeOver);
        var ana = await broker.RegisterAsync("ana");
        var cookie = $"Cookie: webmessenger={(await broker.SignInAsync(ana.Account)).Secret}\r\n";
        List<string> faults = [];
        var answered = 0;
        foreach (var (method, path, body) in _calls)
        {
            var plain = path.Replace("@", "x", StringComparison.Ordinal);
            foreach (var bytes in BodiesOf(body))
            {
                await AskAsync(method, plain, bytes, null);
            }

            foreach (var text in _texts)
            {
                var strange = Encoding.UTF8.GetBytes(body.Replace("@", Json(text), StringComparison.Ordinal));
                await AskAsync(method, path.Replace("@", Uri.EscapeDataString(text), StringComparison.Ordinal), strange, null);
            }

            foreach (var part in new[] { "%FF", "%ED%A0%80", "%00", "%2F%2E%2E%2F", "%EF%BF%BE", "%", "%C0%AF" })
            {
                await AskAsync(method, path.Replace("@", part, StringComparison.Ordinal), [], null);
            }

            if (body.Length > 0)
            {
                // Broken chunks, a length that does not come, two bodies, none of it JSON.
                const string chunked = "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n";
                var bytes = Encoding.UTF8.GetBytes(body);
                await AskAsync(method, plain, "zz\r\nnonsense\r\n"u8.ToArray(), chunked);
                await AskAsync(method, plain, "5\r\n{\"a\":"u8.ToArray(), chunked);
                await AskAsync(method, plain, bytes[..^1], $"Content-Length: {bytes.Length + 100}\r\nContent-Type: application/json\r\n");
                foreach (var type in new[] { "application/json; charset=utf-16", "application/json; charset=nonsense", ";;;" })
                {
                    await AskAsync(method, plain, bytes, $"Content-Length: {bytes.Length}\r\nContent-Type: {type}\r\n");
                }
            }
        }

        // Those that say what they are asked are answered, so that the others were not dropped at the door.
        Assert.True(answered > _calls.Length * 10, $"only {answered} were answered");
        Assert.Empty(faults);
        Assert.Empty(log.Alarms);

        async Task AskAsync(string method, string path, byte[] body, string? headers)
        {
            headers ??= body.Length > 0 ? $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n" : "";
            var head = $"{method} {path} HTTP/1.1\r\nHost: {broker.Http.Authority}\r\n{cookie}Connection: close\r\n{headers}\r\n";
            var status = await StatusAsync(broker.Http, head, body);
            answered += status > 0 ? 1 : 0;
            if (status >= 500)
            {
                faults.Add($"{status} {method} {path} {headers} {Convert.ToHexString(body.AsSpan(0, Math.Min(64, body.Length)))}");
            }
        }
    }

    [Fact]
    public async Task Fault_S11_A_body_that_does_not_arrive_whole_is_said_to_be_so()
    {
        await using var broker = await RunningBroker.StartAsync();
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, broker.Http.Port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(
            $"POST /api/session HTTP/1.1\r\nHost: {broker.Http.Authority}\r\nContent-Type: application/json\r\n"
            + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\nnonsense\r\n"), TestContext.Current.CancellationToken);

        using StreamReader reader = new(stream, Encoding.Latin1);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Contains("\"broken_body\"", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Strange)]
    [InlineData("\uFFFF")]
    [InlineData("\U0001FFFE")]
    public async Task Fault_S11_A_CONNECT_with_a_character_that_is_none_is_refused_with_a_word(string text)
    {
        LogOfEverything log = new();
        await using var broker = await RunningBroker.StartAsync(log.TakeOver);
        var ana = await broker.RegisterAsync("ana");
        await using var good = await broker.ConnectAsync(ana);

        await using var strange = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V5);
        var answer = await strange.ConnectAsync("ana" + text, text, clientId: "c");

        Assert.Equal(0x86, answer.ReasonCode);
        Assert.Empty(log.Alarms);
    }

    [Fact]
    public async Task Fault_S11_A_thousand_refusals_are_a_line_and_not_a_thousand()
    {
        LogOfEverything log = new();
        await using var broker = await RunningBroker.StartAsync(log.TakeOver);
        for (var number = 0; number < 1000; number++)
        {
            await using var stranger = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V5);
            await stranger.SendAsync(new byte[] { 0xE0, 0x00 });
            await stranger.WaitForCloseAsync();
        }

        Assert.Single(log.Lines, line => line.Contains("is closed: 0x", StringComparison.Ordinal));
    }

    private static IEnumerable<byte[]> BodiesOf(string good)
    {
        if (good.Length == 0)
        {
            yield break;
        }

        var first = good.IndexOf(':', StringComparison.Ordinal) + 1;
        string[] values =
        [
            "\"\\ud800\"", "\"\\udfff\\ud800\"", "\"\\uFFFE\"", "\"\\u0000\"",
            "5e999", "-0", "1e400", "true", "[[[]]]", "{\"a\":{}}", new string('[', 5000), "\"x",
        ];
        foreach (var value in values)
        {
            yield return Encoding.UTF8.GetBytes(good[..first] + value + ",\"\\ud800\":1," + good[1..]);
            yield return Encoding.UTF8.GetBytes(good[..first] + value + "," + good[1..]);
        }

        yield return Encoding.Unicode.GetBytes(good);
        yield return [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(good)];
        yield return Encoding.Latin1.GetBytes(good.Replace("@", "\u00ff\u00fe\u00c0", StringComparison.Ordinal));
        yield return [0];
        yield return Encoding.UTF8.GetBytes("\"\\ud800\"");
    }

    private static string Json(string text)
    {
        var quoted = System.Text.Json.JsonSerializer.Serialize(text);
        return quoted[1..^1];
    }

    /// <summary>0: closed without an answer, as a connection that broke off its own request may be.</summary>
    private static async Task<int> StatusAsync(Uri server, string head, byte[] body)
    {
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, server.Port);
        await using var stream = client.GetStream();
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(head));
            await stream.WriteAsync(body);
            if (body.Length > 0 && !head.Contains($"Length: {body.Length}\r\n", StringComparison.Ordinal))
            {
                // The body breaks off.
                client.Client.Shutdown(SocketShutdown.Send);
            }

            using StreamReader reader = new(stream, Encoding.Latin1);
            var line = await reader.ReadLineAsync();
            await reader.ReadToEndAsync();
            return line?.Split(' ') is [_, var status, ..] ? int.Parse(status, CultureInfo.InvariantCulture) : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
