using System.IO.Pipelines;
using System.Net.Security;
using Microsoft.AspNetCore.Connections;

namespace WebMessenger.Broker.Connections;

/// <summary>A connection that Kestrel accepted for MQTT and did the TLS handshake of.</summary>
/// <param name="raw">What the encrypted bytes are written to.</param>
/// <remarks>
/// Output has a pipe of its own: Kestrel's is a StreamPipeWriter there, which takes nothing while a flush is under way (ASP.NET Core 10). And Kestrel ends a TLS connection only
/// when its handler returns; the peer shall learn of the end when all was sent.
/// </remarks>
internal sealed class TlsTransport(ConnectionContext connection, SslStream stream, PipeWriter raw) : KestrelTransport(connection)
{
    private readonly Pipe _output = new(new PipeOptions(pauseWriterThreshold: 65536, resumeWriterThreshold: 32768, useSynchronizationContext: false));

    public override PipeWriter Output => _output.Writer;

    public override bool IsEncrypted => true;

    public override void Abort()
    {
        base.Abort();
        _output.Reader.CancelPendingRead();
    }

    /// <summary>Encrypts and sends what is written, until that is completed or the connection is aborted.</summary>
    public async Task PumpAsync()
    {
        var reader = _output.Reader;
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync();
                foreach (var segment in read.Buffer)
                {
                    await stream.WriteAsync(segment);
                }

                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCanceled)
                {
                    break;
                }

                if (read.IsCompleted)
                {
                    await stream.ShutdownAsync();
                    await raw.CompleteAsync();
                    break;
                }
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The connection is gone; the receive side notices and cleans up.
        }

        await reader.CompleteAsync();
    }
}

/// <summary>The encrypted side of a connection, which Kestrel hides behind the handshake.</summary>
internal sealed record EncryptedPipe(PipeWriter Output);
