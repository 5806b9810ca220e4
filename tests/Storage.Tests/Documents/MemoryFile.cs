using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>A file as a simulated disk holds it.</summary>
internal class MemoryFile : IStoreFile
{
    private readonly MemoryStream _bytes = new();

    public long Length => _bytes.Length;

    public int Read(Span<byte> buffer, long offset)
    {
        _bytes.Position = offset;
        return _bytes.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
    }

    public virtual void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        _bytes.Position = offset;
        _bytes.Write(bytes);
    }

    public virtual void SetLength(long length) => _bytes.SetLength(length);

    public virtual void Sync()
    {
    }

    public MemoryFile Copy()
    {
        MemoryFile copy = new();
        _bytes.WriteTo(copy._bytes);
        return copy;
    }

    // What lies on a disk outlives whoever had it open.
    public void Dispose()
    {
    }
}
