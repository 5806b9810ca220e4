using WebMessenger.Broker.ReadMarks;

namespace WebMessenger.Broker.Tests.ReadMarks;

public sealed class MessageBlockTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(256)]
    public void What_is_stored_is_what_it_was(int messages)
    {
        // As many voices as there can be, persons and bots of one account among them.
        MessageBlock block = new(
            "abc123", 3, 1024, [.. Enumerable.Range(0, messages).Select(i => new CountedMessage(769 + i, "account" + (i / 2), i % 2 == 0))]);

        var read = MessageBlock.TryParse(3, block.ToBytes());

        Assert.NotNull(read);
        Assert.Equal((block.Epoch, block.Number, block.Through), (read.Epoch, read.Number, read.Through));
        Assert.Equal(block.Messages, read.Messages);
    }

    [Fact]
    public void A_message_takes_two_bytes_and_a_voice_its_name()
    {
        MessageBlock block = new("abc123", 0, 256, [.. Enumerable.Range(1, 256).Select(i => new CountedMessage(i, i % 2 == 0 ? "ana" : "bob", false))]);

        Assert.Equal(1 + 7 + 8 + 1 + (2 * 5) + 512, block.ToBytes().Length);
    }

    [Fact]
    public void What_is_cut_short_or_of_another_version_is_none_or_has_less_and_never_throws()
    {
        MessageBlock block = new("abc123", 0, 256, [new CountedMessage(1, "ana", false), new CountedMessage(2, "bob", true)]);
        var bytes = block.ToBytes();

        Assert.All(Enumerable.Range(0, bytes.Length), length => Assert.NotEqual(2, MessageBlock.TryParse(0, bytes.AsSpan(0, length))?.Messages.Count));
        bytes[0] = 2;
        Assert.Null(MessageBlock.TryParse(0, bytes));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(256, 0)]
    [InlineData(257, 1)]
    public void A_seq_lies_in_its_block(long seq, long number)
    {
        Assert.Equal(number, MessageBlock.NumberOf(seq));
        Assert.InRange(seq, MessageBlock.FloorOf(number) + 1, MessageBlock.FloorOf(number + 1));
    }
}
