using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Rooms;

public sealed class RoomTopicTests
{
    [Theory]
    [InlineData("rooms/lobby", "Events", "lobby")]
    [InlineData("rooms/0-", "Events", "0-")]
    [InlineData("rooms/lobby/text", "Text", "lobby")]
    [InlineData("rooms/lobby/typing", "Typing", "lobby")]
    [InlineData("rooms/lobby/info", "Info", "lobby")]
    [InlineData("rooms/lobby/people", "People", "lobby")]
    [InlineData("rooms/lobby/presence/ana", "Presence", "lobby")]
    [InlineData("rooms/lobby/data/a/b", "Data", "lobby")]
    [InlineData("users/ana.b_c-1", "Inbox", "ana.b_c-1")]
    [InlineData("users/ana/read", "Read", "ana")]
    [InlineData("users/ana/read/lobby", "Read", "ana")]
    [InlineData("users/ana/unread", "Unread", "ana")]
    public void A_topic_of_ours_is_taken_apart(string topic, string kind, string name)
    {
        Assert.True(RoomTopic.TryParse(topic, out var parsed));
        Assert.Equal((kind, name), (parsed.Kind.ToString(), parsed.Name));
    }

    [Theory]
    [InlineData("")]
    [InlineData("rooms")]
    [InlineData("rooms/")]
    [InlineData("/rooms/lobby")]
    [InlineData("Rooms/lobby")]
    [InlineData("rooms/Lobby")]
    [InlineData("rooms/-lobby")]
    [InlineData("rooms/lobby/")]
    [InlineData("rooms/lobby//text")]
    [InlineData("rooms/lobby/Text")]
    [InlineData("rooms/lobby/other")]
    [InlineData("rooms/lobby/text/more")]
    [InlineData("rooms/lobby/people/more")]
    [InlineData("rooms/lobby/presence")]
    [InlineData("rooms/lobby/presence/")]
    [InlineData("rooms/lobby/presence/Ana")]
    [InlineData("rooms/lobby/presence/a/b")]
    [InlineData("rooms/lobby/data")]
    [InlineData("rooms/lobby/data/")]
    [InlineData("rooms/+")]
    [InlineData("rooms/#")]
    [InlineData("rooms/..")]
    [InlineData("rooms/%2f")]
    [InlineData("rooms/lobb\u00fd")]
    [InlineData("rooms/lobby\0")]
    [InlineData("users")]
    [InlineData("users/")]
    [InlineData("users/Ana")]
    [InlineData("users/.ana")]
    [InlineData("users/ana/more")]
    [InlineData("users/ana/")]
    [InlineData("users/ana/read/")]
    [InlineData("users/ana/read/Lobby")]
    [InlineData("users/ana/read/lobby/more")]
    [InlineData("users/Ana/read/lobby")]
    [InlineData("users//read/lobby")]
    [InlineData("users/ana/read/+")]
    [InlineData("users/ana/unread/")]
    [InlineData("users/ana/unread/lobby")]
    [InlineData("users/+")]
    [InlineData("$SYS/broker")]
    [InlineData("$share/g/rooms/lobby")]
    public void Attack_43_Anything_else_is_nobodys(string topic) => Assert.False(RoomTopic.TryParse(topic, out _));

    [Theory]
    [InlineData("a", true)]
    [InlineData("0-a-b", true)]
    [InlineData("", false)]
    [InlineData("-a", false)]
    [InlineData("A", false)]
    [InlineData("a_b", false)]
    [InlineData("a.b", false)]
    [InlineData("a b", false)]
    [InlineData("é", false)]
    [InlineData(null, false)]
    public void A_room_id_is_small_letters_digits_and_hyphens(string? text, bool isValid) =>
        Assert.Equal(isValid, RoomId.TryParse(text, out _));

    [Fact]
    public void A_room_id_has_64_characters_and_a_user_name_32_at_most()
    {
        Assert.True(RoomId.IsValid(new string('a', 64)));
        Assert.False(RoomId.IsValid(new string('a', 65)));
        Assert.True(RoomTopic.IsUserName(new string('a', 32)));
        Assert.False(RoomTopic.IsUserName(new string('a', 33)));
    }
}
