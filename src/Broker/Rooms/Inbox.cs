using System.Buffers;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// An account's own stream, `users/{user}`: whispers to it, and what its devices are told beside.
/// Kept under the account's id, so a rename takes it along.
/// </summary>
/// <param name="listeningChanged">Called under the gate when <see cref="Inbox.IsListening"/> has changed.</param>
internal sealed class Inbox(Account owner, IEventLog log, INodes nodes, Action<Inbox> listeningChanged)
    : EventStream(LogName.OfAccount(owner.Id), log, nodes)
{
    private volatile bool _isListening;

    // Under the gate.
    private bool _isClosed;

    public Account Owner { get; } = owner;

    /// <summary>A client of the account listens to what is unread.</summary>
    public bool IsListening => _isListening;

    /// <summary>Hands a whisper to the log. False: the account was erased.</summary>
    /// <param name="moreFollows">See <see cref="IEventLog.Append"/>.</param>
    public bool TryAppend(PendingAppend append, bool moreFollows = false)
    {
        // Under the gate, as in a room: else a whisper could come into the log's queue behind the end of the log, and stay (fault R13).
        lock (Gate)
        {
            if (_isClosed || Owner.IsErased)
            {
                return false;
            }

            Logs.Append(append, moreFollows);
            return true;
        }
    }

    /// <summary>The account was erased: from here on nothing is appended.</summary>
    public void Close()
    {
        lock (Gate)
        {
            _isClosed = true;
        }
    }

    public override byte[] EventsTopic => Encoding.ASCII.GetBytes("users/" + Owner.UserName);

    protected override TopicKind Kind => TopicKind.Inbox;

    public override void WriteJson(IBufferWriter<byte> target, ReadOnlySpan<byte> body, long seq, string epoch, DateTimeOffset at) =>
        EventBody.WriteJson(target, body, "to"u8, Encoding.ASCII.GetBytes(Owner.UserName), seq, epoch, at);

    protected override PublishFrames? LineOf(IStreamEvent stored) => null;

    public override void WritePlace(Utf8JsonWriter writer) => writer.WriteString("to"u8, Owner.UserName);

    public override void Place(IMember member, HeldFilter[] filters, bool leavesAtOnce, CatchUpFrom? from = null)
    {
        lock (Gate)
        {
            Put(member, Subscriber.Of(member, this, filters), from);
            var isListening = false;
            foreach (var subscriber in Subscribers)
            {
                isListening |= subscriber.Unread is not null;
            }

            if (isListening != _isListening)
            {
                _isListening = isListening;
                listeningChanged(this);
            }
        }
    }
}
