using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Tests.Transports;

/// <summary>Who may have which sockets, and how many there are for all.</summary>
public sealed class OpenSocketsTests
{
    private static readonly IPAddress Newcomer = IPAddress.Parse("203.0.113.200");

    [Fact]
    public void Fault_S1_Eight_addresses_that_ask_for_everything_leave_places_for_who_comes_from_another()
    {
        var sockets = Sockets(1_024, new BrokerLimits { SocketsPerSecondPerAddress = 0 });
        var taken = new int[8];
        for (var i = 0; i < 4_000; i++)
        {
            if (sockets.TryEnter(IPAddress.Parse($"203.0.113.{i % 8}"), out _))
            {
                taken[i % 8]++;
            }
        }

        var room = HandleRoom.Of(1_024, new BrokerLimits()).Sockets;
        Assert.All(taken, held => Assert.InRange(held, room / 12, room / 8));
        Assert.Equal(taken.Sum(), sockets.Count);
        Assert.All(Enumerable.Range(0, 20), each => Assert.True(sockets.TryEnter(Newcomer, out _)));
    }

    [Fact]
    public void Fault_S1_One_address_has_a_third_of_all_or_its_limit()
    {
        var few = Sockets(1_024, new BrokerLimits { SocketsPerSecondPerAddress = 0 });
        var many = Sockets(20_000, new BrokerLimits { SocketsPerSecondPerAddress = 0 });

        Assert.InRange(Take(few, "203.0.113.7", 2_000), 165, 175);
        Assert.Equal(new BrokerLimits().SocketsPerAddress, Take(many, "203.0.113.7", 5_000));
        Assert.True(many.TryEnter(Newcomer, out _));

        many.Leave(IPAddress.Parse("203.0.113.7"));
        Assert.Equal(1, Take(many, "203.0.113.7", 10));
    }

    [Fact]
    public void Fault_S1_A_network_of_IPv6_does_not_have_the_places_of_65536_addresses()
    {
        var sockets = Sockets(20_000, new BrokerLimits { SocketsPerAddress = 10, SocketsPerSecondPerAddress = 0 });

        Assert.Equal(10, Take(sockets, "2001:db8:1:2::5", 50));
        Assert.Equal(0, Take(sockets, "2001:db8:1:2:ffff::6", 50));
        Assert.Equal(30, Enumerable.Range(10, 100).Sum(i => Take(sockets, $"2001:db8:1:{i}::1", 5)));
        Assert.Equal(10, Take(sockets, "2001:db8:2:2::5", 50));
    }

    [Fact]
    public void Fault_S1_An_address_opens_so_many_in_a_second()
    {
        FakeTimeProvider time = new();
        var sockets = Sockets(20_000, new BrokerLimits { SocketsPerSecondPerAddress = 5 }, time);

        Assert.Equal(200, Use(sockets, "203.0.113.7", 1_000));
        Assert.True(sockets.TryEnter(Newcomer, out _));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(5, Use(sockets, "203.0.113.7", 500));
    }

    [Fact]
    public void Fault_S1_A_socket_that_nobody_uses_costs_its_address_and_its_network_as_much_as_five()
    {
        FakeTimeProvider time = new();
        var sockets = Sockets(20_000, new BrokerLimits { SocketsPerSecondPerAddress = 5 }, time);

        Assert.Equal(40, Take(sockets, "203.0.113.7", 500));
        time.Advance(TimeSpan.FromSeconds(60));
        for (var i = 0; i < 40; i++)
        {
            sockets.Leave(IPAddress.Parse("203.0.113.7"));
        }

        Assert.Equal(40, Take(sockets, "203.0.113.7", 500));
        Assert.Equal(160, Enumerable.Range(0, 20).Sum(i => Take(sockets, $"2001:db8:1:{i:x}::5", 10)));
    }

    [Theory]
    [InlineData("203.0.113.7")]
    [InlineData("2001:db8:1:2::5")]
    public void Fault_S1_Who_opens_sockets_for_nothing_does_not_keep_out_neighbours_who_came_for_something(string address)
    {
        FakeTimeProvider time = new();
        var sockets = Sockets(20_000, new BrokerLimits { SocketsPerSecondPerAddress = 50 }, time);

        // One of the neighbours is signed in, another was.
        Assert.True(sockets.TryEnter(IPAddress.Parse(address), out _));
        sockets.SignedIn(IPAddress.Parse(address));
        sockets.Leave(IPAddress.Parse(address), wasSignedIn: true);
        Release(Take(sockets, address, 1_999));
        time.Advance(TimeSpan.FromMinutes(1));
        sockets.Sweep();
        Release(Take(sockets, address, 1_999));
        for (var i = 0; i < 100; i++)
        {
            // Twelve a second of a stranger, closed at once, and between them one of a neighbour.
            time.Advance(TimeSpan.FromSeconds(1));
            sockets.Sweep();
            var strangers = Take(sockets, address, 12);
            Assert.Equal(1, Use(sockets, address, 1));
            Release(strangers + 1);
        }

        // Nobody was signed in for long: one in five again.
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.InRange(Take(sockets, address, 5_000), 400, 1_600);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(10, Take(sockets, address, 50));

        void Release(int count)
        {
            for (var i = 0; i < count; i++)
            {
                sockets.Leave(IPAddress.Parse(address));
            }
        }
    }

