namespace WebMessenger.Storage.Documents;

/// <summary>
/// LiteDB's data file, each page in a checked frame. LiteDB writes it in a checkpoint only,
/// and syncs it (<see cref="Flush"/>) before it truncates the log.
/// </summary>
internal sealed class DataStream(IStoreFile file, string path) : StoreStream
{
    private readonly Lock _gate = new();
    private readonly byte[] _frame = new byte[PageFrame.Size];
    private bool _sealed;

    public override long Length => file.Length / PageFrame.Size * Page.Size;

    public override int Read(byte[] buffer, int offset, int count)
    {
        ThrowIfNotOnePage(count);
        var index = (uint)(Position / Page.Size);
        lock (_gate)
        {
            // LiteDB has no checksums: it would serve a flipped bit as somebody's data, and what is missing as zeros.
            if (file.Read(_frame, index * (long)PageFrame.Size) < PageFrame.Size || !PageFrame.IsIntact(_frame, index))
            {
                throw StoreUnavailableException.DamagedData(path, index);
            }
            _frame.AsSpan(PageFrame.HeaderSize).CopyTo(buffer.AsSpan(offset));
        }
        Position += count;
        return count;
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        ThrowIfNotOnePage(count);
        var index = (uint)(Position / Page.Size);
        lock (_gate)
        {
            ThrowIfSealed();
            PageFrame.Build(_frame, buffer.AsSpan(offset, count), 0, index, 0);
            file.Write(_frame, index * (long)PageFrame.Size);
        }
        Position += count;
    }

    public override void Flush() => file.Sync();

    public override void SetLength(long value) => throw new InvalidOperationException("LiteDB only ever lets its data file grow by writing.");

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
