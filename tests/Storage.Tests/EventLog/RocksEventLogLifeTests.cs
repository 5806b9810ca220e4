using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

public sealed class RocksEventLogLifeTests : EventLogLifeContract
{
    private readonly TempFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    private protected override IEventLog Open() => RocksEventLog.Open(_folder.In("events"), null, Time, NullLogger<RocksEventLog>.Instance);
}
