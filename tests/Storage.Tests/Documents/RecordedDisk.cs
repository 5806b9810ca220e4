using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>
/// Remembers all that a store did to its two files and when it acknowledged what;
/// <see cref="PowerCuts"/> makes of it what a cut could leave.
/// </summary>
internal sealed class RecordedDisk
{
    private readonly Lock _gate = new();
    private readonly List<Operation> _operations = [];

    public RecordedDisk() => Files = new StoreFiles("recorded", new RecordedFile(this, 0), new RecordedFile(this, 1));

    /// <summary>
    /// The disk as it was after <paramref name="before"/>, synced or not: what the process that comes after a killed one finds.
    /// </summary>
    public RecordedDisk(IEnumerable<Operation> before) : this()
    {
        foreach (var operation in before)
        {
            switch (operation)
            {
                case Written written:
                    File(written).Write(written.Bytes, written.Offset);
                    break;
                case Resized resized:
                    File(resized).SetLength(resized.Length);
                    break;
                default:
                    Add(operation);
                    break;
            }
        }
    }

    public StoreFiles Files { get; }

    public void Acknowledge(int transaction) => Add(new Acknowledgement(transaction));

    public IReadOnlyList<Operation> Operations()
    {
        lock (_gate)
        {
            return [.. _operations];
        }
    }

    private IStoreFile File(FileOperation operation) => operation.File == 0 ? Files.Data : Files.Log;

    private void Add(Operation operation)
    {
        lock (_gate)
        {
            _operations.Add(operation);
        }
    }

    internal abstract record Operation;

    internal sealed record Acknowledgement(int Transaction) : Operation;

    internal abstract record FileOperation(int File) : Operation;

    internal sealed record Written(int File, long Offset, byte[] Bytes) : FileOperation(File);

    internal sealed record Resized(int File, long Length) : FileOperation(File);

    internal sealed record Synced(int File) : FileOperation(File);

    private sealed class RecordedFile(RecordedDisk disk, int file) : MemoryFile
    {
        public override void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            base.Write(bytes, offset);
            disk.Add(new Written(file, offset, bytes.ToArray()));
        }

        public override void SetLength(long length)
        {
            base.SetLength(length);
            disk.Add(new Resized(file, length));
        }

        public override void Sync() => disk.Add(new Synced(file));
    }
}
