using WebMessenger.Broker.Devices;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>A publish is encoded once for all who get the same bytes, and its expiry is counted down.</summary>
public sealed class DataFramesTests
{
    private static readonly DateTimeOffset _now = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DataGrant _grant = new(1, false, []);

    [Fact]
    public void What_has_expired_is_not_delivered()
    {
        var frames = Frames(_now.AddSeconds(10));

        Assert.Same(frames.For(true, false, _grant, _now), frames.For(true, false, _grant, _now));
        Assert.NotNull(frames.For(true, false, _grant, _now.AddSeconds(9)));
        Assert.Null(frames.For(true, false, _grant, _now.AddSeconds(10)));
        Assert.Null(frames.For(false, true, _grant, _now.AddSeconds(11)));
    }

    [Fact]
    public void Each_version_QoS_flag_and_name_has_its_bytes_and_all_of_a_kind_share_them()
    {
        var frames = Frames(null);
        List<object?> all = [];
        foreach (var (isVersion5, isMounted, retain) in from a in (bool[])[true, false] from b in (bool[])[true, false] from c in (bool[])[true, false] select (a, b, c))
        {
            for (byte quality = 0; quality < 3; quality++)
            {
                DataGrant grant = new(quality, retain, []);
                all.Add(frames.For(isVersion5, isMounted, grant, _now));
                Assert.Same(all[^1], frames.For(isVersion5, isMounted, grant, _now));
            }
        }

        Assert.Equal(24, all.Distinct().Count());
        Assert.NotSame(frames.For(true, false, _grant with { SubscriptionIds = [1] }, _now), frames.For(true, false, _grant with { SubscriptionIds = [1] }, _now));
    }

    private static DataFrames Frames(DateTimeOffset? expiresAt) =>
        new(new DataMessage { Topic = "t", Payload = "p"u8.ToArray(), ExpiresAt = expiresAt, QualityOfService = 2 }, [.. "rooms/r/data/"u8]);
}
