using System.Buffers;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Tests.Wire;

public sealed class FrameTests
{
    [Theory]
    [InlineData("", "Incomplete")]
    [InlineData("30", "Incomplete")]
    [InlineData("3080", "Incomplete")]
    [InlineData("300261", "Incomplete")]
    [InlineData("30026161", "Complete")]
    [InlineData("3002616199", "Complete")]
    [InlineData("C000", "Complete")]
    [InlineData("30E507", "Incomplete")]
    [InlineData("30E807", "Incomplete")]
    [InlineData("30E907", "TooLarge")]
    [InlineData("30FFFFFF7F", "TooLarge")]
    [InlineData("30FFFFFFFF", "Malformed")]
    [InlineData("308080808001", "Malformed")]
    public void Attack_3_4_A_frame_is_judged_by_its_header_alone(string hex, string status) =>
        Assert.Equal(status, Frame.TryRead(new ReadOnlySequence<byte>(Convert.FromHexString(hex)), 1000, out _).ToString());

    [Fact]
    public void A_frame_that_lies_in_many_pieces_is_one()
    {
        Piece last = new([0x62], null);
        Piece first = new([0x34], new Piece([0x82, 0x00], new Piece([0x61], last)));

        var status = Frame.TryRead(new ReadOnlySequence<byte>(first, 0, last, 1), 1000, out var frame);

        Assert.Equal(FrameStatus.Complete, status);
        Assert.Equal(4, frame.Flags);
        Assert.Equal("ab"u8.ToArray(), frame.Body.ToArray());
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(byte[] bytes, Piece? next)
        {
            Memory = bytes;
            Next = next;
            var index = RunningIndex + bytes.Length;
            for (var piece = next; piece is not null; piece = (Piece?)piece.Next)
            {
                piece.RunningIndex = index;
                index += piece.Memory.Length;
            }
        }
    }
}
