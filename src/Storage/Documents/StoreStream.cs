namespace WebMessenger.Storage.Documents;

/// <summary>What LiteDB's two streams have in common: a position, and an end that LiteDB does not decide.</summary>
internal abstract class StoreStream : Stream
{
    public sealed override bool CanRead => true;

    public sealed override bool CanSeek => true;

    public sealed override bool CanWrite => true;

    // LiteDB 5.0.20 sets it under its own lock on this stream just before each read and write.
    public sealed override long Position { get; set; }

    public sealed override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => Length + offset,
    };

    /// <summary>From here on nothing is written: an engine that was given up may still have a thread that tries.</summary>
    public abstract void Seal();

    protected static void ThrowIfNotOnePage(int count)
    {
        if (count != Page.Size)
        {
            throw new InvalidOperationException("LiteDB reads and writes page by page.");
        }
    }

    protected static IOException Sealed() => new("This engine was given up.");
}
