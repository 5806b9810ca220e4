using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

public sealed class LogStatesTests : LogHeadsContract, IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private protected override (IEventLog Log, Func<int> HeadsInMemory) Open(int inMemory)
    {
        var log = RocksEventLog.Open(
            _folder.In("events"), new RocksEventLogOptions { LogsInMemory = inMemory }, TimeProvider.System, NullLogger<RocksEventLog>.Instance);
        return (log, () => log.HeadsInMemory);
    }
}
