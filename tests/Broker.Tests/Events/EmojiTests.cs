using System.Text;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Tests.Events;

public sealed class EmojiTests
{
    [Theory]
    [InlineData("👍")]
    [InlineData("👍🏽")]
    [InlineData("❤️")]
    [InlineData("#️⃣")]
    [InlineData("🇧🇷")]
    [InlineData("🏴󠁧󠁢󠁷󠁬󠁳󠁿")]
    [InlineData("👨‍👩‍👧")]
    [InlineData("👩🏽‍❤️‍💋‍👨🏿")]
    [InlineData("🧑🏻‍🤝‍🧑🏿")]
    public void What_people_know_as_one_emoji_is_one(string text) => Assert.True(Emoji.IsOne(text));

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData(":smile:")]
    [InlineData("👍👍")]
    [InlineData("👍 ")]
    [InlineData("❤")]
    [InlineData("#")]
    [InlineData("🏽")]
    [InlineData("👍\uFE0F")]
    [InlineData("\u200D")]
    public void Nothing_else_is_nor_another_spelling_of_one(string text) => Assert.False(Emoji.IsOne(text));

    [Fact]
    public void The_list_is_whole_and_nothing_in_it_is_long()
    {
        var list = File.ReadAllLines(Path.Combine(SourceRoot(), "src", "Broker", "Events", "Emoji", "rgi.txt"));

        Assert.Equal((3944, 3944), (list.Length, Emoji.Count));
        Assert.All(list, emoji => Assert.InRange(Encoding.UTF8.GetByteCount(emoji), 3, 64));
    }

    private static string SourceRoot() => typeof(EmojiTests).Assembly.GetCustomAttributes(typeof(System.Reflection.AssemblyMetadataAttribute), false)
        .Cast<System.Reflection.AssemblyMetadataAttribute>().First(item => item.Key == "Root").Value!;
}
