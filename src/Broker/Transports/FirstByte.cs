using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace WebMessenger.Broker.Transports;

/// <summary>
/// Closes HTTP connections that say nothing. Kestrel gives a new one the time of an idle one,
/// minutes, before it looks for a request (ASP.NET Core 10).
/// </summary>
internal static class FirstByte
{
    /// <summary>
    /// From the end of the TLS handshake, where there is one. Browsers open connections in advance,
    /// and open another when such a one is closed.
    /// </summary>
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(5);

    /// <summary>After TLS, whose handshake has a time of its own.</summary>
    public static void CloseSilent(this ListenOptions options)
    {
        var time = options.ApplicationServices.GetRequiredService<TimeProvider>();
        options.Use(next => async connection =>
        {
            if (await ComesAsync(connection.Transport.Input, time))
            {
                await next(connection);
            }
            else
            {
                connection.Abort();
            }
        });
    }

    /// <summary>False: nothing came, in time or ever.</summary>
    internal static async Task<bool> ComesAsync(PipeReader input, TimeProvider time)
    {
        try
        {
            // Of a connection that is broken already, this throws and not the wait for it.
            var reading = input.ReadAsync();
            using var patience = reading.IsCompleted ? null : new CancellationTokenSource(Time, time);
            using var giveUp = patience?.Token.UnsafeRegister(static input => ((PipeReader)input!).CancelPendingRead(), input);
            var read = await reading;
            var came = !read.Buffer.IsEmpty;

            // Nothing is taken: whoever reads next finds all of it.
            input.AdvanceTo(read.Buffer.Start);
            return came;
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ConnectionAbortedException)
        {
            // It broke before it said anything.
            return false;
        }
    }
}
