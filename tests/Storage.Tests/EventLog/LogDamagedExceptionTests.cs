using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>What RocksDB could not read is damaged, or cannot be read now: whoever would pass over it for good must know which.</summary>
public sealed class LogDamagedExceptionTests
{
    [Theory]
    [InlineData("Corruption: block checksum mismatch", false)]
    [InlineData("IO error: No such file or directory: While open a file for random read: 000012.sst", false)]
    [InlineData("IO error: Too many open files: While open a file for random read: 000012.sst", true)]
    [InlineData("IO error: Input/output error: While pread offset 0 len 4096: 000012.sst", true)]
    public void What_may_pass_is_no_damage(string message, bool mayPass) =>
        Assert.Equal(mayPass, LogDamagedException.Of(message).MayPass);
}
