using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

public sealed class RocksRoomLogTests : RoomLogContract
{
    private readonly TempFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    private protected override IRoomLog Open() => RocksRoomLog.Open(_folder.In("events"), null, Time, NullLogger<RocksRoomLog>.Instance);
}
