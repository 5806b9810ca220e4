using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// The acknowledgements that a client is owed for its publishes, in their order, and the QoS 2 packet ids that it has not released.
/// </summary>
/// <remarks>Guarded by the writer's gate. Methods that do not take it say so.</remarks>
internal sealed class OwedAnswers(Writer writer, ILife life, TrafficMemory memory, int receiveMaximum)
{
    // In the order of the publishes [MQTT-4.6.0-2].
    private readonly Queue<PublishAnswer> _answers = new();

    // QoS 2 packet ids between PUBLISH and PUBREL, and their answers.
    private Dictionary<ushort, PublishAnswer>? _incomingQoS2;

    // Those of earlier connections of the MQTT session, and hashes of what they were.
    // They take nothing of the Receive Maximum, which begins anew with each connection (MQTT 5.0, 4.9). Null: none.
    private Dictionary<ushort, ulong>? _receivedBefore;
    private int _underWay;

    // QoS 1 publishes that the client has no PUBACK for.
    private int _unanswered;
    private TaskCompletionSource? _drained;
    private TaskCompletionSource? _intakeFree;

    /// <summary>Publishes that the client may have without an answer.</summary>
    public int ReceiveMaximum => receiveMaximum;

    /// <summary>Each refusal says its name: another node tells the client, as its own would have been told.</summary>
    public bool NamesAll { get; init; }

    /// <summary>The server stops and takes nothing more. Under the writer's gate.</summary>
    public bool IsClosing { get; private set; }

    /// <summary>QoS 2 publishes that only a PUBREL makes room of. Under the writer's gate.</summary>
    public int Unreleased => _incomingQoS2?.Count ?? 0;

    public void Close()
    {
        lock (writer.Gate)
        {
            IsClosing = true;
        }
    }

    /// <summary>
    /// Counts a publish in. False: the connection was ended meanwhile, and whoever ended it counts on nothing being accepted after.
    /// </summary>
    public bool Expect(PublishAnswer answer)
    {
        lock (writer.Gate)
        {
            if (/* guard: a publish after the end is not accepted (1) */ writer.IsSilent)
            {
                return false;
            }

            _underWay++;
            memory.UnderWay.Add(answer.Bytes);
            if (answer.QualityOfService == 1)
            {
                _unanswered++;
            }

            if (answer.QualityOfService > 0)
            {
                _answers.Enqueue(answer);
            }

            if (answer.QualityOfService == 2)
            {
                (_incomingQoS2 ??= [])[answer.PacketId] = answer;
            }

            return true;
        }
    }

    /// <summary>
    /// Counts in what nobody is owed an answer to, but is waited for all the same;
    /// <see cref="Give()"/> counts it out if it never comes to the log.
    /// </summary>
    public void ExpectUnanswered()
    {
        lock (writer.Gate)
        {
            _underWay++;
        }
    }

    public void Give()
    {
        lock (writer.Gate)
        {
            Settle();
        }
    }

    /// <summary>The log, or a rule, has decided on a publish: answers it when those before it are.</summary>
    public void Give(PublishAnswer answer, List<IMember> touched)
    {
        lock (writer.Gate)
        {
            answer.IsDone = true;
            if (WriteReady())
            {
                writer.Touch(touched);
            }

            Settle();
        }

        memory.Settled(answer.Bytes);
        if (answer.FailedWithoutWord && !writer.IsVersion5)
        {
            // 3.1.1 has no word for "not stored": a closed connection makes the client send again.
            _ = life.EndAsync(ReasonCode.UnspecifiedError, "The message could not be stored.");
        }
    }

    /// <summary>As <see cref="Give(PublishAnswer, List{IMember})"/>, and flushes.</summary>
    public void GiveNow(PublishAnswer answer)
    {
        List<IMember> touched = [];
        Give(answer, touched);
        IMember.FlushAll(touched);
    }

    /// <summary>
    /// [MQTT-4.3.3-10] The same packet id before PUBREL is the same message, with DUP or without: answered again if it was answered.
    /// Under the writer's gate.
    /// </summary>
    /// <param name="wasAnother">
    /// The id was that of another message of an earlier connection. After a crash the server may know an id longer than the client does,
    /// who then uses it for something new.
    /// </param>
    public bool IsRepeated(in PublishPacket publish, out bool wasAnother)
    {
        wasAnother = false;
        if (_receivedBefore?.Remove(publish.PacketId, out var contentHash) == true)
        {
            wasAnother = !publish.IsDuplicate || contentHash != publish.ContentHash();
            if (wasAnother)
            {
                return false;
            }

            (_incomingQoS2 ??= [])[publish.PacketId] = new PublishAnswer(publish.PacketId, 2) { IsDone = true, ContentHash = contentHash };
        }

        if (_incomingQoS2 is null || !_incomingQoS2.TryGetValue(publish.PacketId, out var answer))
        {
            return false;
        }

        if (answer.IsDone)
        {
            Write(answer);
        }

        return true;
    }

