using System.Net.WebSockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Tests.Transports;

/// <summary>What a WebSocket that sends in its own way makes the server hold.</summary>
public sealed class WebSocketTransportTests
{
    [Fact]
    public async Task Fault_S2_Frames_of_a_byte_are_gathered_in_the_memory_that_they_need()
    {
        const int Bytes = 8_000;
        using FramesOfAByte socket = new(Bytes);
        WebSocketTransport transport = new(socket, new DefaultHttpContext(), null, new RateBudget(0, 1, TimeProvider.System), TimeProvider.System);

        var pumping = transport.PumpAsync();
        await socket.AllSent;

        var read = await transport.Input.ReadAtLeastAsync(Bytes, TestContext.Current.CancellationToken);
        Assert.Equal(Bytes, read.Buffer.Length);
        Assert.InRange(socket.Memories, 1, 4);
        transport.Abort();
        await pumping;
    }

    [Fact]
    public async Task Fault_S2_Frames_come_at_a_rate()
    {
        FakeTimeProvider time = new();
        using FramesOfAByte socket = new(12);
        WebSocketTransport transport = new(socket, new DefaultHttpContext(), null, new RateBudget(1, 10, time), time);

        // The one that is over waits in the server's hands, and no other is received before.
        var pumping = transport.PumpAsync();
        Assert.Equal(11, socket.Sent);
        time.Advance(TimeSpan.FromSeconds(1));
        await transport.Input.ReadAtLeastAsync(11, TestContext.Current.CancellationToken);

        transport.Abort();
        time.Advance(TimeSpan.FromSeconds(1));
        await pumping;
    }

    /// <summary>Sends so many frames, each as soon as the one before it is taken, and then nothing more.</summary>
    private sealed class FramesOfAByte(int count) : WebSocket
    {
        private readonly HashSet<byte[]> _memories = [];
        private readonly TaskCompletionSource _allSent = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<ValueWebSocketReceiveResult> _aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _sent;

        public int Sent => _sent;

        public Task AllSent => _allSent.Task;

        /// <summary>How many pieces of memory it was given to receive into.</summary>
        public int Memories => _memories.Count;

        public override WebSocketCloseStatus? CloseStatus => null;

        public override string? CloseStatusDescription => null;

        public override WebSocketState State => WebSocketState.Open;

        public override string? SubProtocol => "mqtt";

        public override ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            if (_sent == count)
            {
                _allSent.TrySetResult();
                return new(_aborted.Task);
            }

            if (!buffer.IsEmpty)
            {
                Assert.True(MemoryMarshal.TryGetArray<byte>(buffer, out var memory));
                _memories.Add(memory.Array!);
                _sent++;
            }

            return new(new ValueWebSocketReceiveResult(buffer.IsEmpty ? 0 : 1, WebSocketMessageType.Binary, endOfMessage: !buffer.IsEmpty));
        }

        public override void Abort() => _aborted.TrySetException(new WebSocketException());

        public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Dispose()
        {
            // Nothing is held.
        }

        public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) =>
            Task.FromException<WebSocketReceiveResult>(new WebSocketException());

        public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
