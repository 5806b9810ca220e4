using System.Net;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>How a command comes.</summary>
public enum Way
{
    Mqtt5,
    Mqtt311,
    Http,
}

/// <summary>A refusal, as each way says it.</summary>
/// <param name="Code">MQTT 5 reason code.</param>
/// <param name="Notice">The code of the notice, and of the problem over HTTP.</param>
/// <param name="Problem">Over HTTP, where it is another.</param>
internal sealed record Refused(byte Code, string Notice, HttpStatusCode Status, string? Problem = null)
{
    public static Refused NotAllowed { get; } = new(0x87, "not_allowed", HttpStatusCode.Forbidden);

    public static Refused NoSuchRoom { get; } = new(0x87, "not_allowed", HttpStatusCode.NotFound, "no_such_room");

    public static Refused NoSuchEvent { get; } = new(0x83, "no_such_event", HttpStatusCode.NotFound);

    public static Refused IsRemoved { get; } = new(0x83, "removed", HttpStatusCode.Gone);

    public static Refused BadCommand { get; } = new(0x83, "bad_command", HttpStatusCode.BadRequest, "invalid_fields");

    public string Over(Way way) => way switch
    {
        Way.Mqtt5 => Mqtt5(Code),
        Way.Mqtt311 => Notice,
        _ => Http(Status, Problem ?? Notice),
    };

    public static string Mqtt5(byte code) => $"0x{code:X2}";

    public static string Http(HttpStatusCode status, string problem) => $"{(int)status} {problem}";
}

/// <summary>Somebody who says and does things in one of the three ways, and hears how he was answered.</summary>
internal sealed class Speaker : IAsyncDisposable
{
    public const string Done = "done";

    private readonly RunningBroker _broker;
    private readonly LoginSession _session;
    private readonly HttpClient _http;
    private RawMqttClient? _mqtt;
    private bool _hearsNotices;

    private Speaker(RunningBroker broker, Way way, LoginSession session, string header, string secret)
    {
        (_broker, Way, _session) = (broker, way, session);
        _http = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        _http.DefaultRequestHeaders.Add(header, secret);
    }

    public Way Way { get; }

    /// <summary>By the member's access token.</summary>
    public static async Task<Speaker> AsAsync(RunningBroker broker, Way way, Member member)
    {
        Speaker speaker = new(broker, way, broker.Get<AccessTokens>().FindBearer(member.Token)!, "Authorization", "Bearer " + member.Token);
        if (way != Way.Http)
        {
            speaker._mqtt = await broker.ConnectAsync(member, VersionOf(way));
            await speaker.HearNoticesAsync();
        }

        return speaker;
    }

    /// <summary>By the cookie of a browser; guests have nothing else.</summary>
    public static async Task<Speaker> InBrowserAsync(RunningBroker broker, Way way, Account account)
    {
        var browser = await broker.SignInAsync(account);
        var cookie = "webmessenger=" + browser.Secret;
        Speaker speaker = new(broker, way, browser.Session, "Cookie", cookie);
        if (way != Way.Http)
        {
            speaker._mqtt = await RawMqttClient.OverWebSocketAsync(
                broker.WebSocket, new WebSocketDoor(cookie, broker.Http.GetLeftPart(UriPartial.Authority)), VersionOf(way));
            Assert.Equal(0, (await speaker._mqtt.ConnectAsync()).ReasonCode);
            await speaker.HearNoticesAsync();
        }

        return speaker;
    }

    /// <summary>Publishes to a topic, or posts to the path that is the same, and tells what became of it.</summary>
    public async Task<string> DoAsync(string topic, string path, string payload, HttpMethod? method = null)
    {
        if (_mqtt is not null)
        {
            var before = LastRefusal;
            var answer = await _mqtt.PublishAsync(topic, payload);
            return Way == Way.Mqtt5 ? answer.Accepted ? Done : Refused.Mqtt5(answer.ReasonCode) : RefusalSince(before);
        }

        using HttpRequestMessage request = new(method ?? HttpMethod.Post, new Uri(path, UriKind.Relative));
        request.Content = new StringContent(payload, Encoding.UTF8, "application/json");
        using var sent = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        if (sent.IsSuccessStatusCode)
        {
            return Done;
        }

        var problem = JsonDocument.Parse(await sent.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
        return Refused.Http(sent.StatusCode, problem.GetProperty("code").GetString()!);
    }

    /// <summary>Publishes an empty payload at QoS 0, which only a notice answers.</summary>
    public async Task<string> TypeAsync(string topic)
    {
        var before = LastRefusal;
        await _mqtt!.SendPublishAsync(topic, default);
        await _mqtt.PingAsync();
        return RefusalSince(before);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_mqtt is not null)
        {
            await _mqtt.DisposeAsync();
        }
    }

    private static MqttVersion VersionOf(Way way) => way == Way.Mqtt5 ? MqttVersion.V5 : MqttVersion.V311;

    private LastRefusal? LastRefusal => _broker.Get<PublishRefusals>().LastOf(_session);

    // A token that may not read hears no notice: the page of tokens tells of it all the same.
    private async Task HearNoticesAsync() =>
        _hearsNotices = (await _mqtt!.SubscribeAsync("users/" + _session.Account.UserName)).ReasonCodes is [1];

    private string RefusalSince(LastRefusal? before)
    {
        var heard = _mqtt!.AlreadyHere().Select(publish => publish.Json).Where(one => one.Type() == "notice")
            .Select(notice => notice.GetProperty("code").GetString()!).SingleOrDefault();
        var noted = LastRefusal is { } last && last != before ? last.Code : null;
        Assert.True(!_hearsNotices || heard == noted, $"The notice said {heard}, and the page of tokens {noted}.");
        return noted ?? Done;
    }
}
