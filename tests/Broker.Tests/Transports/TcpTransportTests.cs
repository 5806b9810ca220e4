using System.Buffers;
using System.Net;
using System.Net.Sockets;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Tests.Transports;

/// <summary>The bytes of an unencrypted connection, over real sockets.</summary>
public sealed class TcpTransportTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Socket _peer;
    private readonly TcpTransport _transport;

    public TcpTransportTests()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 8192 };
        _peer.Connect(listener.LocalEndPoint!);
        _transport = new TcpTransport(listener.Accept());
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _transport.Abort();
        _peer.Dispose();
    }

    /// <param name="piece">What is sent in one call.</param>
    /// <param name="frame">What the reader takes at once; the rest stays until it is whole.</param>
    [Theory]
    [InlineData(1, 3)]
    [InlineData(4, 4)]
    [InlineData(256, 100)]
    [InlineData(257, 1000)]
    [InlineData(5000, 300)]
    [InlineData(40_000, 70_000)]
    [InlineData(300_000, 1)]
    public async Task Whatever_the_pieces_every_byte_is_read_once_and_in_order(int piece, int frame)
    {
        var sent = Random(Math.Min(300_000, Math.Max(piece, frame) * 50));
        var sending = Task.Run(
            async () =>
            {
                for (var at = 0; at < sent.Length; at += piece)
                {
                    await _peer.SendAsync(sent.AsMemory(at, Math.Min(piece, sent.Length - at)), Cancellation);
                }

                _peer.Shutdown(SocketShutdown.Send);
            },
            Cancellation);

        ArrayBufferWriter<byte> received = new();
        while (true)
        {
            var read = await ReadAsync();
            var buffer = read.Buffer;
            while (buffer.Length >= frame || (read.IsCompleted && !buffer.IsEmpty))
            {
                var next = buffer.Slice(0, Math.Min(frame, buffer.Length));
                received.Write(next.ToArray());
                buffer = buffer.Slice(next.End);
            }

            _transport.Input.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                break;
            }
        }

        await sending;
        Assert.Equal(sent, received.WrittenSpan.ToArray());
    }

    [Fact]
    public async Task What_was_not_looked_at_is_given_again_and_nothing_is_read_meanwhile()
    {
        _peer.Send([1, 2, 3]);
        var first = await ReadAsync();
        _transport.Input.AdvanceTo(first.Buffer.GetPosition(1), first.Buffer.GetPosition(1));

        var second = await ReadAsync();
        Assert.Equal([2, 3], second.Buffer.ToArray());
        _transport.Input.AdvanceTo(second.Buffer.Start, second.Buffer.End);

        var third = _transport.Input.ReadAsync(Cancellation).AsTask();
        _peer.Send([4]);
        Assert.Equal([2, 3, 4], (await third.WaitAsync(Patience, Cancellation)).Buffer.ToArray());
    }

    [Fact]
    public async Task A_read_that_is_cancelled_returns_and_loses_nothing()
    {
        var waiting = _transport.Input.ReadAsync(Cancellation).AsTask();
        _transport.Input.CancelPendingRead();
        Assert.True((await waiting.WaitAsync(Patience, Cancellation)).IsCanceled);

        using CancellationTokenSource stop = new();
        waiting = _transport.Input.ReadAsync(stop.Token).AsTask();
        await stop.CancelAsync();
        Assert.True((await waiting.WaitAsync(Patience, Cancellation)).IsCanceled);

        _peer.Send([1, 2]);
        Assert.Equal([1, 2], (await ReadAsync()).Buffer.ToArray());
    }

    [Fact]
    public async Task What_the_peer_does_not_take_waits_and_arrives_once_it_reads()
    {
        var sent = Random(8 << 20);
        var length = sent.Length / 2;
        _transport.Output.Write(sent.AsSpan(0, length));
        var flush = _transport.Output.FlushAsync(Cancellation).AsTask();
        Assert.False(flush.IsCompleted);
        _transport.Output.Write(sent.AsSpan(length));

        // Flushes what was written meanwhile when its turn comes, as the end of the connection does.
        _transport.Finish();
        var received = await PeerReadsToEndAsync();
        await flush.WaitAsync(Patience, Cancellation);

        Assert.Equal(sent, received);
        _peer.Shutdown(SocketShutdown.Send);
        await _transport.Closed.WaitAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task The_last_word_arrives_also_when_the_peer_had_more_to_say()
    {
        _peer.Send(Random(200_000));
        _transport.Output.Write("goodbye"u8);
        _transport.Finish();

        Assert.Equal("goodbye"u8.ToArray(), await PeerReadsToEndAsync());
        Assert.False(_transport.Closed.IsCompleted);
        _peer.Shutdown(SocketShutdown.Send);
        await _transport.Closed.WaitAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task After_an_abort_everything_returns_and_nothing_arrives_any_more()
    {
        var waiting = _transport.Input.ReadAsync(Cancellation).AsTask();
        _transport.Output.Write(Random(8 << 20));
        var flush = _transport.Output.FlushAsync(Cancellation).AsTask();
        Assert.False(flush.IsCompleted);

        _transport.Abort();

        Assert.True(_transport.Closed.IsCompleted);
        Assert.True((await waiting.WaitAsync(Patience, Cancellation)).IsCompleted);
        Assert.True((await flush.WaitAsync(Patience, Cancellation)).IsCompleted);
        _transport.Output.Write("too late"u8);
        Assert.True((await _transport.Output.FlushAsync(Cancellation)).IsCompleted);
        Assert.True((await ReadAsync()).IsCompleted);
        _transport.Finish();
        _transport.Close();
        await Assert.ThrowsAsync<SocketException>(PeerReadsToEndAsync);
    }

    [Fact]
    public async Task An_abort_at_any_moment_lets_nobody_wait_and_nothing_throw()
    {
        for (var i = 0; i < 300; i++)
        {
            using TcpTransportTests one = new();
            var reading = Task.Run(
                async () =>
                {
                    while (await one.ReadAsync() is { IsCompleted: false } read)
                    {
                        one._transport.Input.AdvanceTo(read.Buffer.End);
                    }
                },
                Cancellation);
            var writing = Task.Run(
                async () =>
                {
                    do
                    {
                        one._transport.Output.Write(new byte[4000]);
                    }
                    while (!(await one._transport.Output.FlushAsync(Cancellation)).IsCompleted);

                    one._transport.Finish();
                },
                Cancellation);
            one._peer.Send(new byte[100]);
            Thread.SpinWait(i * 200);
            one._transport.Abort();
            await Task.WhenAll(reading, writing).WaitAsync(Patience, Cancellation);
        }
    }

    private static byte[] Random(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private async Task<System.IO.Pipelines.ReadResult> ReadAsync() => await _transport.Input.ReadAsync(Cancellation).AsTask().WaitAsync(Patience, Cancellation);

    private async Task<byte[]> PeerReadsToEndAsync()
    {
        ArrayBufferWriter<byte> received = new();
        while (await _peer.ReceiveAsync(received.GetMemory(65536), Cancellation).AsTask().WaitAsync(Patience, Cancellation) is > 0 and var count)
        {
            received.Advance(count);
        }

        return received.WrittenSpan.ToArray();
    }
}
