using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Rooms;

public sealed class RoomFilterTests
{
    /// <summary>
    /// Which of a room's topics a filter asks for: e events, t text, y typing, i info, p everybody's presence, a only ana's.
    /// </summary>
    [Theory]
    [InlineData("rooms/lobby", "lobby", "e")]
    [InlineData("rooms/lobby/text", "lobby", "t")]
    [InlineData("rooms/lobby/typing", "lobby", "y")]
    [InlineData("rooms/lobby/info", "lobby", "i")]
    [InlineData("rooms/lobby/presence/+", "lobby", "p")]
    [InlineData("rooms/lobby/presence/#", "lobby", "p")]
    [InlineData("rooms/lobby/presence/ana", "lobby", "a")]
    [InlineData("rooms/lobby/+", "lobby", "tyi")]
    [InlineData("rooms/lobby/+/+", "lobby", "p")]
    [InlineData("rooms/lobby/+/ana", "lobby", "a")]
    [InlineData("rooms/lobby/#", "lobby", "etyip")]
    [InlineData("rooms/lobby/+/#", "lobby", "tyip")]
    [InlineData("rooms/+", null, "e")]
    [InlineData("rooms/+/text", null, "t")]
    [InlineData("rooms/+/+", null, "tyi")]
    [InlineData("rooms/+/presence/+", null, "p")]
    [InlineData("rooms/+/#", null, "etyip")]
    [InlineData("rooms/#", null, "etyip")]
    public void A_filter_asks_for_what_MQTT_says_it_matches(string text, string? room, string kinds)
    {
        Assert.Equal(FilterError.None, RoomFilter.TryParse(text, out var filter));

        Assert.Equal(room, filter!.Room);
        Assert.Equal(text, filter.Text);
        Assert.Equal(
            kinds,
            (filter.Events ? "e" : "") + (filter.TextLines ? "t" : "") + (filter.Typing ? "y" : "") + (filter.Info ? "i" : "")
            + (filter.CoversPresenceOf("bob") ? "p" : filter.CoversPresenceOf("ana") ? "a" : ""));
        Assert.True(filter.CoversRoom("lobby"));
        Assert.Equal(room is null, filter.CoversRoom("garden"));
        Assert.Equal(kinds == "i", filter.IsInfoOnly);
    }

    [Theory]
    [InlineData("rooms/lobby/people", true)]
    [InlineData("rooms/lobby/people/#", true)]
    [InlineData("rooms/+/people", true)]
    [InlineData("rooms/lobby/#", false)]
    [InlineData("rooms/lobby/+", false)]
    [InlineData("rooms/+/+", false)]
    [InlineData("rooms/#", false)]
    public void Fault_R1_People_come_to_filters_that_name_them(string text, bool isCovered)
    {
        Assert.Equal(FilterError.None, RoomFilter.TryParse(text, out var filter));
        Assert.Equal(isCovered, filter!.People);
        Assert.False(filter.IsInfoOnly);
        Assert.False(filter.IsOneLog);
        Assert.Equal(!isCovered, filter.Info);
    }

