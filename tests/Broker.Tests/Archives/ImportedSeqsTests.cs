using WebMessenger.Broker.Archives;

namespace WebMessenger.Broker.Tests.Archives;

public sealed class ImportedSeqsTests
{
    [Fact]
    public void What_was_taken_is_found_and_what_was_left_out_is_not()
    {
        ImportedSeqs seqs = new();
        foreach (var (seq, isTaken) in (IEnumerable<(long, bool)>)[(10, true), (11, false), (12, true), (13, true), (20, true), (21, false)])
        {
            Assert.True(seqs.IsNext(seq));
            if (isTaken)
            {
                seqs.Take(seq);
            }
            else
            {
                seqs.Skip(seq);
            }
        }

        Assert.False(seqs.IsNext(21));
        Assert.Equal(5, seqs.Next);
        Assert.Equal([null, 1, null, 2, 3, null, null, 4, null, null], ((long[])[9, 10, 11, 12, 13, 14, 19, 20, 21, 22]).Select(seqs.Find));
    }
}
