using System.Net.WebSockets;
using System.Threading.Channels;

namespace WebMessenger.Wire.Testing;

/// <summary>How the connection ended, as the client saw it.</summary>
/// <param name="Reset">The peer reset it (or it broke); false: it ended in order.</param>
/// <param name="Disconnect">The reason code of the DISCONNECT that came before, if one came.</param>
internal sealed record Closed(bool Reset, byte? Disconnect, string? ReasonString, WebSocketCloseStatus? WebSocket);

/// <summary>What was waited for did not come, or the server did not let the client in: it fails the test.</summary>
internal sealed class WireException(string message) : Exception(message);

/// <summary>What came for one client and was not taken yet, by type and packet id, and the last of all that came in words.</summary>
/// <remarks>One thread adds, any thread takes. <c>_gate</c> guards the mailboxes and the transcript and is a leaf lock.</remarks>
internal sealed class ReceivedPackets
{
    private const int TranscriptLines = 60;
    private readonly Lock _gate = new();
    private readonly Dictionary<(PacketType Type, ushort Id), Channel<MqttPacket>> _mailboxes = [];
    private readonly Channel<ReceivedPublish> _publishes = Channel.CreateUnbounded<ReceivedPublish>();
    private readonly TaskCompletionSource<Closed> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<string> _transcript = new();
    private bool _ended;

    public Task<Closed> Closed => _closed.Task;

    /// <summary>For the transcript.</summary>
    public void Note(string packet)
    {
        lock (_gate)
        {
            _transcript.Enqueue(packet);
            if (_transcript.Count > TranscriptLines)
            {
                _transcript.Dequeue();
            }
        }
    }

    public void Add(ReceivedPublish publish) => _publishes.Writer.TryWrite(publish);

    public void Add(MqttPacket packet, ushort id) => Mailbox(packet.Type, id).Writer.TryWrite(packet);

    /// <param name="error">Null: an ordinary end, after which what came may still be taken. Else it is thrown to whoever waits.</param>
    public void End(Closed closed, Exception? error)
    {
        if (error is null)
        {
            _closed.TrySetResult(closed);
        }
        else
        {
            _closed.TrySetException(error);
        }

        _publishes.Writer.TryComplete(error);
        lock (_gate)
        {
            _ended = true;
            foreach (var mailbox in _mailboxes.Values)
            {
                mailbox.Writer.TryComplete(error);
            }
        }
    }

    public Task<MqttPacket> NextAsync(PacketType type, ushort id, TimeSpan patience) =>
        WaitAsync(Mailbox(type, id).Reader.ReadAsync().AsTask(), id == 0 ? $"{type}" : $"{type} {id}", patience);

    public Task<ReceivedPublish> NextPublishAsync(TimeSpan patience) => WaitAsync(_publishes.Reader.ReadAsync().AsTask(), "a PUBLISH", patience);

    public IEnumerable<ReceivedPublish> TakePublishes()
    {
        while (_publishes.Reader.TryRead(out var publish))
        {
            yield return publish;
        }
    }

    public Task<Closed> WaitForCloseAsync(TimeSpan patience) => WaitAsync(_closed.Task, "the end of the connection", patience);

    public string Transcript()
    {
        lock (_gate)
        {
            return _transcript.Count == 0 ? "nothing came" : string.Join(Environment.NewLine, _transcript);
        }
    }

    private async Task<T> WaitAsync<T>(Task<T> task, string what, TimeSpan patience)
    {
        try
        {
            return await task.WaitAsync(patience);
        }
        catch (TimeoutException)
        {
            throw new WireException($"Waited {patience.TotalSeconds} s for {what}. Came so far:{Environment.NewLine}{Transcript()}");
        }
        catch (ChannelClosedException error) when (error.InnerException is null)
        {
            throw new WireException($"The connection ended ({await _closed.Task}) before {what} came. Came so far:{Environment.NewLine}{Transcript()}");
        }
    }

    private Channel<MqttPacket> Mailbox(PacketType type, ushort id)
    {
        lock (_gate)
        {
            if (!_mailboxes.TryGetValue((type, id), out var mailbox))
            {
                _mailboxes[(type, id)] = mailbox = Channel.CreateUnbounded<MqttPacket>();
                if (_ended)
                {
                    mailbox.Writer.TryComplete();
                }
            }

            return mailbox;
        }
    }
}
