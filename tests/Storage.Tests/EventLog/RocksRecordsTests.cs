using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

public sealed class RocksRecordsTests : RecordsContract
{
    private readonly TempFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    private protected override (IEventLog Log, IRecords Records) Open()
    {
        var log = RocksEventLog.Open(_folder.In("events"), null, TimeProvider.System, NullLogger<RocksEventLog>.Instance);
        return (log, log);
    }
}
