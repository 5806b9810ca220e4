using System.Buffers;

namespace WebMessenger.Broker.Archives;

/// <summary>Gathers what a ZIP is written of, until it is given on.</summary>
/// <remarks>The framework ends each part of a ZIP by writes that block (.NET 10), which no connection may have.</remarks>
internal sealed class GatheredBytes(Stream target) : Stream
{
    private readonly ArrayBufferWriter<byte> _bytes = new(64 * 1024);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Gives on what was gathered.</summary>
    public async ValueTask GiveOnAsync(CancellationToken cancellation)
    {
        await target.WriteAsync(_bytes.WrittenMemory, cancellation);
        _bytes.ResetWrittenCount();
    }

    public override void Write(byte[] buffer, int offset, int count) => _bytes.Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => _bytes.Write(buffer);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _bytes.Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        Write(buffer, offset, count);
        return Task.CompletedTask;
    }

    public override void Flush()
    {
        // What is gathered is given on by its own call.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
