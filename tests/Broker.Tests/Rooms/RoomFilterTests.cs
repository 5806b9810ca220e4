using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Tests.Rooms;

public sealed class RoomFilterTests
{
    /// <summary>Which of a room's topics a filter asks for: e events, t text, y typing, i info, p everybody's presence, a only ana's.</summary>
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
    [InlineData("$SYS/#", "NotAllowed")]
    [InlineData("$share/group/rooms/lobby", "SharedNotBuilt")]
    [InlineData("rooms/lobby/data/#", "DataNotBuilt")]
    public void Attack_13_35_Anything_else_is_refused(string text, string error)
    {
        Assert.Equal(error, RoomFilter.TryParse(text, out var filter).ToString());
        Assert.Null(filter);
    }

    [Fact]
    public void An_inbox_is_one_of_a_user_name()
    {
        Assert.Equal(FilterError.None, RoomFilter.TryParse("users/ana", out var filter));
        Assert.Equal("ana", filter!.Inbox);
        Assert.False(filter.Events || filter.CoversRoom("lobby") || filter.CoversPresenceOf("ana"));
    }
}