    [Fact]
    public void Fault_S1_A_socket_is_said_to_be_of_use_once_and_a_place_is_given_back_once()
    {
        var sockets = Sockets(20_000, new BrokerLimits { SocketsPerSecondPerAddress = 5 }, new FakeTimeProvider());
        var address = IPAddress.Parse("203.0.113.7");
        Assert.True(sockets.TryEnter(address, out var isUseless));
        CountedSocket place = new(sockets, address, isUseless);

        for (var i = 0; i < 3; i++)
        {
            place.MarkUsed();
            place.Leave();
        }

        Assert.Equal(0, sockets.Count);
        Assert.Equal(40, Take(sockets, "203.0.113.7", 500));
    }

    [Fact]
    public void Fault_S1_All_together_have_what_the_reserve_leaves_a_trusted_proxy_too()
    {
        var sockets = Sockets(1_024, new BrokerLimits(), proxies: "10.0.0.0/8");

        Assert.Equal(1_024 - 384 - 128, Take(sockets, "10.1.2.3", 2_000));
        Assert.False(sockets.TryEnter(Newcomer, out _));

        // An IPv6 socket says it like this.
        sockets.Leave(IPAddress.Parse("::ffff:10.1.2.3"));
        Assert.True(sockets.TryEnter(IPAddress.Parse("::ffff:10.1.2.3"), out _));
    }

    [Fact]
    public void Without_limits_of_an_address_one_may_have_all()
    {
        var sockets = Sockets(1_024, new BrokerLimits { SocketsPerAddress = 0, SocketsPerSecondPerAddress = 0 });

        Assert.Equal(512, Take(sockets, "203.0.113.7", 2_000));
    }

    [Theory]
    [InlineData(256)]
    [InlineData(511)]
    public void Fault_B10_Too_few_handles_are_one_line_that_says_how_many_it_takes(int handles)
    {
        Assert.Equal(64, HandleRoom.Of(512, new BrokerLimits()).Sockets);

        var refused = Assert.Throws<StartupException>(() => HandleRoom.Of(handles, new BrokerLimits { Sockets = 30_000 }));

        Assert.Contains($"may open {handles} files", refused.Message, StringComparison.Ordinal);
        Assert.Contains("needs 512, and 30640 for its settings", refused.Message, StringComparison.Ordinal);
        Assert.Contains("ulimit -n", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
        refused = Assert.Throws<StartupException>(() => HandleRoom.Of(handles, new BrokerLimits { Sockets = int.MaxValue }));
        Assert.Contains("and 2147484287 for its settings", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_operator_may_set_fewer_sockets_than_there_is_room_for_and_no_more()
    {
        Assert.Equal(100, HandleRoom.Of(20_000, new BrokerLimits { Sockets = 100 }).Sockets);
        Assert.Equal(20_000 - 384 - 256, HandleRoom.Of(20_000, new BrokerLimits { Sockets = 100_000 }).Sockets);
    }

    [Fact]
    public void What_webhooks_may_take_beyond_the_reserve_is_taken_from_no_connection()
    {
        BrokerLimits many = new() { WebhooksAtOnce = 100 };
        Assert.Equal(64, HandleRoom.Of(512 + 68, many).Sockets);
        Assert.Contains("needs 580", Assert.Throws<StartupException>(() => HandleRoom.Of(512, many)).Message, StringComparison.Ordinal);
        Assert.Equal(20_000 - 384 - 68 - 256, HandleRoom.Of(20_000, many).Sockets);
    }

    private static int Take(OpenSockets sockets, string address, int tries) => Enumerable.Range(0, tries).Count(each => sockets.TryEnter(IPAddress.Parse(address), out _));

    // As those do who say at once what they came for.
    private static int Use(OpenSockets sockets, string address, int tries) => Enumerable.Range(0, tries).Count(_ =>
    {
        var isIn = sockets.TryEnter(IPAddress.Parse(address), out var isUseless);
        if (isIn)
        {
            sockets.Used(IPAddress.Parse(address), isUseless);
        }

        return isIn;
    });

    private static OpenSockets Sockets(int handles, BrokerLimits limits, TimeProvider? time = null, string? proxies = null) => new(
        HandleRoom.Of(handles, limits), limits, proxies is null ? [] : [IPNetwork.Parse(proxies)], time ?? TimeProvider.System, NullLogger<OpenSockets>.Instance);
}
