using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Clients;

/// <summary>How the transport of a connection is closed after the last packet was written.</summary>
internal static class Goodbye
{
    /// <summary>
    /// How long a peer that reads may take to take its DISCONNECT before the transport is cut; at the end of a login session much less.
    /// </summary>
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RevokedTime = TimeSpan.FromMilliseconds(20);

    /// <summary>Completes when the transport is closed.</summary>
    /// <param name="isStalled">The peer does not take what was written before, so nobody waits for it.</param>
    /// <param name="wasRevoked">The login session has ended.</param>
    public static async Task CloseAsync(Transport transport, bool isStalled, bool wasRevoked, TimeProvider time)
    {
        try
        {
            if (!isStalled)
            {
                transport.Output.Complete();
                await Task.WhenAny(transport.Closed, Task.Delay(wasRevoked ? RevokedTime : Time, time));
            }

            transport.Abort();
            await transport.Closed;
        }
        catch (Exception error) when (error is InvalidOperationException or IOException or ObjectDisposedException)
        {
            // The transport fell apart while it was closed, which is what was wanted.
            transport.Abort();
        }
    }
}
