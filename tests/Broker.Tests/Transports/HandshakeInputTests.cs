using System.IO.Pipelines;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Tests.Transports;

/// <summary>What a handshake takes of a connection's bytes is counted, and not what lies behind it.</summary>
public sealed class HandshakeInputTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_client_sends_behind_its_handshake_is_not_counted(bool tries)
    {
        Pipe sent = new(new PipeOptions(pauseWriterThreshold: 0));
        HandshakeInput input = new(sent.Reader);
        await sent.Writer.WriteAsync(new byte[1000 + (2 * HandshakeInput.MostBytes)], TestContext.Current.CancellationToken);

        input.AdvanceTo((await ReadAsync(input, tries)).Buffer.GetPosition(500));
        input.AdvanceTo((await ReadAsync(input, tries)).Buffer.GetPosition(500));
        input.Over();

        var rest = await ReadAsync(input, tries);
        Assert.Equal(2 * HandshakeInput.MostBytes, rest.Buffer.Length);
        input.AdvanceTo(rest.Buffer.End);
        await sent.Writer.WriteAsync(new byte[1], TestContext.Current.CancellationToken);
        Assert.Equal(1, (await ReadAsync(input, tries)).Buffer.Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Attack_7_A_handshake_that_has_taken_more_than_it_may_is_read_no_further(bool tries)
    {
        Pipe sent = new(new PipeOptions(pauseWriterThreshold: 0));
        HandshakeInput input = new(sent.Reader);
        await sent.Writer.WriteAsync(new byte[HandshakeInput.MostBytes + 2], TestContext.Current.CancellationToken);
        input.AdvanceTo((await ReadAsync(input, tries)).Buffer.GetPosition(HandshakeInput.MostBytes));
        input.AdvanceTo((await ReadAsync(input, tries)).Buffer.GetPosition(1));

        await Assert.ThrowsAsync<IOException>(async () => await ReadAsync(input, tries));
    }

    private static async Task<ReadResult> ReadAsync(PipeReader input, bool tries)
    {
        if (!tries)
        {
            return await input.ReadAsync(TestContext.Current.CancellationToken);
        }

        Assert.True(input.TryRead(out var read));
        return read;
    }
}
