using System.Text;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>
/// What the suites of the ports that came after the first share: one store, which is all of them, and ways to say something.
/// </summary>
public abstract class LogSuite : IAsyncLifetime
{
    private protected static LogName Lobby => LogName.OfRoom("lobby");

    private protected static LogName Garden => LogName.OfRoom("garden");

    private protected FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 22, 23, 0, 0, 123, TimeSpan.Zero));

    private protected IEventLog Log { get; private set; } = null!;

    private protected IRecords Records { get; private set; } = null!;

    private protected IJournal Journal { get; private set; } = null!;

    public virtual ValueTask InitializeAsync()
    {
        (Log, Records, Journal) = Open();
        return ValueTask.CompletedTask;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the store of this test, the same one again after its log was disposed.</summary>
    private protected abstract (IEventLog Log, IRecords Records, IJournal Journal) Open();

    /// <summary>Lets the store forget all that is old enough by now.</summary>
    private protected abstract Task SweepAsync();

    private protected async Task ReopenAsync()
    {
        await Log.DisposeAsync();
        (Log, Records, Journal) = Open();
    }

    private protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private protected static string Text(in LogEntry entry) => Encoding.UTF8.GetString(entry.Body.Span);

    private protected List<string> Texts(LogName? log = null) => [.. Log.ReadAfter(log ?? Lobby, 0, 1_000).Entries.Select(entry => Text(entry))];

    private protected string? Record(string key) => Records.Find(Bytes(key)) is { } value ? Encoding.UTF8.GetString(value) : null;

    private protected static RecordChange Change(string key, string? value) => new(Bytes(key), value is null ? null : Bytes(value));

    private protected Task<AppendResult> Say(
        string text,
        string? id = null,
        LogName? log = null,
        IReadOnlyList<Replacement>? replacements = null,
        IReadOnlyList<EntryCondition>? conditions = null,
        IReadOnlyList<RecordChange>? changes = null) =>
        Log.AppendAsync(log ?? Lobby, "ana", id, (UInt128)(uint)text.GetHashCode(StringComparison.Ordinal), Bytes(text), changes, null, replacements, conditions);

    private protected async Task SayManyAsync(int count, string? id = null, LogName? log = null)
    {
        var results = await Task.WhenAll(Enumerable.Range(1, count).Select(i => Say($"event {i}", id is null ? null : $"{id} {i}", log)));
        Assert.All(results, result => Assert.Equal(AppendOutcome.Stored, result.Outcome));
    }

    /// <summary>
    /// Hands over on the log thread itself, so that all of it is queued before the next batch is built.
    /// Costs an event of a log that nobody asks for.
    /// </summary>
    private protected async Task<T> InOneBatchAsync<T>(Func<T> handOver)
    {
        Gathering<T> gathering = new(handOver);
        Log.Append(gathering);
        return await gathering.HandedOver;
    }

    private sealed class Gathering<T>(Func<T> handOver) : PendingAppend(LogName.OfRoom("~elsewhere"), "ana", null, 0, default)
    {
        private readonly TaskCompletionSource<T> _handedOver = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> HandedOver => _handedOver.Task;

        protected override void Completed() => _handedOver.SetResult(handOver());
    }
}
