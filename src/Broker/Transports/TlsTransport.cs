using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using Microsoft.AspNetCore.Connections;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Broker.Transports;

/// <summary>A connection that Kestrel accepted for MQTT and did the TLS handshake of.</summary>
/// <remarks>
/// Output has a pipe of its own: Kestrel's is a StreamPipeWriter there, which takes nothing while a flush is under way (ASP.NET Core 10).
/// And Kestrel ends a TLS connection only when its handler returns; the peer shall learn of the end when all was sent.
/// </remarks>
internal sealed class TlsTransport : Transport
{
    private readonly ConnectionContext _connection;
    private readonly SslStream _stream;
    private readonly PipeWriter _raw;
    private readonly Pipe _output = new(OutputOptions);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="raw">What the encrypted bytes are written to.</param>
    public TlsTransport(ConnectionContext connection, SslStream stream, PipeWriter raw)
    {
        (_connection, _stream, _raw) = (connection, stream, raw);

        // Also of a handshake that goes on from an earlier one, whose ticket has it.
        using var shown = stream.RemoteCertificate;
        Certificate = shown is null ? null : Fingerprint.Of(shown);
        connection.ConnectionClosed.UnsafeRegister(static closed => ((TaskCompletionSource)closed!).TrySetResult(), _closed);
    }

    public override PipeReader Input => _connection.Transport.Input;

    public override PipeWriter Output => _output.Writer;

    public override IPEndPoint? RemoteEndPoint => _connection.RemoteEndPoint as IPEndPoint;

    public override bool IsEncrypted => true;

    public override Fingerprint? Certificate { get; }

    public override Task Closed => _closed.Task;

    /// <remarks>
    /// The input is left to Kestrel. Told that nobody reads it, and with something of the peer's unread, Kestrel 10 calls the connection
    /// closed at once, and whoever aborts it then cuts off what still waits to be sent.
    /// </remarks>
    public override void Finish() => Output.Complete();

    public override void Abort()
    {
        _connection.Abort();
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
                    await _stream.WriteAsync(segment);
                }

                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCanceled)
                {
                    break;
                }

                if (read.IsCompleted)
                {
                    await _stream.ShutdownAsync();
                    await _raw.CompleteAsync();
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
internal sealed record EncryptedPipe(HandshakeInput Handshake, PipeWriter Output) : IDuplexPipe
{
    public PipeReader Input => Handshake;
}
