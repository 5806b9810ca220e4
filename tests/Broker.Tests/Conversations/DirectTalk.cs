using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Conversations;

/// <summary>What tests of conversations do: Ana and Bea, who talk to each other, and Caio, whom it does not concern.</summary>
internal sealed record DirectTalk(RunningBroker Broker, Member Ana, Member Bea, Member Caio)
{
    public const string Password = "correct horse battery staple";

    public LogName Log => LogName.OfConversation(Ana.Account.Id, Bea.Account.Id);

    public static async Task<DirectTalk> InAsync(RunningBroker broker)
    {
        await broker.RegisterAsync("first");
        return new DirectTalk(broker, await broker.RegisterAsync("ana", "Ana"), await broker.RegisterAsync("bea", "Béa"), await broker.RegisterAsync("caio"));
    }

    /// <summary>Returns the acknowledgement of what is published to the other's topic.</summary>
    public async Task<PubAck> PublishAsync(Member from, Member to, string payload, MqttVersion version = MqttVersion.V5, string? id = null)
    {
        await using var client = await Broker.ConnectAsync(from, version);
        return await client.PublishAsync("users/" + to.Account.UserName, payload, properties: id is null ? null : new MqttProperties { { "id", id } });
    }

    /// <summary>Returns the seq in the conversation.</summary>
    public async Task<long> SayAsync(Member from, Member to, string text)
    {
        var said = await PublishAsync(from, to, text);
        Assert.True(said.Accepted, said.ReasonString);
        return said.Seq;
    }

    /// <summary>Reads the conversation with somebody, as HTTP shows it to one of the two.</summary>
    public async Task<JsonElement> PageAsync(Member of, string with, string query = "?limit=500")
    {
        using var calls = Calls.As(Broker, of);
        return await calls.Get($"/api/conversations/{with}/events{query}");
    }

    public async Task<JsonElement[]> EventsAsync(Member of, string with) =>
        [.. (await PageAsync(of, with)).GetProperty("events").EnumerateArray()];

    public async Task<JsonElement[]> ListAsync(Member of, string query = "")
    {
        using var calls = Calls.As(Broker, of);
        return [.. (await calls.Get("/api/conversations" + query)).GetProperty("conversations").EnumerateArray()];
    }

    public async Task IgnoreAsync(Member who, Member whom, bool isOn = true) =>
        Assert.Equal(HttpStatusCode.NoContent, await ByCookieAsync(who, isOn ? HttpMethod.Put : HttpMethod.Delete, "/api/ignored/" + whom.Account.UserName));

    public async Task<HttpStatusCode> ByCookieAsync(Member who, HttpMethod method, string path)
    {
        using HttpClient http = new() { BaseAddress = Broker.Http };
        using HttpRequestMessage request = new(method, new Uri(path, UriKind.Relative));
        request.Headers.Add("Cookie", "webmessenger=" + (await Broker.SignInAsync(who.Account)).Secret);
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    /// <summary>A client that hears its account's inbox.</summary>
    public async Task<RawMqttClient> ListenAsync(Member who, MqttVersion version = MqttVersion.V5)
    {
        var client = await Broker.ConnectAsync(who, version);
        Assert.Equal([1], (await client.SubscribeAsync("users/" + who.Account.UserName)).ReasonCodes);
        return client;
    }

    /// <summary>All that the store has of the two, as text that can be printed.</summary>
    public string Stored()
    {
        var log = Broker.Get<IEventLog>();
        return string.Concat(new[] { Log, LogName.OfAccount(Ana.Account.Id), LogName.OfAccount(Bea.Account.Id) }
            .SelectMany(name => log.ReadAfter(name, 0, 1000).Entries)
            .SelectMany(entry => System.Text.Encoding.UTF8.GetString(entry.Body.Span)).Where(letter => !char.IsControl(letter)));
    }

    public static string Act(string type, long of, string rest = "") => $$"""{"type":"{{type}}","of":{{of}}{{rest}}}""";

    public static (string? Type, long Seq) Place(JsonElement @event) => (@event.Type(), @event.GetProperty("seq").GetInt64());
}
