using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Tests.Rooms;

public sealed class PresenceWordsTests
{
    [Fact]
    public void Fault_S4_Who_comes_and_goes_within_a_second_is_said_at_once_and_then_once_more()
    {
        PresenceWords words = new();
        Assert.True(words.MaySayNow(Here("ana")));
        for (var i = 0; i < 1000; i++)
        {
            Assert.False(words.MaySayNow(Gone("ana")));
            Assert.False(words.MaySayNow(Here("ana")));
        }

        Assert.True(words.MaySayNow(Here("bia")));
        Assert.False(words.MaySayNow(Gone("ana")));

        Assert.Equal([Gone("ana")], words.EndOfSecond());

        // It has been said in the second that begins.
        Assert.False(words.MaySayNow(Here("ana")));
        Assert.Equal([Here("ana")], words.EndOfSecond());
        Assert.Empty(words.EndOfSecond());
        Assert.True(words.MaySayNow(Gone("ana")));
    }

    [Fact]
    public void What_waits_is_said_in_its_order()
    {
        PresenceWords words = new();
        Assert.True(words.MaySayNow(Here("ana")));
        Assert.False(words.MaySayNow(Gone("ana")));
        words.Wait(Here("annie"));

        Assert.Equal([Gone("ana"), Here("annie")], words.EndOfSecond());
    }

    private static PresenceWord Here(string user) => new(user, new Author(user, user, user, "person"), DateTimeOffset.UnixEpoch);

    private static PresenceWord Gone(string user) => new(user, null, default);
}
