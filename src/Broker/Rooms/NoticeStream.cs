using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// An account's notices, `users/{user}/notices`: who has named or answered it, and where. What was said there is in none of them: whoever
/// writes one out takes it from the message as it is then. And what moderators did to it, which is all in the notice, for it may be out of
/// the room by it; what is to be decided in rooms that it looks after; and what became of what it reported or asked for.
/// </summary>
/// <param name="findRoom">By its key.</param>
/// <param name="indexes">Those of all accounts.</param>
internal sealed class NoticeStream(Account owner, IEventLog log, Func<string, Room?> findRoom, NoticeIndexes indexes)
    : EventStream(LogName.OfNotices(owner.Id), log)
{
    private volatile NoticeIndex? _index;

    private int _damages;

    // Under the gate.
    private bool _isClosed;

    public Account Owner { get; } = owner;

    /// <summary>Which messages the newest notices are about.</summary>
    public NoticeIndex Index =>
        _index ?? Interlocked.CompareExchange(ref _index, new NoticeIndex(this, Logs, indexes), null) ?? _index;

    /// <summary>True once: the operator is told once of a log that cannot be read.</summary>
    public bool IsFirstDamage() => Interlocked.Exchange(ref _damages, 1) == 0;

    /// <summary>The key of a room, as the room has it: a thousand notices hold no string of it each.</summary>
    public string KeyOf(string roomKey) => findRoom(roomKey)?.Key ?? roomKey;

    public override byte[] EventsTopic => Encoding.ASCII.GetBytes("users/" + Owner.UserName + "/notices");

    protected override TopicKind Kind => TopicKind.Notices;

    /// <summary>Hands a notice to the log. False: the account was erased.</summary>
    public bool TryAppend(PendingNotice notice)
    {
        // Under the gate, as in an inbox: nothing comes behind the end of the log.
        lock (Gate)
        {
            if (_isClosed || Owner.IsErased)
            {
                return false;
            }

            Logs.Append(notice);
            return true;
        }
    }

    /// <summary>Another node has stored a notice.</summary>
    public override void Heard(in LogEntry entry)
    {
        if (NoticeId.TryParse(EventBody.IdOf(entry.Body.Span)) is { } id)
        {
            Index.Add(entry.Seq, id);
        }
    }

    /// <summary>Another node has taken notices away, or stored some of which only the log has what they are.</summary>
    public void HeardCut() => _index?.ReadAgain();

    /// <summary>The account was erased: from here on nothing is appended.</summary>
    public void Close()
    {
        lock (Gate)
        {
            _isClosed = true;
        }

        _index?.LetGo();
    }

    /// <summary>The room, and the beginning of the message; empty: the account may not read it, or it is there no more.</summary>
    public override ReadOnlyMemory<byte> MoreOf(in LogEntry entry)
    {
        if (NoticeId.TryParse(EventBody.IdOf(entry.Body.Span)) is not { } id
            || findRoom(id.RoomKey) is not { } room)
        {
            return default;
        }

        ArrayBufferWriter<byte> json = new(256);
        json.Write(",\"room\":\""u8);
        json.Write(room.IdBytes);
        json.Write("\""u8);
        if (id.IsOfAct)
        {
            return (/* guard: notices for who looks after a room */ id.IsForHosts && !RoomPolicy.IsHost(room, Owner)) ? default
                : (/* guard: an answer of a private room tells who may know of it */ id.IsAnswer && !RoomPolicy.MaySee(room, Owner.Id)) ? default
                : json.WrittenMemory;
        }

        if ((/* guard: a notice tells who may read the message */ !RoomPolicy.MayHear(room, Owner))
            || Find(room, id.Of) is not { } said
            || (/* guard: a notice of what was deleted tells nothing */ EventBody.TypeOf(said.Body.Span) != EventType.Message))
        {
            return default;
        }

        json.Write(",\"excerpt\":\""u8);
        json.Write(JsonEncodedText.Encode(Quote.Beginning(EventBody.SaidIn(said.Body.Span).Text), ReadableJsonEncoder.Instance).EncodedUtf8Bytes);
        json.Write("\""u8);
        return json.WrittenMemory;
    }

    public override bool IsLine(in LogEntry entry) => !MoreOf(entry).IsEmpty;

    // Of what cannot be read nobody knows what is there: such a notice tells nothing, and all others what they told before.
    private LogEntry? Find(Room room, long seq)
    {
        try
        {
            return Logs.ReadAfter(room.Log, seq - 1, 1).Entries is [var entry] && entry.Seq == seq ? entry : null;
        }
        catch (LogDamagedException)
        {
            return null;
        }
    }

    /// <summary>
    /// One that tells nothing any more goes out as `removed`: no seq is missing, and nobody learns who had named whom, or, by its id, in
    /// which room.
    /// </summary>
    public override void WriteJson(IBufferWriter<byte> target, in LogEntry entry, string epoch, ReadOnlySpan<byte> more = default) => EventBody.WriteJson(
        target,
        more.IsEmpty ? entry with { Body = EventBody.Gone(entry.Seq.ToString(CultureInfo.InvariantCulture)) } : entry,
        epoch,
        "to"u8,
        Encoding.ASCII.GetBytes(Owner.UserName),
        more);

    public override void WritePlace(Utf8JsonWriter writer) => writer.WriteString("to"u8, Owner.UserName);

    public override void Place(IMember member, HeldFilter[] filters, bool leavesAtOnce, CatchUpFrom? from = null)
    {
        lock (Gate)
        {
            Put(member, Subscriber.Of(member, this, filters), from);
        }
    }

    protected override PublishFrames? LineOf(IStreamEvent stored) => null;
}

