using System.Buffers;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What two accounts say to each other, as one of them sees it. Made when it is asked for; all that lasts is on disk.</summary>
/// <remarks>Nobody subscribes to it: its events are heard in the inboxes of the two, which point to it (ADR 0056).</remarks>
/// <param name="other">Account id, also of who is erased.</param>
/// <param name="user">The other's user name.</param>
internal sealed class Conversation(Account owner, string other, string user, IEventLog log)
    : EventStream(LogName.OfConversation(owner.Id, other), log)
{
    public Account Owner { get; } = owner;

    public string Other { get; } = other;

    public string User { get; } = user;

    public override byte[] EventsTopic => Encoding.ASCII.GetBytes($"users/{Owner.UserName}/conversations/{User}");

    protected override TopicKind Kind => TopicKind.Inbox;

    public override void WriteJson(IBufferWriter<byte> target, in LogEntry entry, string epoch, ReadOnlySpan<byte> more = default) =>
        EventBody.WriteJson(target, entry, epoch, "with"u8, Encoding.ASCII.GetBytes(User), more);

    public override ReadOnlyMemory<byte> MoreOf(in LogEntry entry) => QuoteIn(Log, entry);

    public override void WritePlace(Utf8JsonWriter writer) => writer.WriteString("with"u8, User);

    public override void Place(IMember member, HeldFilter[] filters, bool leavesAtOnce, CatchUpFrom? from = null) =>
        throw new NotSupportedException("A conversation is heard in the inboxes of the two.");

    protected override PublishFrames? LineOf(IStreamEvent stored) => null;
}
