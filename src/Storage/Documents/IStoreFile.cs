namespace WebMessenger.Storage.Documents;

/// <summary>One file of the document store: bytes at offsets, and a sync. Reads and writes come one at a time.</summary>
/// <remarks>
/// The seam exists because a power cut cannot be had otherwise: the test records what passes through here and builds from it the files that
/// a cut could leave. Every member may throw <see cref="IOException"/>.
/// </remarks>
internal interface IStoreFile : IDisposable
{
    long Length { get; }

    /// <summary>Fills <paramref name="buffer"/>, or less where the file ends; says how much.</summary>
    int Read(Span<byte> buffer, long offset);

    void Write(ReadOnlySpan<byte> bytes, long offset);

    void SetLength(long length);

    /// <summary>Returns when everything written before, the length included, survives a power cut.</summary>
    void Sync();
}
