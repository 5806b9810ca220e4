using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>A log that is opened for a test, and what is said to it.</summary>
public abstract class EventLogFixture : IAsyncLifetime
{
    protected const int RememberedEvents = 10_000;

    private protected static LogName Lobby => LogName.OfRoom("lobby");

    private protected static LogName Garden => LogName.OfRoom("garden");

    private protected FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 22, 23, 0, 0, 123, TimeSpan.Zero));

    private protected IEventLog Log { get; set; } = null!;

    public virtual ValueTask InitializeAsync()
    {
        Log = Open();
        return ValueTask.CompletedTask;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the log of this test, the same one again after it was disposed.</summary>
    private protected abstract IEventLog Open();

    // Not the pool's: readers that never pause would keep it from everybody, the tests beside this one too.
    private protected static Task OnItsOwnThread(Action read) => Task.Factory.StartNew(read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private protected static List<string> Texts(LogPage page) => [.. page.Entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span))];

    private protected static List<long> Seqs(LogPage page) => [.. page.Entries.Select(entry => entry.Seq)];

    private protected Task<AppendResult> Say(string text, string? id = null, string author = "ana", LogName? log = null) =>
        Log.AppendAsync(log ?? Lobby, author, id, (UInt128)(uint)text.GetHashCode(StringComparison.Ordinal), Bytes(text));

    private protected async Task SayMany(int count)
    {
        var results = await Task.WhenAll(Enumerable.Range(0, count).Select(i => Say($"event {i}")));
        Assert.All(results, result => Assert.Equal(AppendOutcome.Stored, result.Outcome));
    }

    private protected async Task Reopen()
    {
        await Log.DisposeAsync();
        Log = Open();
    }

    /// <summary>Completes when so many appends have, and keeps their seqs in the order of completion.</summary>
    private protected sealed class Signal(int expected)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Task => _done.Task;

        public List<long> Order { get; } = [];

        public void Arrived(long seq)
        {
            Order.Add(seq);
            if (Order.Count == expected)
            {
                _done.SetResult();
            }
        }
    }

    private protected sealed class Arrival(LogName log, string author, string? id, byte[] body, Signal signal, Action<PendingAppend>? then = null)
        : PendingAppend(log, author, id, 0, body)
    {
        protected override void Completed()
        {
            then?.Invoke(this);
            signal.Arrived(Seq);
        }
    }
}
