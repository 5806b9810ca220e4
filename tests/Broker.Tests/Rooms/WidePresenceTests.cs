using System.Globalization;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Tests.Rooms;

public sealed class WidePresenceTests
{
    [Fact]
    public void Fault_R1_The_more_clients_hear_of_everybody_the_fewer_changes_a_second_they_are_told()
    {
        WidePresence wide = new();
        Assert.All(Enumerable.Range(0, 50), i => Assert.True(wide.MaySayNow(Word(i), listeners: 400)));
        Assert.Empty(wide.EndOfSecond(listeners: 400));

        var said = Enumerable.Range(100, 50).Count(i => wide.MaySayNow(Word(i), listeners: 5_000));

        Assert.Equal(4, said);
        Assert.Equal(["u104", "u105", "u106", "u107"], wide.EndOfSecond(5_000).Select(word => word.User));
        Assert.False(wide.MaySayNow(Word(500), 5_000));
        Assert.Equal(43, wide.EndOfSecond(listeners: 10).Count);
    }

    [Fact]
    public void Of_each_user_the_newest_waits_in_the_place_of_the_first()
    {
        WidePresence wide = new();
        Assert.True(wide.MaySayNow(Word(1), listeners: 20_000));
        Assert.False(wide.MaySayNow(Word(2), 20_000));
        Assert.False(wide.MaySayNow(Word(3), 20_000));
        Assert.False(wide.MaySayNow(Word(2) with { Since = DateTimeOffset.UnixEpoch }, 20_000));

        Assert.Equal([Word(2) with { Since = DateTimeOffset.UnixEpoch }], wide.EndOfSecond(20_000));
        Assert.Equal([Word(3)], wide.EndOfSecond(20_000));
        Assert.Empty(wide.EndOfSecond(20_000));
    }

    private static PresenceWord Word(int user) => new(string.Create(CultureInfo.InvariantCulture, $"u{user}"), null, default);
}
