using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>A real file on a disk that is full, or whose syncs fail, for as long as the test says so.</summary>
internal sealed class FaultyFile(IStoreFile file) : IStoreFile
{
    private volatile bool _isFull;
    private volatile bool _failsToSync;
    private int _syncs;

    public bool IsFull { get => _isFull; set => _isFull = value; }

    public bool FailsToSync { get => _failsToSync; set => _failsToSync = value; }

    /// <summary>How many syncs have succeeded.</summary>
    public int Syncs => Volatile.Read(ref _syncs);

    /// <summary>Decides by chance, where it is set, which calls fail.</summary>
    public Func<bool>? Mishap { get; set; }

    public long Length => file.Length;

    public int Read(Span<byte> buffer, long offset)
    {
        ThrowOnMishap();
        return file.Read(buffer, offset);
    }

    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        ThrowOnMishap();
        if (IsFull && offset + bytes.Length > Length)
        {
            // As a full disk does: what still fits is written, then the call fails.
            file.Write(bytes[..(bytes.Length / 2)], offset);
            throw new IOException("No space left on device.");
        }
        file.Write(bytes, offset);
    }

    public void SetLength(long length)
    {
        ThrowOnMishap();
        file.SetLength(length);
    }

    public void Sync()
    {
        if (FailsToSync)
        {
            throw new IOException("Input/output error.");
        }
        ThrowOnMishap();
        file.Sync();
        Interlocked.Increment(ref _syncs);
    }

    public void Dispose() => file.Dispose();

    private void ThrowOnMishap()
    {
        if (Mishap?.Invoke() is true)
        {
            throw new IOException("Input/output error.");
        }
    }
}
