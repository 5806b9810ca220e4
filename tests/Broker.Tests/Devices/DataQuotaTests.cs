using System.Net;
using System.Text;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Wire;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Who has something stored by data topics pays for it out of a day of its own.</summary>
public sealed class DataQuotaTests
{
    private const string Setting = "--WebMessenger:Limits:DataStoredBytesPerDayPerAccount";

    private static readonly string _kilobyte = new('x', 1_000);

    [Fact]
    public async Task Fault_S31_What_retained_values_grow_by_is_paid_by_who_sets_them()
    {
        await using var broker = await RunningBroker.StartAsync(Setting, "5000");
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls mod = new(broker, talk.Mod.Token), maker = new(broker, talk.Maker.Token);
        for (var number = 0; number < 20; number++)
        {
            // A sensor that says something else of the same length each time.
            Assert.Equal(HttpStatusCode.NoContent, await mod.PutAsync("same", _kilobyte[..990] + $"{number:D10}"));
        }

        Assert.InRange(broker.Get<DataQuotas>().Of(talk.Mod.Account).Used, 1_000, 1_200);
        Assert.Equal(HttpStatusCode.NoContent, await mod.PutAsync("a", _kilobyte));
        Assert.Equal(HttpStatusCode.NoContent, await mod.PutAsync("b", _kilobyte));
        Assert.Equal(HttpStatusCode.NoContent, await mod.PutAsync("c", _kilobyte));
        var refused = await mod.PutForAnswerAsync("d", Encoding.ASCII.GetBytes(_kilobyte));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
        Assert.Contains("quota", refused.Text, StringComparison.Ordinal);
        Assert.NotNull(refused.Headers.RetryAfter);

        // It may still set what is there, clear, say what nobody stores, and talk; and others have their own.
        Assert.Equal(HttpStatusCode.NoContent, await mod.PutAsync("same", _kilobyte));
        Assert.Equal(HttpStatusCode.NoContent, await mod.PutAsync("d", _kilobyte, more: "&retain=false"));
        Assert.Equal(HttpStatusCode.NoContent, await mod.DeleteAsync("a"));
        await talk.SayAsync(talk.Mod, _kilobyte);
        Assert.Equal(HttpStatusCode.NoContent, await maker.PutAsync("d", _kilobyte));

        await using var five = await broker.ConnectAsync(talk.Mod, MqttVersion.V5, "five");
        var answer = await five.PublishAsync("rooms/yard/data/e", _kilobyte, retain: true);
        Assert.Equal(ReasonCode.QuotaExceeded, answer.ReasonCode);
        Assert.Null(await mod.FindAsync("e"));
    }

    [Fact]
    public async Task Fault_S31_What_is_kept_for_who_is_away_is_paid_by_who_says_it()
    {
        await using var house = await Greenhouse.OnAsync(await RunningBroker.StartAsync(Setting, "5000"));
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Greenhouse.Data + "#", qos: 1);
        await using var device = await house.ConnectAsync(house.Ana, MqttVersion.V5);
        var said = 0;
        while (said < 10 && (await device.PublishAsync("rooms/greenhouse/data/t", _kilobyte)).ReasonCode < 0x80)
        {
            said++;
        }

        Assert.Equal(4, said);
    }

    [Fact]
    public async Task Fault_S31_What_was_used_of_the_day_is_used_after_a_restart()
    {
        await using var broker = await RunningBroker.StartAsync(Setting, "5000");
        var talk = await MessageTalk.InYardAsync(broker);
        using (DataCalls mod = new(broker, talk.Mod.Token))
        {
            Assert.Equal(HttpStatusCode.NoContent, await mod.PutAsync("a", _kilobyte));
        }

        await broker.RestartAsync();
        Assert.InRange(broker.Get<DataQuotas>().Of(talk.Mod.Account).Used, 1_000, 1_100);
        Assert.InRange(broker.Get<StorageQuotas>().Of(talk.Mod.Account).Used, 0, 999);
    }
}
