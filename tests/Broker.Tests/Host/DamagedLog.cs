using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>The real log, of which the test says what is damaged: what cannot be read takes nothing either, as the real one.</summary>
internal sealed class DamagedLog : IEventLog
{
    private IEventLog? _real;

    /// <summary>Logs of which nothing can be read.</summary>
    public HashSet<LogName> Logs { get; } = [];

    /// <summary>Logs that can be read and take nothing.</summary>
    public HashSet<LogName> Refusing { get; } = [];

    /// <summary>Single entries that cannot be read.</summary>
    public HashSet<(LogName Log, long Seq)> Entries { get; } = [];

    /// <summary>The longest stretch that was asked for backwards, of each log.</summary>
    public Dictionary<LogName, int> Longest { get; } = [];

    private IEventLog Real => _real ?? throw new InvalidOperationException("Not placed.");

    public void Place(IServiceCollection services)
    {
        _real = (IEventLog)services.Last(service => service.ServiceType == typeof(IEventLog)).ImplementationInstance!;
        services.AddSingleton<IEventLog>(this);
    }

    public void Append(PendingAppend append, bool moreFollows = false)
    {
        if (Logs.Contains(append.Log) || Refusing.Contains(append.Log))
        {
            append.Complete(AppendOutcome.StoreFailed);
            append.Proceed(mayWork: false);
            return;
        }

        Real.Append(append, moreFollows);
    }

    public void Wake() => Real.Wake();

    public Task SettleAsync() => Real.SettleAsync();

    public LogHead Head(LogName log) => Whole(log).Head(log);

    public OpenLog Open(LogName log) => Whole(log).Open(log);

    public LogPage ReadAfter(LogName log, long after, int limit) => Whole(log, Whole(log).ReadAfter(log, after, limit));

    public LogPage ReadBefore(LogName log, long before, int limit)
    {
        lock (Longest)
        {
            Longest[log] = Math.Max(Longest.GetValueOrDefault(log), limit);
        }

        return Whole(log, Whole(log).ReadBefore(log, before, limit));
    }

    public Task TruncateAsync(LogName log, long before) => Real.TruncateAsync(log, before);

    public Task DropAsync(LogName log) => Real.DropAsync(log);

    public ValueTask DisposeAsync() => Real.DisposeAsync();

    private IEventLog Whole(LogName log) => Logs.Contains(log) ? throw new LogDamagedException("Damaged by the test.") : Real;

    private LogPage Whole(LogName log, LogPage page) =>
        page.Entries.Any(entry => Entries.Contains((log, entry.Seq))) ? throw new LogDamagedException("Damaged by the test.") : page;
}
