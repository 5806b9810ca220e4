using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

public sealed class RocksRecordStoreTests : RecordStoreContract
{
    private readonly TempFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    private protected override (IRoomLog Log, IRecordStore Records) Open()
    {
        var log = RocksRoomLog.Open(_folder.In("events"), null, TimeProvider.System, NullLogger<RocksRoomLog>.Instance);
        return (log, log);
    }
}
