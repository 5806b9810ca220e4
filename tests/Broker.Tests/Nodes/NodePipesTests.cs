using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Tests.Nodes;

public sealed class NodePipesTests
{
    private readonly FrontAndHome _nodes = new();
    private readonly ListLogger _log = new();

    [Theory]
    [InlineData("home")]
    [InlineData("both")]
    public async Task What_is_written_at_one_end_is_read_at_the_other_however_much_it_is(string node)
    {
        var pipes = Pipes();
        var said = RandomNumberGenerator.GetBytes(3_000_000);
        TaskCompletionSource<byte[]> heard = new();
        pipes.Accepted = async pipe =>
        {
            Assert.Equal([1, 2, 3], pipe.Preface.ToArray());
            heard.SetResult(await ReadAllAsync(pipe.Input));
            await pipe.Output.WriteAsync(said.AsMemory(0, 100_000));
            pipe.Output.Complete();
            await pipe.Closed;
        };
        var mine = pipes.Open(node, new byte[] { 1, 2, 3 }, "");

        await mine.Output.WriteAsync(said, TestContext.Current.CancellationToken);
        mine.Output.Complete();

        Assert.Equal(said, await heard.Task);
        Assert.Equal(said[..100_000], await ReadAllAsync(mine.Input));
        await mine.Closed;
    }

    [Fact]
    public async Task A_packet_longer_than_the_window_comes_through_to_who_wants_it_whole()
    {
        var pipes = Pipes();
        TaskCompletionSource<long> whole = new();
        pipes.Accepted = async pipe =>
        {
            var read = await pipe.Input.ReadAtLeastAsync(10 * NodePipe.Window);
            whole.SetResult(read.Buffer.Length);
        };
        var mine = pipes.Open("home", default, "");

        await mine.Output.WriteAsync(new byte[10 * NodePipe.Window], TestContext.Current.CancellationToken);

        Assert.Equal(10 * NodePipe.Window, await whole.Task);
        await mine.Closed;
    }

    [Fact]
    public async Task Who_does_not_read_slows_down_who_writes_and_nobody_else()
    {
        var pipes = Pipes();
        TaskCompletionSource read = new();
        pipes.Accepted = async pipe =>
        {
            if (pipe.Preface.Length > 0)
            {
                await read.Task;
            }

            await ReadAllAsync(pipe.Input);
        };
        var (slow, quick) = (pipes.Open("home", new byte[1], ""), pipes.Open("home", default, ""));

        var writing = slow.Output.WriteAsync(new byte[1_000_000], TestContext.Current.CancellationToken).AsTask();
        await quick.Output.WriteAsync(new byte[1_000_000], TestContext.Current.CancellationToken);
        quick.Output.Complete();
        await quick.Closed;

        Assert.False(writing.IsCompleted);
        read.SetResult();
        await writing;
    }

    [Fact]
    public async Task A_message_that_fails_ends_the_pipes_at_both_ends_and_new_ones_come_through()
    {
        var pipes = Pipes();
        List<Task> ends = [];
        pipes.Accepted = async pipe =>
        {
            lock (ends)
            {
                ends.Add(pipe.Closed);
            }

            await ReadAllAsync(pipe.Input);
            pipe.Output.Complete();
            await pipe.Closed;
        };
        var before = pipes.Open("home", default, "");
        await before.Output.WriteAsync(new byte[10], TestContext.Current.CancellationToken);
        while (pipes.Count < 2)
        {
            await Task.Yield();
        }

        _nodes.IsCut = true;
        await before.Output.WriteAsync(new byte[10], TestContext.Current.CancellationToken);
        await before.Closed;
        _nodes.IsCut = false;

        await Task.WhenAll(ends);
        var after = pipes.Open("home", default, "");
        after.Output.Complete();
        await after.Closed;
    }

    [Fact]
    public async Task There_are_so_many_pipes_here_and_at_the_other_node_and_one_more_is_refused()
    {
        var pipes = Pipes(new BrokerLimits { NodePipes = 2 });
        TaskCompletionSource over = new();
        pipes.Accepted = _ => over.Task;
        var first = pipes.Open("home", default, "ana");
        while (pipes.Count < 2)
        {
            await Task.Yield();
        }

        // Both ends are this program's.
        var refused = pipes.Open("home", default, "bob");
        await refused.Closed;
        Assert.True(refused.IsRefused);
        Assert.True((await refused.Input.ReadAsync(TestContext.Current.CancellationToken)).IsCompleted);
        await refused.Output.WriteAsync(new byte[3 * NodePipe.Window], TestContext.Current.CancellationToken);
        await SendAsync(new PipeFrame(PipeFrameKind.Open, true, 77, default));
        Assert.Equal(2, pipes.Count);
        Assert.Single(_log.Lines, line => line.Contains(nameof(BrokerLimits.NodePipes), StringComparison.Ordinal));

        over.SetResult();
        await first.Closed;
        Assert.False(first.IsRefused);
        while (pipes.Count > 0)
        {
            await Task.Yield();
        }

        var next = pipes.Open("home", default, "bob");
        await next.Closed;
        Assert.False(next.IsRefused);
    }

