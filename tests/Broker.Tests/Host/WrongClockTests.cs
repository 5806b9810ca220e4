using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>
/// The whole program on a machine whose clock is wrong: nobody is signed out, nothing is lost, no time goes back within a room.
/// </summary>
public sealed class WrongClockTests
{
    [Theory]
    [InlineData(-40)]
    [InlineData(-3652)]
    [InlineData(20)]
    [InlineData(3652)]
    public async Task Fault_B13_A_start_with_a_clock_that_is_wrong_signs_nobody_out(int days)
    {
        JumpingClock machine = new(TimeProvider.System);
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var browser = await broker.SignInAsync(ana.Account);
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false });
        using var entered = await http.PostAsJsonAsync(new Uri(broker.Http, "/api/session/guest"), new { nickname = "Zoe" }, TestContext.Current.CancellationToken);
        var guest = entered.Headers.GetValues("Set-Cookie").First().Split(';')[0];
        await using (var kept = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311))
        {
            Assert.Equal(0, (await kept.ConnectAsync("ana", ana.Token, "kept", cleanStart: false)).ReasonCode);
            await kept.SubscribeAsync("rooms/lobby");
            Assert.True((await kept.PublishAsync("rooms/lobby", "before")).Accepted);
            await kept.DisconnectAsync();
            await kept.WaitForCloseAsync();
        }

        machine.Off = TimeSpan.FromDays(days);
        broker.MachineClock = machine;
        await broker.RestartAsync();
        await AllAreInAsync();

        // And the clock is set right, in a start later: what the wrong one left does no harm.
        machine.Off = TimeSpan.FromMinutes(1);
        await broker.RestartAsync();
        await AllAreInAsync();

        async Task AllAreInAsync()
        {
            Assert.Equal(0, await broker.Get<AccountChanges>().RemoveOldGuestsAsync());
            Assert.Equal(HttpStatusCode.OK, await StatusAsync($"webmessenger={browser.Secret}"));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(guest));
            await using var kept = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311);
            var answer = await kept.ConnectAsync("ana", ana.Token, "kept", cleanStart: false);
            Assert.Equal((0, true), (answer.ReasonCode, answer.SessionPresent));
            Assert.True((await kept.PublishAsync("rooms/lobby", "after")).Accepted);
            var times = await TimesAsync();
            Assert.Equal(times.Order(StringComparer.Ordinal), times);
            await kept.DisconnectAsync();
            await kept.WaitForCloseAsync();
        }

        async Task<List<string?>> TimesAsync()
        {
            using HttpRequestMessage request = new(HttpMethod.Get, new Uri(broker.Http, "/api/rooms/lobby/events"));
            request.Headers.Add("Cookie", $"webmessenger={browser.Secret}");
            using var got = await http.SendAsync(request, TestContext.Current.CancellationToken);
            using var page = JsonDocument.Parse(await got.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            return [.. page.RootElement.GetProperty("events").EnumerateArray().Select(@event => @event.GetProperty("at").GetString())];
        }

        async Task<HttpStatusCode> StatusAsync(string cookie)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, new Uri(broker.Http, "/api/session"));
            request.Headers.Add("Cookie", cookie);
            using var got = await http.SendAsync(request, TestContext.Current.CancellationToken);
            return got.StatusCode;
        }
    }
}
