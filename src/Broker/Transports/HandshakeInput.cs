using System.Buffers;
using System.IO.Pipelines;

namespace WebMessenger.Broker.Transports;

/// <summary>
/// What a peer sends before its TLS handshake is over is counted: OpenSSL takes 100 KiB of certificates from anybody, checks their
/// signatures, and holds them for as long as the connection lasts.
/// </summary>
/// <remarks>
/// What the handshake takes is counted, and not what it leaves: a client may send its CONNECT, and more, right behind its last message.
/// </remarks>
internal sealed class HandshakeInput(PipeReader encrypted) : PipeReader
{
    /// <summary>One certificate with the largest RSA key, a request of today and what is around them: three times over.</summary>
    public const int MostBytes = 32 * 1024;

    private long _taken;
    private ReadOnlySequence<byte> _read;
    private volatile bool _isOver;

    /// <summary>From here on it is the client's business how much it sends.</summary>
    public void Over() => (_isOver, _read) = (true, default);

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        _isOver ? encrypted.ReadAsync(cancellationToken) : ReadCountedAsync(cancellationToken);

    public override bool TryRead(out ReadResult result)
    {
        if (_isOver)
        {
            return encrypted.TryRead(out result);
        }

        ThrowIfTooMuch();
        var hasRead = encrypted.TryRead(out result);
        _read = result.Buffer;
        return hasRead;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (!_isOver)
        {
            _taken += _read.Slice(_read.Start, consumed).Length;
        }

        encrypted.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => encrypted.CancelPendingRead();

    public override void Complete(Exception? exception = null) => encrypted.Complete(exception);

    private async ValueTask<ReadResult> ReadCountedAsync(CancellationToken cancellation)
    {
        ThrowIfTooMuch();
        var read = await encrypted.ReadAsync(cancellation);
        _read = read.Buffer;
        return read;
    }

    // Before each read, which takes no more than a message of TLS: a handshake that needs no other one is over.
    private void ThrowIfTooMuch()
    {
        if (/* guard: bytes of a handshake */ _taken > MostBytes)
        {
            throw new IOException("A handshake of TLS was longer than any that is meant.");
        }
    }
}