    [Fact]
    public async Task Who_opened_a_pipe_hears_that_the_other_node_has_no_place_for_it()
    {
        var pipes = Pipes(new BrokerLimits { NodePipes = 3 });
        pipes.Accepted = pipe => pipe.Closed;
        var mine = pipes.Open("home", default, "ana");
        while (pipes.Count < 2)
        {
            await Task.Yield();
        }

        // The last place is taken here: there is none at the other node, which is this program as well.
        var other = pipes.Open("home", default, "bob");
        await other.Closed;

        Assert.True(other.IsRefused);
        Assert.False(mine.Closed.IsCompleted);
    }

    [Fact]
    public async Task A_pipe_to_this_node_itself_takes_one_place()
    {
        var pipes = Pipes(new BrokerLimits { NodePipes = 4 });
        pipes.Accepted = pipe => pipe.Closed;
        NodePipe[] open = [pipes.Open("both", default, "ana"), pipes.Open("both", default, "bob"), pipes.Open("both", default, "cat"), pipes.Open("both", default, "dan")];
        while (pipes.Count < 8)
        {
            await Task.Yield();
        }

        Assert.DoesNotContain(open, pipe => pipe.Closed.IsCompleted);
        Assert.True(pipes.Open("both", default, "eva").IsRefused);
    }

    [Theory]
    [InlineData(0, 10_000, 1, 10_000)]
    [InlineData(20_000, 30_000, 1, 10_000)]
    [InlineData(20_000, 3_000, 26, 741)]
    [InlineData(20_000, 3_000, 200, 100)]
    public void Nobody_has_more_pipes_than_are_free_so_few_do_not_keep_others_out(int limit, int wanted, int holders, int most)
    {
        PipePlaces places = new(limit);
        var held = new int[holders];
        for (var round = 0; round < wanted; round++)
        {
            for (var holder = 0; holder < holders; holder++)
            {
                held[holder] += places.TryTake("holder " + holder) ? 1 : 0;
            }
        }

        Assert.InRange(held.Max(), 1, most);
        Assert.True(places.TryTake("somebody else"));

        // What is given back is free for others.
        places.GiveBack("holder 0");
        Assert.True(places.TryTake("a third"));
    }

    [Fact]
    public async Task A_node_that_sends_more_than_there_is_room_for_is_cut_off()
    {
        var pipes = Pipes();
        TaskCompletionSource<long> heard = new();
        pipes.Accepted = async pipe =>
        {
            await pipe.Closed;
            heard.SetResult((await pipe.Input.ReadAsync()).Buffer.Length);
        };

        await SendAsync(new(PipeFrameKind.Open, true, 77, default), Bytes(NodePipe.Window), Bytes(1));

        Assert.Equal(NodePipe.Window, await heard.Task);

        PipeFrame Bytes(int length) => new(PipeFrameKind.Bytes, true, 77, new byte[length]);
    }

    [Fact]
    public async Task Who_serves_nobody_refuses()
    {
        var pipe = Pipes().Open("home", default, "");

        await pipe.Closed;
        Assert.True((await pipe.Input.ReadAsync(TestContext.Current.CancellationToken)).IsCompleted);
    }

    [Fact]
    public void What_is_damaged_or_of_another_version_is_no_message()
    {
        var message = PipeFrames.Write([new PipeFrame(PipeFrameKind.Bytes, true, 7, new byte[] { 1, 2 }), new PipeFrame(PipeFrameKind.Room, false, 8, PipeFrames.Room(9))]);

        Assert.True(PipeFrames.TryRead(message, out var frames));
        Assert.Equal([7L, 8L], frames.Select(frame => frame.Number));
        for (var length = 0; length < message.Length; length++)
        {
            // But for whole frames.
            Assert.Equal(length is 1 or 1 + PipeFrame.HeadLength + 2, PipeFrames.TryRead(message[..length], out _));
        }

        var other = message.ToArray();
        other[0] = 2;
        Assert.False(PipeFrames.TryRead(other, out _));
        other = message.ToArray();
        other[1] = 77;
        Assert.False(PipeFrames.TryRead(other, out _));
    }

    private Task<ReadOnlyMemory<byte>> SendAsync(params PipeFrame[] frames) => _nodes.AskAsync("home", WebMessenger.Storage.Nodes.NodeTopic.Data, PipeFrames.Write(frames));

    private NodePipes Pipes(BrokerLimits? limits = null) => new(_nodes, limits ?? new BrokerLimits(), TimeProvider.System, _log);

    private static async Task<byte[]> ReadAllAsync(PipeReader input)
    {
        while (true)
        {
            var read = await input.ReadAsync();
            if (read.IsCompleted)
            {
                return read.Buffer.ToArray();
            }

            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private sealed class ListLogger : ILogger<NodePipes>
    {
        public System.Collections.Concurrent.ConcurrentQueue<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue(formatter(state, exception));
    }
}
