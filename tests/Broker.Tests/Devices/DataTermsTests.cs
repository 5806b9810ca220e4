using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Broker.Devices;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>
/// One node at a time is the home of the data topics (ADR 0088): one that has lost the duty and does not know it yet stores nothing more.
/// </summary>
public sealed class DataTermsTests : IAsyncLifetime
{
    private readonly RetainedDisk _disk = new();
    private readonly Nodes _nodes = new();
    private Home _one = null!, _two = null!;

    public ValueTask InitializeAsync()
    {
        (_one, _two) = (new Home(_disk, _nodes, "one"), new Home(_disk, _nodes, "two"));
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _disk.DisposeAsync();

    [Fact]
    public async Task A_home_that_does_not_know_that_it_lost_the_duty_stores_no_value_more_and_lets_go()
    {
        await BeginAsync(_one);
        Assert.Equal(RetainedOutcome.Stored, await _one.SetAsync("temp", "21"));
        _nodes.IsCut = true;
        var begun = BeginAsync(_two);
        while (!begun.IsCompleted)
        {
            // It does not answer, and is waited for.
            _disk.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        await begun;
        Assert.Equal(RetainedOutcome.Stored, await _two.SetAsync("temp", "22"));
        Assert.Equal(RetainedOutcome.NotStored, await _one.SetAsync("temp", "20"));

        Assert.Equal(["temp=22"], _disk.Stored());
        await _one.LetGo.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task The_next_home_begins_when_the_one_before_has_let_go()
    {
        await BeginAsync(_one);
        _one.Hold();
        var begun = BeginAsync(_two);
        await _one.Asked.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.False(begun.IsCompleted);

        _one.Release();

        await begun.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(RetainedOutcome.Stored, await _two.SetAsync("temp", "22"));
    }

    [Fact]
    public async Task Who_has_lost_the_duty_does_not_take_the_data_topics_back()
    {
        await BeginAsync(_one);
        await BeginAsync(_two);
        Assert.Equal(RetainedOutcome.Stored, await _two.SetAsync("temp", "22"));

        await Assert.ThrowsAsync<IOException>(() => _one.Terms.BeginAsync());

        Assert.Equal(RetainedOutcome.Stored, await _two.SetAsync("temp", "23"));
        Assert.False(_two.LetGo.IsCompleted);
    }

    [Fact]
    public async Task A_question_that_comes_late_ends_no_home_that_began_after()
    {
        await BeginAsync(_one);
        await BeginAsync(_two);

        await _nodes.AskAsync("one", "two");

        Assert.False(_two.LetGo.IsCompleted);
        Assert.Equal(RetainedOutcome.Stored, await _two.SetAsync("temp", "22"));
    }

    private Task BeginAsync(Home home)
    {
        _nodes.Holder = home.Name;
        return home.Terms.BeginAsync();
    }

    /// <summary>A node with retained values, on the store that both have.</summary>
    private sealed class Home
    {
        private readonly TaskCompletionSource _letGo = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private RetainedRooms? _rooms;
        private readonly Func<RetainedRooms> _open;
        private bool _holds;

        public Home(RetainedDisk disk, Nodes nodes, string name)
        {
            Name = name;
            Terms = new DataTerms(disk.Records, nodes.LinksOf(name), nodes.DutiesOf(name), disk.Time) { Overtaken = Overtaken };
            _open = () => new RetainedRooms(disk.Records, disk.Limits, disk.Space, disk.Time, NullLogger<RetainedRooms>.Instance, Terms);
        }

        public string Name { get; }

        public DataTerms Terms { get; }

        public Task LetGo => _letGo.Task;

        public Task Asked => _asked.Task;

        public void Hold() => _holds = true;

        public void Release() => End();

        public async Task<RetainedOutcome> SetAsync(string topic, string payload)
        {
            _rooms ??= _open();
            return await _rooms.Of(RetainedDisk.Room).SetAsync(RetainedDisk.Message(topic, payload)).AsTask().WaitAsync(TimeSpan.FromSeconds(60));
        }

        private void Overtaken()
        {
            _asked.TrySetResult();
            if (!_holds)
            {
                End();
            }
        }

        private void End()
        {
            Terms.End();
            _letGo.TrySetResult();
        }
    }

    /// <summary>Two nodes that ask each other, and who has the duty.</summary>
    private sealed class Nodes
    {
        private readonly Dictionary<string, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>>> _answers = [];

        public string? Holder { get; set; }

        public bool IsCut { get; set; }

        public INodeLinks LinksOf(string self) => new Links(this, self);

        public IDuties DutiesOf(string self) => new Duties(this, self);

        public async Task AskAsync(string from, string to)
        {
            if (IsCut)
            {
                throw new IOException("The nodes do not reach each other.");
            }

            await _answers[to](from, default);
        }

        private sealed class Links(Nodes nodes, string self) : INodeLinks
        {
            public event Action<string>? Left
            {
                add { }
                remove { }
            }

            public string Self => self;

            public IReadOnlyCollection<string> Others => self == "one" ? ["two"] : ["one"];

            public void Tell(NodeTopic topic, ReadOnlyMemory<byte> message) => throw new NotSupportedException();

            public void Tell(string node, NodeTopic topic, ReadOnlyMemory<byte> message) => throw new NotSupportedException();

            public Task<IReadOnlyList<ReadOnlyMemory<byte>>> AskWhoSpeaksAsync(NodeTopic topic, ReadOnlyMemory<byte> message) => throw new NotSupportedException();

            public async Task<ReadOnlyMemory<byte>> AskAsync(string node, NodeTopic topic, ReadOnlyMemory<byte> message, CancellationToken cancellation = default)
            {
                Assert.Equal(NodeTopic.DataHome, topic);
                await nodes.AskAsync(self, node);
                return default;
            }

            public Task AskAllAsync(NodeTopic topic, ReadOnlyMemory<byte> message) => throw new NotSupportedException();

            public void Hear(NodeTopic topic, Action<string, ReadOnlyMemory<byte>> heard) => throw new NotSupportedException();

            public void Answer(NodeTopic topic, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>> answer) => nodes._answers[self] = answer;

            public Task StartAsync() => Task.CompletedTask;
        }

        private sealed class Duties(Nodes nodes, string self) : IDuties
        {
            // What it believes.
            public bool Has(string duty) => true;

            public Task<bool> ConfirmAsync(string duty) => Task.FromResult(nodes.Holder == self);

            public string? HolderOf(string duty) => nodes.Holder;

            public Task RunAsync(string duty, Func<CancellationToken, Task> work, CancellationToken stop) => throw new NotSupportedException();
        }
    }
}
