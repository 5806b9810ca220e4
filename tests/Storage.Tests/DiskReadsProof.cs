using WebMessenger.Storage;

[assembly: AssemblyFixture(typeof(WebMessenger.Storage.Tests.DiskReadsProof))]

namespace WebMessenger.Storage.Tests;

/// <summary>
/// Fails the run if a store was read where nobody may wait for a disk, also when whoever read it has dealt with the exception.
/// </summary>
public sealed class DiskReadsProof : IDisposable
{
    public void Dispose() => Assert.Empty(DiskReads.Wrong);
}
