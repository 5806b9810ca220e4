using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.MqttSessions;

/// <summary>Until disposed the store has its hands full: what is handed to it waits.</summary>
internal sealed class BusyStore : IDisposable
{
    private readonly ManualResetEventSlim _goesOn = new();

    public BusyStore(IEventLog log)
    {
        Blocking blocking = new(_goesOn);
        log.Append(blocking);
        blocking.Begun.Wait();
    }

    public void Dispose() => _goesOn.Set();

    private sealed class Blocking(ManualResetEventSlim goesOn) : PendingAppend(LogName.OfRoom("busy"), "nobody", null, default, default)
    {
        public ManualResetEventSlim Begun { get; } = new();

        protected override void Completed()
        {
            Begun.Set();
            goesOn.Wait();
        }
    }
}