    [Theory]
    [InlineData("rooms/lobby/people/more", "Invalid")]
    [InlineData("rooms/lobby/#/text", "Invalid")]
    [InlineData("rooms/lobby#", "Invalid")]
    [InlineData("rooms/lobby+", "Invalid")]
    [InlineData("a/#/b", "Invalid")]
    [InlineData("a#", "Invalid")]
    [InlineData("a+", "Invalid")]
    [InlineData("", "Invalid")]
    [InlineData("rooms//text", "Invalid")]
    [InlineData("rooms/lobby/", "Invalid")]
    [InlineData("rooms/lobby/other", "Invalid")]
    [InlineData("rooms/lobby/presence", "Invalid")]
    [InlineData("#", "NotAllowed")]
    [InlineData("+/+", "NotAllowed")]
    [InlineData("+/lobby", "NotAllowed")]
    [InlineData("rooms", "NotAllowed")]
    [InlineData("rooms/Lobby", "NotAllowed")]
    [InlineData("rooms/..", "NotAllowed")]
    [InlineData("rooms/%2f", "NotAllowed")]
    [InlineData("users/+", "NotAllowed")]
    [InlineData("users/#", "NotAllowed")]
    [InlineData("users/ana/x", "NotAllowed")]
    [InlineData("users/ana/unread/more", "NotAllowed")]
    [InlineData("users/+/unread", "NotAllowed")]
    [InlineData("users/ana/read/Lobby", "NotAllowed")]
    [InlineData("users/ana/read/lobby/more", "NotAllowed")]
    [InlineData("users/ana/+/+/+", "NotAllowed")]
    [InlineData("users/+/read/lobby", "NotAllowed")]
    [InlineData("users/+/#", "NotAllowed")]
    [InlineData("users/ana/#/read", "Invalid")]
    [InlineData("users/ana//read", "Invalid")]
    [InlineData("$SYS", "NotAllowed")]
    [InlineData("$SYS/#/x", "Invalid")]
    [InlineData("$share/group/$SYS/#", "NotAllowed")]
    [InlineData("$share/group/rooms/lobby/#", "SharedNotBuilt")]
    [InlineData("$share/group/rooms/#", "SharedNotBuilt")]
    [InlineData("$share/group/rooms/lobby/presence/+", "SharedNotBuilt")]
    [InlineData("$share/group/users/ana", "SharedNotBuilt")]
    public void Attack_13_35_Anything_else_is_refused(string text, string error)
    {
        Assert.Equal(error, RoomFilter.TryParse(text, out var filter).ToString());
        Assert.Null(filter);
    }

    /// <summary>
    /// Which of an account's own topics a filter asks for: w whispers, r how far they are read,
    /// l the same of the lobby, o of any other room, u what is unread.
    /// </summary>
    [Theory]
    [InlineData("users/ana", "w")]
    [InlineData("users/ana/#", "wrlo")]
    [InlineData("users/ana/+", "r")]
    [InlineData("users/ana/read", "r")]
    [InlineData("users/ana/read/#", "rlo")]
    [InlineData("users/ana/+/#", "rlo")]
    [InlineData("users/ana/read/+", "lo")]
    [InlineData("users/ana/+/+", "lo")]
    [InlineData("users/ana/read/+/#", "lo")]
    [InlineData("users/ana/read/lobby", "l")]
    [InlineData("users/ana/read/lobby/#", "l")]
    [InlineData("users/ana/+/lobby", "l")]
    [InlineData("users/ana/unread", "u")]
    [InlineData("users/ana/unread/#", "u")]
    public void An_accounts_own_topics_are_its_whispers_how_far_it_has_read_and_what_is_unread(string text, string kinds)
    {
        Assert.Equal(FilterError.None, RoomFilter.TryParse(text, out var filter));

        Assert.Equal("ana", filter!.Inbox);
        Assert.Equal(
            kinds,
            (filter.Whispers ? "w" : "") + (filter.CoversReadsOf(null) ? "r" : "") + (filter.CoversReadsOf("lobby") ? "l" : "")
                + (filter.CoversReadsOf("garden") ? "o" : "") + (filter.Unread ? "u" : ""));
        Assert.Equal(kinds.Trim('w', 'u').Length > 0, filter.Reads);
        Assert.Equal(kinds == "w", filter.IsOneLog);
        Assert.False(filter.Events || filter.CoversRoom("lobby") || filter.CoversPresenceOf("ana"));
    }

    [Fact]
    public void Attack_35_What_the_server_says_of_itself_is_asked_for_by_its_name_and_is_of_no_room()
    {
        Assert.Equal(FilterError.None, RoomFilter.TryParse("$SYS/broker/+", out var filter));
        Assert.True(filter!.IsOfServer && filter.Server!.Matches("$SYS/broker/uptime") && !filter.CoversRoom("lobby"));
        Assert.Equal(FilterError.None, RoomFilter.TryParse("$SYS/#", out var mounted, mount: "lobby"));
        Assert.True(mounted is { IsOfServer: false, Server: not null, Data: not null } && mounted.CoversRoom("lobby"));
        Assert.Equal(FilterError.None, RoomFilter.TryParse("#", out var all, mount: "lobby"));
        Assert.Null(all!.Server);
    }
}
