using System.Diagnostics;
using System.Globalization;
using System.Text;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using static WebMessenger.Broker.Tests.Devices.RetainedDisk;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>What retained values take and cost. Measured alone, by `-explicit only`: others in this process take memory as well.</summary>
public sealed class RetainedMemoryTests
{
    private const int Values = 100_000;

    [Theory(Explicit = true)]
    [InlineData("greenhouse/{0}/temperature", true)]
    [InlineData("home/room{0}/sensors/climate/temperature", false)]
    [InlineData("{0}", false)]
    public async Task A_value_takes_at_most_300_bytes_beside_its_own_and_a_hundred_thousand_are_found_in_a_second(string pattern, bool expires)
    {
        await using RetainedDisk disk = new(new BrokerLimits { RetainedPerRoom = 0 });
        var end = disk.Time.GetUtcNow().AddHours(1);
        Assert.True(await disk.Values.OpenAsync());
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var own = 0L;
        for (var number = 0; number < Values; number++)
        {
            var topic = string.Format(CultureInfo.InvariantCulture, pattern, number);
            own += Encoding.UTF8.GetByteCount(topic) + 4;
            await disk.Values.SetAsync(Message(topic, "21.5", qos: 0, expires: expires ? end : null));
            if (number % 1_000 == 0)
            {
                disk.Rooms.Sweep();
            }
        }

        disk.Rooms.Sweep();
        await disk.Rooms.SaveAsync();
        var beside = (GC.GetTotalMemory(forceFullCollection: true) - before - own) / (double)Values;
        var began = Stopwatch.GetTimestamp();
        var found = disk.Values.Match(DataFilter.All).Count();
        var took = Stopwatch.GetElapsedTime(began);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{pattern}: {beside:F0} bytes beside a value's own; {found} found in {took.TotalMilliseconds:F0} ms"));

        Assert.Equal(Values, found);
        Assert.InRange(beside, 1, 300);
    }
}
