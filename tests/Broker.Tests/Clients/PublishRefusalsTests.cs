using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>Why a publish was refused, for people whose clients cannot say.</summary>
public sealed class PublishRefusalsTests
{
    [Theory]
    [InlineData(4, 1, true)]
    [InlineData(4, 0, true)]
    [InlineData(5, 0, true)]
    [InlineData(5, 1, false)]
    public async Task Fault_Q22_Who_is_refused_without_a_word_is_named_in_the_log_and_on_the_page_of_the_token(int level, byte qos, bool isNamed)
    {
        Lines lines = new();
        await using var broker = await RunningBroker.StartAsync(services => services.AddSingleton<ILogger<PublishRefusals>>(lines));
        var ana = await broker.RegisterAsync("ana");
        using HttpClient http = new() { BaseAddress = broker.Http };
        http.DefaultRequestHeaders.Add("Cookie", "webmessenger=" + (await broker.SignInAsync(ana.Account)).Secret);
        await using var client = await broker.ConnectAsync(ana, (MqttVersion)level, "sensor");
        await client.SendPublishAsync("rooms/lobby", "allowed"u8.ToArray(), qos, packetId: qos);
        await client.PingAsync();
        Assert.Equal(JsonValueKind.Null, (await LastRefusalAsync(http)).ValueKind);
        var topic = "rooms/nowhere/" + new string('x', 200);

        for (var i = 0; i < 3; i++)
        {
            await client.SendPublishAsync("rooms/nowhere", "refused"u8.ToArray(), qos, packetId: (ushort)(qos * (i + 2)));
        }

        await client.PingAsync();
        var refusal = await LastRefusalAsync(http);
        Assert.Equal(("sensor", "not_allowed", "rooms/nowhere"), (refusal.GetProperty("client").GetString(), refusal.GetProperty("code").GetString(), refusal.GetProperty("topic").GetString()));
        Assert.Contains("no such room", refusal.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.InRange(refusal.GetProperty("at").GetDateTimeOffset(), DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow);
        Assert.Equal(isNamed ? 1 : 0, lines.Count);
        Assert.All(lines, line => Assert.Equal((LogLevel.Information, true), (line.Level, line.Text.Contains("sensor", StringComparison.Ordinal) && line.Text.Contains("0x87", StringComparison.Ordinal))));
        Assert.DoesNotContain(lines, line => line.Text.Contains("refused\"", StringComparison.Ordinal));

        await client.SendPublishAsync(topic, "refused"u8.ToArray());
        await client.PingAsync();
        Assert.Equal(topic[..128] + "…", (await LastRefusalAsync(http)).GetProperty("topic").GetString());
    }

    [Fact]
    public async Task Fault_Q22_The_log_has_a_line_a_minute_of_whatever_accounts_and_a_client_is_named_once_and_so_many_of_an_account()
    {
        Lines lines = new();
        FakeTimeProvider time = new();
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await SessionAsync("ana"), await SessionAsync("bob"));
        Lines sums = new();
        using RefusalLog log = new(time, sums);
        PublishRefusals refusals = new(time, log, lines);

        for (var round = 1; round <= 2; round++)
        {
            for (var client = 0; client < 50; client++)
            {
                Assert.Equal(client < PublishRefusals.ClientsNamedAMinute, Note(ana, $"client {client}"));
                Assert.False(Note(ana, $"client {client}"));
                Assert.Equal(client < PublishRefusals.ClientsNamedAMinute, refusals.MayTellOfWill(ana.Account.Id, $"client {client}"));
                Assert.False(refusals.MayTellOfWill(ana.Account.Id, $"client {client}"));
            }

            Assert.True(Note(bob, "client 0"));
            Assert.Equal((round, round - 1), (lines.Count, sums.Count));
            time.Advance(TimeSpan.FromSeconds(59));
            refusals.Sweep();
            Assert.False(Note(bob, "client 0"));
            Assert.Equal(2, refusals.Count);
            time.Advance(TimeSpan.FromSeconds(1));
            refusals.Sweep();
            Assert.Equal(0, refusals.Count);
            Assert.StartsWith($"… refused publishes that no acknowledgement could tell of: {PublishRefusals.ClientsNamedAMinute} more", sums.Last().Text, StringComparison.Ordinal);
        }

        bool Note(LoginSession session, string clientId) => refusals.Note(session, clientId, 0x87, "not_allowed", "There is no such room.", "rooms/nowhere", isHeard: false);

        async Task<LoginSession> SessionAsync(string user) => (await broker.SignInAsync((await broker.RegisterAsync(user)).Account)).Session;
    }

    private static async Task<JsonElement> LastRefusalAsync(HttpClient http) =>
        Assert.Single((await http.GetFromJsonAsync<JsonElement>("/api/tokens")).GetProperty("tokens").EnumerateArray()).GetProperty("lastRefusal");

    private sealed class Lines : ConcurrentQueue<(LogLevel Level, string Text)>, ILogger<PublishRefusals>, ILogger<RefusalLog>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Enqueue((logLevel, formatter(state, exception)));
    }
}
