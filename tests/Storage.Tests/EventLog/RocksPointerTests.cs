using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

public sealed class RocksPointerTests : PointerContract
{
    private readonly TempFolder _folder = new();
    private readonly RocksEventLogOptions _options = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    private protected override (IEventLog Log, IRecords Records, IJournal Journal) Open()
    {
        var log = RocksEventLog.Open(_folder.In("events"), _options, Time, NullLogger<RocksEventLog>.Instance);
        return (log, log, log);
    }

    private protected override Task SweepAsync() => RocksSweep.RunAsync(Log, Time, _options);
}
