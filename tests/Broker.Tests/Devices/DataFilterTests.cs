using System.Text;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>The names of data topics, and which of them a filter brings.</summary>
public sealed class DataFilterTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("/a")]
    [InlineData("a//b")]
    [InlineData("/")]
    [InlineData("a b/ünï/🌡")]
    [InlineData("$SYS/broker/connection/x/state")]
    [InlineData("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32")]
    public void Any_shape_is_a_topic(string topic)
    {
        Assert.True(DataTopic.IsValid(topic));
        Assert.True(DataTopic.TryParse(Encoding.UTF8.GetBytes(topic), out var parsed));
        Assert.Equal(topic, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/+/b")]
    [InlineData("a#")]
    [InlineData("a\0b")]
    [InlineData("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32/33")]
    public void Attack_11_12_Wildcards_controls_and_what_is_too_deep_or_too_long_are_no_topic(string topic)
    {
        Assert.False(DataTopic.IsValid(topic));
        Assert.False(DataTopic.IsValid("a\ud800b"));
        Assert.True(DataTopic.IsValid(new string('x', DataTopic.LargestLength)));
        Assert.False(DataTopic.IsValid(new string('x', DataTopic.LargestLength + 1)));
        Assert.False(DataTopic.IsValid(new string('ü', (DataTopic.LargestLength / 2) + 1)));
    }

    /// <summary>The examples of MQTT 5.0, 4.7.1, and others.</summary>
    [Theory]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1", true)]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1/ranking", true)]
    [InlineData("sport/#", "sport", true)]
    [InlineData("sport/+", "sport", false)]
    [InlineData("sport/+", "sport/", true)]
    [InlineData("+/+", "/finance", true)]
    [InlineData("/+", "/finance", true)]
    [InlineData("+", "/finance", false)]
    [InlineData("a/+/c", "a//c", true)]
    [InlineData("a/+", "a/b/c", false)]
    [InlineData("#", "any/thing", true)]
    [InlineData("#", "$SYS/x", true)]
    [InlineData("a", "a/", false)]
    [InlineData("a/#", "ab", false)]
    [InlineData("A", "a", false)]
    [InlineData("+/#", "a", true)]
    public void A_filter_brings_what_the_standard_says(string text, string topic, bool matches)
    {
        Assert.True(DataFilter.TryParse(text, isMounted: false, out var filter));
        Assert.Equal(matches, filter.Matches(topic));
    }

    [Theory]
    [InlineData("#", false)]
    [InlineData("+/broker/#", false)]
    [InlineData("$SYS/#", true)]
    [InlineData("$SYS/+/connection/x/state", true)]
    public void In_a_mount_wildcards_miss_a_first_level_that_begins_with_a_dollar(string text, bool matches)
    {
        Assert.True(DataFilter.TryParse(text, isMounted: true, out var filter));
        Assert.Equal(matches, filter.Matches("$SYS/broker/connection/x/state"));
        Assert.True(DataFilter.TryParse(text, isMounted: false, out filter));
        Assert.True(filter.Matches("$SYS/broker/connection/x/state"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/#/b")]
    [InlineData("a#")]
    [InlineData("a+")]
    [InlineData("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32/#")]
    public void Attack_13_What_is_no_filter_is_refused(string text) => Assert.False(DataFilter.TryParse(text, isMounted: false, out _));

    [Theory]
    [InlineData("a/#", "a", true)]
    [InlineData("a/+", "+/b", true)]
    [InlineData("a/b", "a/c", false)]
    [InlineData("#", "a/b/c", true)]
    [InlineData("a/b", "a", false)]
    [InlineData("a/+/c", "a/b", false)]
    [InlineData("home/+/state", "home/lamp/#", true)]
    public void Two_filters_meet_where_a_topic_matches_both(string one, string other, bool meet)
    {
        Assert.True(DataFilter.TryParse(one, true, out var first));
        Assert.True(DataFilter.TryParse(other, true, out var second));
        Assert.Equal(meet, first.Meets(second));
        Assert.Equal(meet, second.Meets(first));
    }

    [Theory]
    [InlineData("rooms/lobby/data/a//b", "lobby", "a//b", null)]
    [InlineData("rooms/+/data/#", null, "#", null)]
    [InlineData("$share/g/rooms/lobby/data/+", "lobby", "+", "g")]
    public void A_filter_names_its_room_what_is_below_and_its_group(string text, string? room, string below, string? group)
    {
        Assert.Equal(FilterError.None, RoomFilter.TryParse(text, out var filter));
        Assert.Equal((room, below, group, false), (filter!.Room, filter.Data!.Text, filter.Group, filter.IsMounted));
        Assert.False(filter.Events || filter.Info || filter.Presence || filter.People || filter.Typing || filter.TextLines || filter.Whispers);
    }

    [Theory]
    [InlineData("#", "#", null)]
    [InlineData("rooms/lobby", "rooms/lobby", null)]
    [InlineData("$share/g/tele/#", "tele/#", "g")]
    public void In_a_mount_every_filter_is_of_its_room(string text, string below, string? group)
    {
        Assert.Equal(FilterError.None, RoomFilter.TryParse(text, out var filter, "lobby"));
        Assert.Equal(("lobby", below, group, true, text), (filter!.Room, filter.Data!.Text, filter.Group, filter.IsMounted, filter.Text));
    }

    [Theory]
    [InlineData("$share/g/rooms/lobby/text", "SharedNotBuilt")]
    [InlineData("$share//rooms/lobby/data/#", "Invalid")]
    [InlineData("$share/g", "Invalid")]
    [InlineData("$share/g/", "Invalid")]
    [InlineData("$share/g+/rooms/lobby/data/#", "Invalid")]
    [InlineData("rooms/lobby/data/", "Invalid")]
    [InlineData("rooms/lobby/data", "NotAllowed")]
    [InlineData("rooms/Lobby/data/#", "NotAllowed")]
    [InlineData("rooms/#/data/a", "Invalid")]
    public void Attack_13_35_Others_are_refused(string text, string error)
    {
        Assert.Equal(error, RoomFilter.TryParse(text, out var filter).ToString());
        Assert.Null(filter);
    }
}