/// <summary>Names a notice by what it is about, so that one that is written twice is there once: `{room key}:{seq}:{type}`.</summary>
internal readonly record struct NoticeId(string RoomKey, long Of, string Type)
{
    /// <summary>It tells what was done to the account or asked of it, and nothing of what a message says.</summary>
    public bool IsOfAct => Type is "kick" or "ban" or "unban" or "mute" or "unmute" || IsAnswer || IsForHosts;

    /// <summary>It tells what became of what the account reported or asked for.</summary>
    public bool IsAnswer => Type is "reported" or "requested";

    /// <summary>It tells who looks after the room of something to do there.</summary>
    public bool IsForHosts => Type is "report" or "request";

    public static NoticeId? TryParse(ReadOnlySpan<byte> id) =>
        Encoding.ASCII.GetString(id).Split(':') is [var key, var seq, var type] && long.TryParse(seq, out var of) ? new NoticeId(key, of, type) : null;

    public override string ToString() => $"{RoomKey}:{Of}:{Type}";
}

/// <summary>A notice on its way into the log of an account.</summary>
/// <param name="author">Account id of who has caused it.</param>
/// <param name="isFull">Whether the disk takes no notices just now.</param>
internal sealed class PendingNotice(NoticeStream stream, string author, NoticeId id, byte[] body, Func<bool> isFull)
    : PendingAppend(stream.Log, author, id.ToString(), default, body), IStreamEvent
{
    private readonly TaskCompletionSource<AppendOutcome> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<AppendOutcome> Done => _done.Task;

    public PendingAppend Append => this;

    public ulong PublisherMark => 0;

    // On the stream's worker, which may wait for the disk: as the message is when it is written out.
    ReadOnlyMemory<byte> IStreamEvent.More
    {
        get
        {
            try
            {
                return stream.MoreOf(new LogEntry(Seq, At, Author, Body));
            }
            catch (IOException)
            {
                // Nobody knows what is there. Who reads it later is told.
                return default;
            }
        }
    }

    public string? Line() => null;

    public void Answer(List<IMember> touched)
    {
        // The follower waits for the log alone.
    }

    protected internal override bool MayBeStored(int bytes) => !isFull();

    protected override void Completed()
    {
        if (Outcome is AppendOutcome.Stored)
        {
            stream.Index.Add(Seq, id);
            stream.Add(this);
        }

        _done.TrySetResult(Outcome);
    }

    // Never in place: the message is read when it is delivered.
    internal override void Proceed(bool mayWork) => stream.Schedule();
}
