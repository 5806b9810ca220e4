using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Tests.Transports;

/// <summary>Connections that end before they say anything.</summary>
public sealed class FirstByteTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_that_is_reset_before_it_says_anything_is_no_fault(bool isBrokenAlready)
    {
        Pipe pipe = new();
        ConnectionResetException reset = new("Connection reset by peer");
        if (isBrokenAlready)
        {
            await pipe.Writer.CompleteAsync(reset);
        }

        var comes = FirstByte.ComesAsync(pipe.Reader, TimeProvider.System);
        await pipe.Writer.CompleteAsync(reset);

        Assert.False(await comes);
    }
}