    /// <summary>PUBREL: false, nothing was received under the id. Under the writer's gate.</summary>
    public bool Release(ushort packetId)
    {
        var wasReceived = _incomingQoS2?.Remove(packetId) == true || _receivedBefore?.Remove(packetId) == true;
        _intakeFree?.TrySetResult();
        return wasReceived;
    }

    /// <summary>
    /// More publishes of the client are without an answer than may be. What the client itself counts: QoS 1 until PUBACK, QoS 2 until
    /// PUBREL; never QoS 0. And of ids that it has not released, those of earlier connections with them, there are twice as many at most:
    /// each is kept on disk. Under the writer's gate.
    /// </summary>
    public bool IsOver(byte qualityOfService) =>
        (writer.IsVersion5 && qualityOfService > 0 && _unanswered + Unreleased >= receiveMaximum)
        || /* guard: QoS 2 ids of earlier connections count */ (qualityOfService == 2 && Unreleased + (_receivedBefore?.Count ?? 0) >= 2 * receiveMaximum);

    /// <summary>So many publishes are at the log that no more are taken in. Under the writer's gate.</summary>
    public bool IsFull => _underWay >= receiveMaximum;

    /// <summary>Completes when one of them is decided on, or released. Under the writer's gate.</summary>
    public Task Free() => (_intakeFree = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>
    /// The QoS 2 publishes that the client has not released, of those that were stored: what failed, or was refused, it may send again.
    /// </summary>
    public IReadOnlyDictionary<ushort, ulong> Received()
    {
        lock (writer.Gate)
        {
            return (_incomingQoS2 ?? []).Where(publish => publish.Value is { IsDone: true, Code: < 0x80, IsRelayed: false })
                .Select(publish => KeyValuePair.Create(publish.Key, publish.Value.ContentHash))
                .Concat(_receivedBefore ?? [])
                .ToDictionary();
        }
    }

    /// <summary>What earlier connections of the MQTT session received. Under the writer's gate.</summary>
    public void Resume(IReadOnlyDictionary<ushort, ulong> received)
    {
        if (received.Count > 0)
        {
            _receivedBefore = new Dictionary<ushort, ulong>(received);
        }
    }

    /// <summary>Completes when everything that was taken in is answered.</summary>
    public Task Drained()
    {
        lock (writer.Gate)
        {
            if (_underWay == 0)
            {
                return Task.CompletedTask;
            }

            return (_drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    // Under the writer's gate.
    private void Settle()
    {
        _underWay--;
        _intakeFree?.TrySetResult();
        if (_underWay == 0)
        {
            _drained?.TrySetResult();
            _drained = null;
        }
    }

    // Under the writer's gate. Writes the answers that are ready, in order. True: something was written.
    private bool WriteReady()
    {
        var wrote = false;
        while (_answers.TryPeek(out var answer) && answer.IsDone)
        {
            _answers.Dequeue();
            if (answer.QualityOfService == 1)
            {
                _unanswered--;
            }

            if (!answer.FailedWithoutWord || writer.IsVersion5)
            {
                Write(answer);
                wrote = true;
            }
        }

        return wrote;
    }

    // Under the writer's gate.
    private void Write(PublishAnswer answer)
    {
        var type = answer.QualityOfService == 2 ? PacketType.PubRec : PacketType.PubAck;
        if (answer.QualityOfService == 2 && answer.Code >= 0x80)
        {
            // MQTT 5.0, 4.3.3: a PUBREC with an error ends the exchange.
            if (writer.IsVersion5)
            {
                _incomingQoS2?.Remove(answer.PacketId);
            }
        }

        if (writer.IsSilent)
        {
            return;
        }

        if (writer.IsVersion5 && writer.WantsReasons && (answer.Code >= 0x80 || answer.Epoch is not null))
        {
            var (again, retry) = answer.Refusal is { } refusal && (refusal.Retry > 0 || refusal.IsNamed || NamesAll) ? (refusal.Notice, refusal.Retry)
                : NamesAll && answer.FailedWithoutWord ? (RelayedAnswer.NotStored, 0)
                : (null, 0);
            var packet = PacketWriter.PublishAnswer(type, answer.PacketId, answer.Code, answer.Reason, answer.Seq, answer.Epoch, again, retry);
            if (packet.Length <= writer.MaximumPacket)
            {
                writer.WriteControl(packet);
                return;
            }
        }

        // [MQTT-3.4.2-2], [MQTT-3.4.2-3] Also where what would be said is larger than the client takes.
        writer.WriteShort(type, answer.PacketId, answer.Code);
    }
}
