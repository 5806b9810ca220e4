using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>The real records, on a disk that takes as long as the test says, and that refuses while the test says so.</summary>
internal sealed class GatedRecords : IRecords
{
    private readonly ConcurrentQueue<string> _read = new();
    private readonly ConcurrentQueue<HashSet<string>> _deleted = new();
    private readonly ConcurrentQueue<string> _refused = new();
    private readonly Lock _gate = new();
    private IRecords? _real;
    private TaskCompletionSource? _held;
    private TaskCompletionSource _begun = New();
    private int _wanted;
    private int _waiting;

    public volatile bool Fails;

    /// <summary>The keys of what was refused since.</summary>
    public IEnumerable<string> Refused => _refused;

    /// <summary>The key of the one record that cannot be read.</summary>
    public volatile string? Unreadable;

    /// <summary>While it is set, records whose keys begin so are neither written nor read.</summary>
    public volatile string? FailsFor;

    private int _timesRefused;

    /// <summary>How often <see cref="FailsFor"/> was met.</summary>
    public int TimesRefused => Volatile.Read(ref _timesRefused);

    /// <summary>Prefixes that were read.</summary>
    public IEnumerable<string> Read => _read;

    /// <summary>The keys that each write deleted.</summary>
    public IEnumerable<IReadOnlySet<string>> Deleted => _deleted;

    private IRecords Real => _real ?? throw new InvalidOperationException("Not placed.");

    public void Place(IServiceCollection services)
    {
        _real = (IRecords)services.Last(service => service.ServiceType == typeof(IRecords)).ImplementationInstance!;
        services.AddSingleton<IRecords>(this);
    }

    /// <summary>
    /// From now on nothing that is written is done before <see cref="Release"/>; or, when this is called again, before what the earlier
    /// call returned is.
    /// </summary>
    public Action Hold()
    {
        var held = New();
        lock (_gate)
        {
            (_held, _begun, _wanted, _waiting) = (held, New(), int.MaxValue, 0);
        }

        return () => held.TrySetResult();
    }

    /// <summary>Completes when so many writes wait at once.</summary>
    public Task Waiting(int count)
    {
        lock (_gate)
        {
            _wanted = count;
            if (_waiting >= count)
            {
                _begun.TrySetResult();
            }

            return _begun.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        }
    }

    public void Release()
    {
        lock (_gate)
        {
            _held?.TrySetResult();
            _held = null;
        }
    }

    public void ForgetRead() => _read.Clear();

    public Task WriteAsync(IReadOnlyList<RecordChange> changes) => WriteAsync(changes, []);

    // Handed over at once, in the order they come, as the log takes them; only the answer comes late.
    public async Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions)
    {
        if (Fails)
        {
            changes.Select(change => Encoding.ASCII.GetString(change.Key)).ToList().ForEach(_refused.Enqueue);
            throw new RecordsNotWrittenException("The disk refuses.");
        }

        foreach (var change in changes)
        {
            Refuse(change.Key);
        }

        _deleted.Enqueue([.. changes.Where(change => change.Value is null).Select(change => Encoding.ASCII.GetString(change.Key))]);
        var writing = Real.WriteAsync(changes, conditions);
        Task held;
        lock (_gate)
        {
            held = _held?.Task ?? Task.CompletedTask;
            if (_held is not null && ++_waiting >= _wanted)
            {
                _begun.TrySetResult();
            }
        }

        await held;
        return await writing;
    }

    public byte[]? Find(ReadOnlySpan<byte> key)
    {
        Refuse(key);
        return Encoding.ASCII.GetString(key) == Unreadable ? throw new IOException("The disk gives nothing back.") : Real.Find(key);
    }

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit)
    {
        Refuse(prefix);
        _read.Enqueue(Encoding.ASCII.GetString(prefix));
        return Real.ReadPage(prefix, after, limit);
    }

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix)
    {
        _read.Enqueue(Encoding.ASCII.GetString(prefix));
        return Real.ReadAll(prefix);
    }

    private void Refuse(ReadOnlySpan<byte> key)
    {
        if (FailsFor is { } prefix && Encoding.UTF8.GetString(key).StartsWith(prefix, StringComparison.Ordinal))
        {
            Interlocked.Increment(ref _timesRefused);
            throw new RecordsNotWrittenException("The disk refuses this.");
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
