using System.Globalization;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Tests.Rooms;

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

        var said = announcements.EndOfSecond().ToList();
        Assert.Equal(3, said.Count);
        Assert.All(said, one => Assert.Equal(EventType.Join, one.Type));
        Assert.Equal(
            Enumerable.Range(50, 450).Select(i => Somebody(i).User),
            said.SelectMany(one => one.Others.Prepend(one.First)).Select(author => author.User));
        Assert.Empty(announcements.EndOfSecond());
        Assert.True(announcements.MaySayNow(EventType.Join, Somebody(1)));
    }

    [Fact]
    public void Fault_R1_A_crowd_is_told_one_event_a_second_which_names_a_few_and_counts_the_others()
    {
        Announcements announcements = new();
        for (var i = 0; i < 50; i++)
        {
            Assert.False(announcements.MaySayNow(EventType.Join, Somebody(i), isCrowd: true));
        }

        announcements.MaySayNow(EventType.Leave, Somebody(100), isCrowd: true);
        announcements.MaySayNow(EventType.Leave, Somebody(101), isCrowd: true);

        var joins = Assert.Single(announcements.EndOfSecond(isCrowd: true));
        Assert.Equal((EventType.Join, "u0", 20, 29), (joins.Type, joins.First.User, joins.Others.Length, joins.More));
        announcements.MaySayNow(EventType.Join, Somebody(200), isCrowd: true);

        // Joins and leaves take turns, so neither waits for the end of the rush.
        var leaves = Assert.Single(announcements.EndOfSecond(isCrowd: true));
        Assert.Equal((EventType.Leave, "u100", 1, 0), (leaves.Type, leaves.First.User, leaves.Others.Length, leaves.More));
        Assert.Equal("u200", Assert.Single(announcements.EndOfSecond(isCrowd: true)).First.User);
        Assert.Empty(announcements.EndOfSecond(isCrowd: true));

        // And in a small room each is said at once.
        Assert.True(announcements.MaySayNow(EventType.Join, Somebody(300)));
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

    [Fact]
    public void Fault_S4_Who_comes_and_goes_over_and_over_is_said_four_times_and_then_once_in_five_seconds()
    {
        Announcements announcements = new();
        var said = 0;
        var isHere = false;
        for (var second = 0; second < 100; second++)
        {
            for (var i = 0; i < 51; i++)
            {
                isHere = !isHere;
                said += announcements.MaySayNow(isHere ? EventType.Join : EventType.Leave, Somebody(1)) ? 1 : 0;
            }

            said += announcements.EndOfSecond().Count;
        }

        Assert.InRange(said, 4, 4 + (100 / 5));

        // The others are said as before, and what was held back is said in the end.
        Assert.True(announcements.MaySayNow(EventType.Join, Somebody(2)));
        if (announcements.IsUnsaid(EventType.Join, "u1") || announcements.IsUnsaid(EventType.Leave, "u1"))
        {
            var last = Enumerable.Range(0, 10).SelectMany(_ => announcements.EndOfSecond()).Single();
            Assert.Equal((isHere ? EventType.Join : EventType.Leave, "u1"), (last.Type, last.First.User));
        }
    }

    [Fact]
    public void Who_left_and_is_not_yet_said_to_have_left_is_still_here_for_the_log()
    {
        Announcements announcements = new();
        for (var i = 0; i < 2; i++)
        {
            Assert.True(announcements.MaySayNow(EventType.Join, Somebody(1)));
            Assert.True(announcements.MaySayNow(EventType.Leave, Somebody(1)));
        }

        Assert.False(announcements.MaySayNow(EventType.Join, Somebody(1)));
        Assert.True(announcements.IsUnsaid(EventType.Join, "u1"));
        Assert.False(announcements.MaySayNow(EventType.Leave, Somebody(1)));
        Assert.False(announcements.IsUnsaid(EventType.Join, "u1"));
        Assert.Empty(announcements.UnsaidLeaves);
    }

    private static Author Somebody(int number)
    {
        var name = "u" + number.ToString(CultureInfo.InvariantCulture);
        return new Author(name, name, name, "person");
    }
}
