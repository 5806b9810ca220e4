namespace WebMessenger.Auth.Storage;

/// <summary>LiteDB's data file. LiteDB writes it in a checkpoint only, and syncs it (<see cref="Flush"/>) before it truncates the log.</summary>
internal sealed class DataStream(IStoreFile file) : StoreStream
{
    private readonly Lock _gate = new();
    private bool _sealed;

    public override long Length => file.Length;

    public override int Read(byte[] buffer, int offset, int count)
    {
        // LiteDB takes what is missing for zeros, and would serve a cut-off file as an emptier one.
        if (file.Read(buffer.AsSpan(offset, count), Position) < count)
        {
            throw new EndOfStreamException($"The data file ends before byte {Position + count}.");
        }
        Position += count;
        return count;
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        lock (_gate)
        {
            ThrowIfSealed();
            file.Write(buffer.AsSpan(offset, count), Position);
        }
        Position += count;
    }

    public override void Flush() => file.Sync();

    public override void SetLength(long value)
    {
        lock (_gate)
        {
            ThrowIfSealed();
            file.SetLength(value);
        }
    }

    public override void Seal()
    {
        lock (_gate)
        {
            _sealed = true;
        }
    }

    private void ThrowIfSealed()
    {
        if (_sealed)
        {
            throw Sealed();
        }
    }
}
