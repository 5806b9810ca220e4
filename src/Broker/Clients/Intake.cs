using System.Buffers;
using System.Text;
using WebMessenger.Auth.Interception;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// The data plane's way in: a PUBLISH is checked and paid for, behind those before it, and handed to <see cref="Submissions"/>.
/// </summary>
/// <remarks>The receive side's, one thread at a time; but for <see cref="Removed"/>.</remarks>
internal sealed class Intake(
    Writer writer, OwedAnswers answers, KeptSession kept, Submissions submissions, DataIntake data, Identity identity, ILife life,
    ConnectionServices services, DataRelay? relay)
{
    /// <summary>For longer than what a client has sent takes to be read, at the rate that an account may publish with.</summary>
    private static readonly TimeSpan RemovalRemembered = TimeSpan.FromMinutes(1);

    private readonly PublishTopics _topics = new(services.Rooms, identity);
    private RateBudget? _budget;
    private HeldPublishes? _held;

    // When the account was taken off which rooms. Under the writer's gate.
    private Dictionary<Room, (long At, bool WhileHolding)>? _removedFrom;

    // Something is held. Under the writer's gate.
    private bool _isHolding;

    // Of the publish that was not read on at: it is brought again, and is the first one then.
    private PublishLayout? _waiting;

    // How far the publish has come that is looked at: after a wait it is looked at again, and must not pay or join twice.
    private (bool IsPaid, Task? Joining) _progress;

    /// <summary>When what is held comes next. Null: nothing is held.</summary>
    public Task? HeldUntil => _held is { Count: > 0 } held ? held.Turn : null;

    /// <summary>The client is let in: by this rate it speaks.</summary>
    public void Admit(RateBudget? budget) => _budget = budget;

    /// <summary>
    /// A PUBLISH has come. Null: it is dealt with, or held. Else it is to be brought again after the task,
    /// and nothing of the client is read before.
    /// </summary>
    public Task? Receive(in Frame frame)
    {
        byte[]? rented = null;
        var body = frame.Body;
        try
        {
            var bytes = body.IsSingleSegment ? body.FirstSpan : Linearize(body, out rented);
            var publish = _waiting is { } known ? new PublishPacket(known, bytes) : Parse(frame.Flags, bytes);
            var wait = TakeOrHold(publish, bytes);
            _waiting = wait is null ? null : publish.Layout;
            return wait;
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    /// <summary>
    /// Deals with what is held, as far as it is paid for. Null: nothing is held any more. Else what is comes next after the task.
    /// </summary>
    public Task? TakeHeld()
    {
        try
        {
            while (_held is { } held && held.TryPeek(out var publish))
            {
                if (Take(publish).Until is { } wait)
                {
                    return held.Turn = wait;
                }

                held.Dequeue();
            }

            if (_held is not null)
            {
                Holds(false);
            }

            return null;
        }
        finally
        {
            Wake();
            writer.Flush();
        }
    }

    /// <summary>
    /// The account is taken off a room's list: what the client sent there before, wherever it is on its way, does not bring it back.
    /// To be called before it is off. Where the room lets it in again, by publishing it comes back after a minute; by SUBSCRIBE, or over
    /// HTTP, at once.
    /// </summary>
    public void Removed(Room room)
    {
        lock (writer.Gate)
        {
            _removedFrom ??= [];
            foreach (var (other, removal) in _removedFrom)
            {
                if (IsForgotten(removal))
                {
                    _removedFrom.Remove(other);
                }
            }

            _removedFrom[room] = (services.Time.GetTimestamp(), _isHolding);
        }
    }

    /// <summary>PUBREL. False: nothing was received under the id.</summary>
    public bool Released(ushort packetId)
    {
        lock (writer.Gate)
        {
            if (writer.IsSilent)
            {
                return false;
            }

            var wasReceived = answers.Release(packetId);
            if (relay?.Release(packetId, wasReceived) == true)
            {
                return true;
            }

            if (wasReceived && kept.IsDurable)
            {
                _ = CompleteAsync(kept.Released(packetId), packetId);
                return true;
            }

            writer.WriteShort(PacketType.PubComp, packetId, wasReceived ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound);
            return wasReceived;
        }
    }

    // After PUBCOMP the client may use the id for something new: no crash may leave a record that takes that for a repetition.
    private async Task CompleteAsync(Task removed, ushort packetId)
    {
        try
        {
            await removed;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            await life.EndAsync(ReasonCode.ServerUnavailable, "What was released could not be stored. Try again later.");
            return;
        }

        lock (writer.Gate)
        {
            writer.WriteShort(PacketType.PubComp, packetId, ReasonCode.Success);
        }

        writer.Flush();
    }

    /// <summary>The publishes of one read are written, and said, together: to be called when it is through.</summary>
    public void Wake()
    {
        submissions.WakeLog();
        data.Wake();
    }

    /// <summary>The connection is over.</summary>
    public void Forget() => _held?.Clear();

    private PublishPacket Parse(byte flags, ReadOnlySpan<byte> bytes) =>
        PublishPacket.TryParse(flags, bytes, writer.IsVersion5, out var publish) is var code and not 0
            ? throw new Violation(code, "The PUBLISH is malformed.")
            : publish;

    private Task? TakeOrHold(in PublishPacket publish, ReadOnlySpan<byte> bytes)
    {
        // What came before goes first.
        if (_held is { Count: > 0 } before)
        {
            return before.Hold(publish.Layout, bytes);
        }

        var step = Take(publish);
        if (!step.IsHeld)
        {
            return step.Until;
        }

        var held = _held ??= new HeldPublishes(writer, answers, life, services.Memory);
        held.Turn = step.Until!;
        Holds(true);
        return held.Hold(publish.Layout, bytes);
    }

    private Step Take(in PublishPacket publish)
    {
        // Before anything answers or refuses it: an alias that a repeated or refused publish sets is set all the same.
        var topic = _topics.TopicOf(publish);
        if (/* guard: QoS 2 once */ publish.QualityOfService == 2 && IsRepeatedQoS2(publish))
        {
            return Step.Done;
        }

        var step = Backpressure(publish);
        if (step.Until is not null)
        {
            return step;
        }

        if (DataRoom(topic) is { } room && data.Ready(room, publish.IsRetain) is { } ready)
        {
            return Step.Wait(ready);
        }

        if (/* guard: publishes of an account */ !_progress.IsPaid && BudgetOf(topic) is { } budget && !budget.TryTake(out var pause))
        {
            return Step.Hold(Task.Delay(pause, services.Time));
        }

        _progress.IsPaid = true;
        step = Decide(publish, topic);
        if (step.Until is null)
        {
            _progress = default;
        }

        return step;
    }

    private Step Decide(in PublishPacket publish, ReadOnlySpan<byte> topic)
    {
        if (_topics.Resolve(topic) is not { } target)
        {
            submissions.Refuse(publish, ReasonCode.TopicNameInvalid, "This server has no such topic.", "unknown_topic", Encoding.UTF8.GetString(topic));
            return Step.Done;
        }

        PublishRefusal? refusal = null;
        var verdict = services.Interceptor.MayPublish(identity.Session!, target);
        if (!verdict.IsAllowed && target.WasOpen(verdict))
        {
            (refusal, verdict) = (PublishTarget.NobodyThere, Verdict.Allowed);
        }

        if (refusal is null && verdict.IsAllowed && target.NeedsMembership(identity.Account.Id))
        {
            if (/* guard: what waits brings nobody back */ WasRemovedFrom(target.Room!))
            {
                submissions.Refuse(publish, WhyNotIn(target.Room!), target.TopicText);
                return Step.Done;
            }

            if (_progress.Joining is null && !services.Space.IsLow)
            {
                return Step.Wait(_progress.Joining = services.Members.JoinAsync(target.Room!, identity.Account, byItself: true));
            }

            if (_progress.Joining is { IsCompletedSuccessfully: true })
            {
                // The room does not let the account in, or has put it out again by now.
                submissions.Refuse(publish, WhyNotIn(target.Room!), target.TopicText);
                return Step.Done;
            }

            // Tried and not stored, or not even tried, for the list of a room is written too.
            submissions.Fail(publish);
            return Step.Done;
        }

        if (!verdict.IsAllowed)
        {
            refusal ??= target.WhySilent(identity.Session!) ?? new PublishRefusal(verdict.Code, verdict.Reason, "not_allowed");
            submissions.Refuse(publish, refusal, target.TopicText);
            return Step.Done;
        }

        switch (target.Topic.Kind)
        {
            case TopicKind.Typing or TopicKind.Read or TopicKind.ConversationTyping when refusal is not null:
                submissions.Refuse(publish, refusal, target.TopicText);
                break;
            case TopicKind.Data:
                data.Take(publish, target);
                break;
            case TopicKind.Typing or TopicKind.ConversationTyping:
                submissions.TakeTyping(publish, target);
                break;
            case TopicKind.Read:
                submissions.TakeReadPosition(publish, target);
                break;
            default:
                submissions.TakeCommand(publish, target, refusal);
                break;
        }

        return Step.Done;
    }

    // The room whose data topics it goes to, where it may; null: it goes elsewhere.
    private Room? DataRoom(ReadOnlySpan<byte> topic) =>
        _topics.Resolve(topic) is { DataTopic: not null, Room: { } room } target && services.Interceptor.MayPublish(identity.Session!, target).IsAllowed
            ? room : null;

    // What devices say counts by room; all else, and what is refused, by account.
    private RateBudget? BudgetOf(ReadOnlySpan<byte> topic) => DataRoom(topic) is { } room ? data.RateOf(room) : _budget;

    private PublishRefusal WhyNotIn(Room room) => services.Members.WhyNotIn(room, identity.Account);

    private bool WasRemovedFrom(Room room)
    {
        lock (writer.Gate)
        {
            return _removedFrom is not null && _removedFrom.TryGetValue(room, out var removal) && !IsForgotten(removal);
        }
    }

    // What was held then may be held for longer. Under the writer's gate.
    private bool IsForgotten((long At, bool WhileHolding) removal) => !removal.WhileHolding && services.Time.GetElapsedTime(removal.At) >= RemovalRemembered;

    private void Holds(bool isHolding)
    {
        lock (writer.Gate)
        {
            if (_isHolding && !isHolding && _removedFrom is not null)
            {
                foreach (var room in _removedFrom.Keys)
                {
                    _removedFrom[room] = (_removedFrom[room].At, false);
                }
            }

            _isHolding = isHolding;
        }
    }

    // Held, an MQTT 5 client has sent more than our Receive Maximum, which it should know [MQTT-3.3.4-9];
    // a 3.1.1 socket is simply not read.
    private Step Backpressure(in PublishPacket publish)
    {
        if (/* guard: publishes under way, all together */ services.Memory.RoomForPublish() is { } room)
        {
            return Step.Wait(room);
        }

        lock (writer.Gate)
        {
            return answers.IsClosing ? Step.Wait(life.Ended)
                : writer.AnswersTaken() is { } taken ? Step.Wait(taken)
                : answers.IsOver(publish.QualityOfService) ? Step.Hold(answers.Free())
                : answers.IsFull ? Step.Wait(answers.Free())
                : Step.Done;
        }
    }

    private bool IsRepeatedQoS2(in PublishPacket publish)
    {
        lock (writer.Gate)
        {
            var isRepeated = answers.IsRepeated(publish, out var wasAnother);
            if (wasAnother)
            {
                _ = kept.Released(publish.PacketId);
            }

            return isRepeated;
        }
    }

    private static ReadOnlySpan<byte> Linearize(in ReadOnlySequence<byte> body, out byte[] rented)
    {
        var length = (int)body.Length;
        rented = ArrayPool<byte>.Shared.Rent(length);
        body.CopyTo(rented);
        return rented.AsSpan(0, length);
    }
}
