using WebMessenger.Cluster.Nodes;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Tests.Nodes;

public sealed class LinkMessageTests
{
    private static readonly byte[] _batch = new TellBatch("node-1", 7, [new(NodeTopic.Batch, new byte[] { 1, 2 }), new(NodeTopic.Live, default)]).Write();

    [Fact]
    public void What_is_told_is_read_as_it_was_written()
    {
        var read = TellBatch.Read(_batch)!;

        Assert.Equal(("node-1", 7L, 2), (read.From, read.Number, read.Messages.Count));
        Assert.Equal((NodeTopic.Batch, 2, NodeTopic.Live, 0), (read.Messages[0].Topic, read.Messages[0].Message.Length, read.Messages[1].Topic, read.Messages[1].Message.Length));
    }

    [Fact]
    public void What_is_asked_is_read_as_it_was_written()
    {
        var read = Question.Read(new Question("node-1", 8, 6, NodeTopic.Revoke, new byte[] { 5 }).Write())!;

        Assert.Equal(("node-1", 8L, 6L, NodeTopic.Revoke, (byte)5), (read.From, read.Number, read.Lowest, read.Topic, read.Message.Span[0]));
    }

    [Fact]
    public void What_is_cut_short_or_of_another_version_is_not_read()
    {
        // A cut between two messages is a whole batch of fewer: no call brings half of one.
        int[] whole = [_batch.Length - 5, _batch.Length - 12];
        foreach (var length in Enumerable.Range(0, _batch.Length).Except(whole))
        {
            Assert.Null(TellBatch.Read(_batch.AsMemory(0, length)));
        }

        Assert.Null(TellBatch.Read((byte[])[2, .. _batch[1..]]));
        Assert.Null(Question.Read((byte[])[1, 200, 0]));
        Assert.Null(Question.Read(new Question("node-1", 8, 6, NodeTopic.Revoke, default).Write().AsMemory(..^1)));
    }

    [Fact]
    public void A_length_that_is_not_there_is_not_read()
    {
        var damaged = (byte[])_batch.Clone();
        damaged[17] = 0x7F;
        Assert.Null(TellBatch.Read(damaged));
        damaged[17] = 0xFF;
        Assert.Null(TellBatch.Read(damaged));
    }
}
