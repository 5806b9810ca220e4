using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

public sealed class RocksFollowingTests : FollowingContract
{
    private readonly TempFolder _folder = new();
    private readonly RocksRoomLogOptions _options = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    private protected override (IRoomLog Log, IRecordStore Records, IJournal Journal) Open()
    {
        var log = RocksRoomLog.Open(_folder.In("events"), _options, Time, NullLogger<RocksRoomLog>.Instance);
        return (log, log, log);
    }

    private protected override Task SweepAsync() => RocksSweep.RunAsync(Log, Time, _options);
}
