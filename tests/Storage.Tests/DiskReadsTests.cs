using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Storage.Tests;

/// <summary>The proof proves something: a read is found where none may be made.</summary>
public sealed class DiskReadsTests : IAsyncLifetime
{
    private static readonly LogName Lobby = LogName.OfRoom("lobby");

    private readonly TempFolder _folder = new();
    private RocksEventLog _log = null!;

    public ValueTask InitializeAsync()
    {
        _log = RocksEventLog.Open(_folder.In("events"), null, TimeProvider.System, NullLogger<RocksEventLog>.Instance);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public void Fault_R6_No_read_may_be_made_under_a_lock()
    {
        var gate = DiskReads.NoneUnder(new Lock());
        var other = new Lock();
        lock (other)
        {
            Assert.Null(_log.Find("key"u8));
        }

        lock (gate)
        {
            AssertNoRead();
        }

        Assert.Null(_log.Find("key"u8));
    }

    [Fact]
    public void Fault_R6_No_read_may_be_made_on_a_thread_that_serves_sockets()
    {
        using (DiskReads.Forbid())
        {
            using (DiskReads.Forbid())
            {
                AssertNoRead();
            }

            AssertNoRead();
        }

        Assert.Null(_log.Find("key"u8));
    }

    [Fact]
    public void The_head_of_an_open_log_is_no_read()
    {
        var gate = DiskReads.NoneUnder(new Lock());
        var open = _log.Open(Lobby);
        lock (gate)
        {
            Assert.Equal(0, open.Head.Head);
            Assert.Equal(open.Head, _log.Head(Lobby));
        }
    }

    private void AssertNoRead()
    {
        Action[] reads =
        [
            () => _log.Find("key"u8),
            () => _log.ReadAll("key"u8),
            () => _log.ReadPage("key"u8, [], 1),
            () => _log.ReadAfter(Lobby, 0, 1),
            () => _log.ReadBefore(Lobby, 1, 1),
            () => _log.Head(LogName.OfRoom("garden")),
            () => _log.Open(LogName.OfRoom("garden")),
            () => _log.ReadLogs(null, 1),
            () => _log.ReadJournal(null, 1),
        ];
        foreach (var read in reads)
        {
            Assert.StartsWith("A disk is read ", Assert.Throws<InvalidOperationException>(read).Message, StringComparison.Ordinal);
        }

        Assert.Contains(DiskReads.Wrong, wrong => wrong.Contains(nameof(DiskReadsTests), StringComparison.Ordinal));
        DiskReads.Forget(wrong => wrong.Contains(nameof(DiskReadsTests), StringComparison.Ordinal));
    }
}
