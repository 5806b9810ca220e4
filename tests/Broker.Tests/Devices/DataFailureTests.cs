using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>What fails as it never should is said in the log, and does not end what comes after it.</summary>
public sealed class DataFailureTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_publish_that_fails_is_told_so_and_the_next_one_is_said()
    {
        LogOfEverything lines = new();
        await using var house = await Greenhouse.OnAsync(await RunningBroker.StartWithAsync(lines.TakeOver));
        await using var listener = await house.ListenAsync(house.Bob);
        var space = await house.Broker.Get<DataSpaces>().OpenAsync(house.Room);

        var failed = await space.PublishAsync(MessageOf("1"), () => throw new InvalidOperationException("A fault of its own."))
            .WaitAsync(_patience, TestContext.Current.CancellationToken);
        var said = await space.PublishAsync(MessageOf("2"), () => true).WaitAsync(_patience, TestContext.Current.CancellationToken);

        Assert.Equal((DataOutcome.NotStored, DataOutcome.Said), (failed, said));
        Assert.Equal("2", (await listener.NextPublishAsync()).Text);
        Assert.Single(lines.Lines, line => line.Contains("failed", StringComparison.Ordinal) && line.Contains("greenhouse", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_group_to_which_something_could_not_be_dealt_is_dealt_it_later(bool failsAsItTakes)
    {
        LogOfEverything lines = new();
        await using var house = await Greenhouse.OnAsync(await RunningBroker.StartWithAsync(lines.TakeOver));
        var space = await house.Broker.Get<DataSpaces>().OpenAsync(house.Room);
        Failing member = new(failsAsItTakes);
        DataGroupName name = new(house.Ana.Account.Id, null, "g");
        Assert.NotNull(space.Groups.Join(new DataSubscription { Filter = DataFilter.All, Member = member, QualityOfService = 1, Group = name }));

        Assert.Equal(DataOutcome.Said, await space.PublishAsync(MessageOf("1"), () => true));

        Assert.Equal("1", await member.Heard.Task.WaitAsync(_patience, TestContext.Current.CancellationToken));
        Assert.Single(lines.Lines, line => line.Contains(failsAsItTakes ? "failed as it heard" : "shared subscription", StringComparison.Ordinal));
    }

    private static DataMessage MessageOf(string text) =>
        new() { Topic = "x", Payload = System.Text.Encoding.UTF8.GetBytes(text), QualityOfService = 1, At = DateTimeOffset.UtcNow };

    // Is asked how much it takes, or is given something, and fails, once.
    private sealed class Failing(bool failsAsItTakes) : IGroupMember
    {
        private int _asked;
        private int _given;

        public TaskCompletionSource<string> Heard { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ulong PublisherMark => 0;

        public int Unacknowledged => 0;

        public bool IsLogged => true;

        public DataMatch Match { get; } = new();

        public bool IsOpen => true;

        public int FreePlaces => Interlocked.Increment(ref _asked) == 1 && !failsAsItTakes ? throw new InvalidOperationException("A fault of its own.") : 1;

        public bool MayHear(string topic) => true;

        public bool Hear(DataFrames frames, in DataGrant grant, List<IMember> touched) => false;

        public bool TryTake(DataFrames frames, in DataGrant grant, bool isRepeated, List<IMember> touched)
        {
            if (failsAsItTakes && Interlocked.Increment(ref _given) == 1)
            {
                throw new InvalidOperationException("A fault of its own.");
            }

            if (!failsAsItTakes && Volatile.Read(ref _asked) < 2)
            {
                return false;
            }

            Heard.TrySetResult(System.Text.Encoding.UTF8.GetString(frames.Message.Payload.Span));
            grant.Group!.Done(frames.Seq);
            return true;
        }
    }
}
