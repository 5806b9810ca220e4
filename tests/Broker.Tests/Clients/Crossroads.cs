using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>A place where the server waits for something else: the rooms' answer, the record store, the event log.</summary>
internal enum Crossing
{
    None,
    BeforeTopicAccess,
    AfterTopicAccess,
    BeforeRecord,
    AfterRecord,
    BeforeAppend,
}

/// <summary>
/// Holds a server at one of its awaits until the test lets it go on, so that something else can happen just there.
/// The parts themselves are the real ones.
/// </summary>
internal sealed class Crossroads
{
    private readonly Lock _gate = new();
    private Crossing _armed;
    private TaskCompletionSource _reached = New();
    private TaskCompletionSource _released = New();

    /// <summary>Completes when the server has come to the armed crossing.</summary>
    public Task Reached => _reached.Task;

    public void Place(IServiceCollection services)
    {
        var log = (IEventLog)services.Last(service => service.ServiceType == typeof(IEventLog)).ImplementationInstance!;
        var records = (IRecords)services.Last(service => service.ServiceType == typeof(IRecords)).ImplementationInstance!;
        services.AddSingleton<IEventLog>(new HeldLog(this, log));
        services.AddSingleton<IRecords>(new HeldRecords(this, records));
        services.AddSingleton<ITopicAccess>(provider => new HeldAccess(this, ActivatorUtilities.CreateInstance<RoomAccess>(provider)));
    }

    public void Arm(Crossing crossing)
    {
        lock (_gate)
        {
            (_armed, _reached, _released) = (crossing, New(), New());
        }
    }

    /// <summary>Lets go on who waits, and holds nobody any more.</summary>
    public void Release()
    {
        lock (_gate)
        {
            _armed = Crossing.None;
            _released.TrySetResult();
        }
    }

    private Task PassAsync(Crossing crossing)
    {
        lock (_gate)
        {
            if (crossing != _armed)
            {
                return Task.CompletedTask;
            }

            _reached.TrySetResult();
            return _released.Task;
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class HeldAccess(Crossroads crossroads, ITopicAccess inner) : ITopicAccess
    {
        public async ValueTask<Verdict> MaySubscribeAsync(LoginSession session, IAskedFilter filter, CancellationToken cancellation)
        {
            await crossroads.PassAsync(Crossing.BeforeTopicAccess);
            var verdict = await inner.MaySubscribeAsync(session, filter, cancellation);
            await crossroads.PassAsync(Crossing.AfterTopicAccess);
            return verdict;
        }
    }

    private sealed class HeldRecords(Crossroads crossroads, IRecords inner) : IRecords
    {
        // Handed over one at a time, in the order they came: what is held holds what comes behind it.
        private readonly Lock _order = new();
        private Task _last = Task.CompletedTask;

        public Task WriteAsync(IReadOnlyList<RecordChange> changes) => HandOver(() => inner.WriteAsync(changes)).Unwrap();

        public async Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions) =>
            await await HandOver(() => inner.WriteAsync(changes, conditions));

        public byte[]? Find(ReadOnlySpan<byte> key) => inner.Find(key);

        public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit) => inner.ReadPage(prefix, after, limit);

        public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) => inner.ReadAll(prefix);

        private Task<T> HandOver<T>(Func<T> write)
            where T : Task
        {
            lock (_order)
            {
                var handedOver = HandOverAsync(_last, write);
                _last = handedOver;
                return FinishAsync(handedOver);
            }
        }

        private async Task<T> HandOverAsync<T>(Task before, Func<T> write)
            where T : Task
        {
            await before;
            await crossroads.PassAsync(Crossing.BeforeRecord);
            return write();
        }

        private async Task<T> FinishAsync<T>(Task<T> handedOver)
            where T : Task
        {
            var written = await handedOver;
            await written;
            await crossroads.PassAsync(Crossing.AfterRecord);
            return written;
        }
    }

    private sealed class HeldLog(Crossroads crossroads, IEventLog inner) : IEventLog
    {
        public void Append(PendingAppend append, bool moreFollows)
        {
            var pass = crossroads.PassAsync(Crossing.BeforeAppend);
            if (pass.IsCompleted)
            {
                inner.Append(append, moreFollows);
            }
            else
            {
                _ = pass.ContinueWith(_ => inner.Append(append), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }

        public void Wake() => inner.Wake();

        public OpenLog Open(LogName log) => inner.Open(log);

        public Task SettleAsync() => inner.SettleAsync();

        public LogHead Head(LogName log) => inner.Head(log);

        public LogPage ReadAfter(LogName log, long after, int limit) => inner.ReadAfter(log, after, limit);

        public LogPage ReadBefore(LogName log, long before, int limit) => inner.ReadBefore(log, before, limit);

        public Task TruncateAsync(LogName log, long before) => inner.TruncateAsync(log, before);

        public Task DropAsync(LogName log) => inner.DropAsync(log);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
