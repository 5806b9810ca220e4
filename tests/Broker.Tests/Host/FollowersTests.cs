using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.Tests.ReadMarks;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Host;

public sealed class FollowersTests
{
    /// <summary>What it fails with may look like an end, of a wait of its own or of something that it used.</summary>
    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(OperationCanceledException))]
    [InlineData(typeof(ObjectDisposedException))]
    public async Task One_that_fails_is_started_again_and_the_others_go_on(Type failure)
    {
        await using ReadingLog store = new();
        await store.SayAsync("bob");
        FakeTimeProvider time = new();
        Follower broken = new("broken") { Failures = 2, Failure = failure };
        Follower sound = new("sound");
        using Followers followers = new([broken, sound], store.Log, store.Log, time, NullLogger<Followers>.Instance);

        await followers.StartAsync(TestContext.Current.CancellationToken);
        await sound.UntilBegunAsync(() => { });
        await broken.UntilBegunAsync(() => time.Advance(Followers.RestartPeriod));

        Assert.Equal(0, broken.Failures);
        await followers.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task They_end_one_after_the_other_and_the_last_ends_first()
    {
        await using ReadingLog store = new();
        await store.SayAsync("bob");
        List<string> ended = [];
        Follower first = new("first") { Ended = ended };
        Follower second = new("second") { Ended = ended };
        using Followers followers = new([first, second], store.Log, store.Log, TimeProvider.System, NullLogger<Followers>.Instance);
        await followers.StartAsync(TestContext.Current.CancellationToken);
        await first.UntilBegunAsync(() => { });
        await second.UntilBegunAsync(() => { });

        await followers.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["second", "first"], ended);
    }

    private sealed class Follower(string name) : IFollower
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _failures;

        public int Failures { get => Volatile.Read(ref _failures); init => _failures = value; }

        public Type Failure { get; init; } = typeof(InvalidOperationException);

        /// <summary>Notes when it is told to end, which it waits for.</summary>
        public List<string>? Ended { get; init; }

        public string Name => name;

        public TimeSpan Gathers => TimeSpan.Zero;

        public async Task UntilBegunAsync(Action meanwhile)
        {
            using PeriodicTimer again = new(TimeSpan.FromMilliseconds(10));
            while (!_begun.Task.IsCompleted)
            {
                meanwhile();
                await again.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            }
        }

        public Task ForgetAsync(CancellationToken cancellation)
        {
            if (Failures > 0)
            {
                Interlocked.Decrement(ref _failures);
                throw (Exception)Activator.CreateInstance(Failure, "on purpose")!;
            }

            return Task.CompletedTask;
        }

        public async Task<IReadOnlyList<RecordChange>> BeginAsync(LogName log, CancellationToken cancellation)
        {
            _begun.TrySetResult();
            if (Ended is { } ended)
            {
                await Task.Delay(Timeout.Infinite, cancellation).ContinueWith(_ => ended.Add(name), TaskScheduler.Default);
                cancellation.ThrowIfCancellationRequested();
            }

            return [];
        }

        public Task<IReadOnlyList<RecordChange>> FollowAsync(IReadOnlyList<JournalBatch> batches, CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyList<RecordChange>>([]);
    }
}
