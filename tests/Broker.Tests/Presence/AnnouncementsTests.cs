using System.Globalization;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Presence;

namespace WebMessenger.Broker.Tests.Presence;

public sealed class AnnouncementsTests
{
    [Fact]
    public void Fifty_in_a_second_are_said_at_once_and_the_others_together()
    {
        Announcements announcements = new();

        for (var i = 0; i < 50; i++)
        {
            Assert.True(announcements.MaySayNow(EventType.Join, Somebody(i)));
        }

        for (var i = 50; i < 500; i++)
        {
            Assert.False(announcements.MaySayNow(EventType.Join, Somebody(i)));
        }

        Assert.True(announcements.HasWork);
        var said = announcements.EndOfSecond().ToList();
        Assert.Equal(3, said.Count);
        Assert.All(said, one => Assert.Equal(EventType.Join, one.Type));
        Assert.Equal(
            Enumerable.Range(50, 450).Select(i => Somebody(i).User), said.SelectMany(one => one.Others.Prepend(one.First)).Select(author => author.User));
        Assert.False(announcements.HasWork);
        Assert.Empty(announcements.EndOfSecond());
        Assert.True(announcements.MaySayNow(EventType.Join, Somebody(1)));
    }

    [Fact]
    public void Who_came_and_went_within_the_second_is_not_mentioned()
    {
        Announcements announcements = new();
        for (var i = 0; i < 50; i++)
        {
            announcements.MaySayNow(EventType.Join, Somebody(i));
        }

        // One was greeted at once and goes; one comes and goes; one comes, goes and comes.
        announcements.MaySayNow(EventType.Leave, Somebody(7));
        announcements.MaySayNow(EventType.Join, Somebody(100));
        announcements.MaySayNow(EventType.Leave, Somebody(100));
        announcements.MaySayNow(EventType.Join, Somebody(101));
        announcements.MaySayNow(EventType.Leave, Somebody(101));
        announcements.MaySayNow(EventType.Join, Somebody(101));

        Assert.Equal(
            [(EventType.Leave, "u7"), (EventType.Join, "u101")],
            announcements.EndOfSecond().Select(one => (one.Type, one.First.User)));
    }

    private static Author Somebody(int number)
    {
        var name = "u" + number.ToString(CultureInfo.InvariantCulture);
        return new Author(name, name, name, "person");
    }
}
