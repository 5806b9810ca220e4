using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Transports;
using Xunit;

namespace WebMessenger.Broker.Tests.Transports;

/// <summary>
/// What the framework's WebSocket is given to read; later patches of .NET 10 look for the mask themselves, earlier ones do not.
/// </summary>
public sealed class MaskedStreamTests
{
    private const byte BinaryFrame = 0x82, ReservedBits = 0x70;

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public async Task Fault_Q14_An_unmasked_frame_is_passed_on_as_one_that_no_framework_takes(int bytesARead)
    {
        byte[] masked = [BinaryFrame, 0x82, 1, 2, 3, 4, 5, 6];

        Assert.Equal(masked, await PassedOnAsync(masked, bytesARead));
        var passedOn = await PassedOnAsync([.. masked, BinaryFrame, 2, 7, 8], bytesARead);

        Assert.Equal([.. masked, BinaryFrame | ReservedBits, 2, 7, 8], passedOn);
    }

    [Fact]
    public async Task Fault_S2_Pings_and_pongs_come_at_the_rate_of_frames()
    {
        FakeTimeProvider time = new();
        byte[] ping = [0x89, 0x80, 1, 2, 3, 4], pong = [0x8A, 0x80, 1, 2, 3, 4], data = [BinaryFrame, 0x86, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        byte[] sent = [.. ping, .. pong, .. data, .. data, .. ping];
        await using MaskedStream stream = new(new Pieces(sent, 6));
        stream.Slow(new RateBudget(1, 2, time), time);
        var buffer = new byte[64];
        var read = 0;

        // Two at once, and frames that hold something are not counted here.
        while (read < sent.Length)
        {
            read += await stream.ReadAsync(buffer, TestContext.Current.CancellationToken);
        }

        // The third is passed on, and nothing behind it before it is paid for.
        var next = stream.ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask();
        Assert.False(next.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, await next);
    }

    private static async Task<byte[]> PassedOnAsync(byte[] sent, int bytesARead)
    {
        await using MaskedStream stream = new(new Pieces(sent, bytesARead));
        using MemoryStream all = new();
        var buffer = new byte[64];
        for (int read; (read = await stream.ReadAsync(buffer, TestContext.Current.CancellationToken)) > 0;)
        {
            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    }

    /// <summary>As it comes from a network: a few bytes a read.</summary>
    private sealed class Pieces(byte[] all, int bytesARead) : MemoryStream(all)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(bytesARead, buffer.Length)], cancellationToken);
    }
}
