using System.Buffers;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Transports;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// All that is written to a client: what has room in the output, when it is flushed, and what waits for the peer to read.
/// </summary>
/// <remarks>
/// Owns the client's write lock, <see cref="Gate"/>. It guards everything about what was written, here and in <see cref="OwedAnswers"/>,
/// <see cref="KeptSession"/>, <see cref="Delivery"/> and <see cref="Feeder"/>, which take it as theirs.
/// It is taken last: under it only leaves are taken, and nothing blocks. Nobody ever awaits a flush: a write is a copy into the output
/// pipe, and a peer that does not read is found by what waits for it.
/// </remarks>
/// <param name="lease">Without it nothing leaves; null: this node is alone, and always may write.</param>
internal sealed partial class Writer(Transport transport, ILife life, TrafficMemory memory, TimeProvider time, ILease? lease = null)
{
    /// <summary>Written to a peer whose socket takes nothing more: beyond it events stay in the log, where they cost nothing.</summary>
    public const int EventBytesLimit = 32 * 1024;

    /// <summary>The same of what is in no log (presence, info, notices): beyond it QoS 1 waits in the queue and QoS 0 is dropped.</summary>
    /// <remarks>The buffer is up to twice as large, as buffers come in powers of two.</remarks>
    public const int StalledBytesLimit = 128 * 1024;

    /// <summary>The same of anything, while more waits for all clients together than should.</summary>
    public const int TightBytesLimit = 8 * 1024;

    /// <summary>So much is sent without waiting for the end of a batch.</summary>
    private const int FlushBytes = 32 * 1024;

    private readonly ByteCount _outgoing = memory.Outgoing;

    // Set when the parts of the client are put together, before anything is read.
    private IWaitingMember _member = null!;

    // Written since the last flush began, and what that flush has not sent.
    private int _unflushed;
    private int _unsent;
    private UntakenAnswers _untaken;

    // Of the above, as the memory of all connections was told.
    private WaitingShare _share = new(memory.Outgoing);
    private long? _blockedSince;
    private bool _dirty;

    // Nothing is flushed until what belongs to a SUBACK has taken effect.
    private bool _corked;
    private bool _flushing;

    /// <summary>The write lock of the client.</summary>
    public Lock Gate { get; } = DiskReads.NoneUnder(new Lock());

    public bool IsVersion5 { get; private set; }

    /// <summary>Bytes of the largest packet that the client takes.</summary>
    public int MaximumPacket { get; private set; } = int.MaxValue;

    /// <summary>The client wants reason strings.</summary>
    public bool WantsReasons { get; private set; } = true;

    /// <summary>The successful CONNACK is written.</summary>
    public bool IsConnected { get; private set; }

    /// <summary>Counted under <see cref="Gate"/>.</summary>
    public TrafficCount Sent { get; } = new();

    /// <summary>Nothing is written any more. Under <see cref="Gate"/>, for whoever must not miss it.</summary>
    public bool IsSilent { get; private set; }

    /// <summary>What is noted of a device's connection; null: it is no device's.</summary>
    public DeviceWatch? Watch { get; set; }

    /// <summary>How the client speaks, and how large it takes packets; after its CONNECT was read.</summary>
    public void Speak(bool isVersion5, int maximumPacket, bool wantsReasons) =>
        (IsVersion5, MaximumPacket, WantsReasons) = (isVersion5, maximumPacket, wantsReasons);

    public void Serve(IWaitingMember member) => _member = member;

    /// <summary>The client takes nothing and is owed something, as of now if not before. Under <see cref="Gate"/>.</summary>
    public void Block() => _blockedSince ??= time.GetTimestamp();

    /// <summary>What the client is owed begins anew. Under <see cref="Gate"/>.</summary>
    public void Unblock() => _blockedSince = null;

    /// <summary>So much is behind what the peer did not take, that what is never queued is dropped. Under <see cref="Gate"/>.</summary>
    public bool IsFarBehind => _flushing && _unflushed > TightBytesLimit;

    /// <summary>
    /// Writes an answer and holds it back until <see cref="Uncork"/>: it does not leave before it has taken effect.
    /// False: the connection is over.
    /// </summary>
    /// <param name="connects">It is the CONNACK that lets the client in.</param>
    public bool WriteCorked(ReadOnlySpan<byte> answer, bool connects = false)
    {
        lock (Gate)
        {
            if (!IsSilent)
            {
                WriteControl(answer);
            }

            // Ended meanwhile, or by an answer larger than the client takes: nobody shall be greeted who is already gone.
            if (IsSilent)
            {
                return false;
            }

            IsConnected |= connects;
            _corked = true;
            return true;
        }
    }

    /// <summary>
    /// The last that is written: a DISCONNECT, if the client speaks MQTT 5 and can get it. Under <see cref="Gate"/>.
    /// False: what was written before has not gone out, and must not be waited for.
    /// </summary>
    public bool SayGoodbye(byte code, string reason)
    {
        // A goodbye only where nothing waits to be sent: a peer that has stopped reading would not get it, and must not delay us.
        // Nor while a CONNACK or SUBACK is held back, which must not leave before it has taken effect.
        // Nor of a node that may write nothing.
        var isStalled = _flushing || _corked || !MayFlush;
        if (!isStalled && !IsSilent && IsVersion5 && IsConnected)
        {
            WriteControl(PacketWriter.Disconnect(code, WantsReasons ? reason : null, MaximumPacket));
        }

        IsSilent = true;
        return !isStalled;
    }

    /// <summary>Bytes that wait for the peer to read.</summary>
    public int WaitingBytes => _share.Bytes;

    /// <summary>True: the client owes us acknowledgements, or its socket takes nothing, and that has not changed for this long.</summary>
    public bool IsStuckFor(TimeSpan duration)
    {
        lock (Gate)
        {
            return _blockedSince is { } since && time.GetElapsedTime(since) > duration;
        }
    }

    /// <summary>Writes a control packet and flushes.</summary>
    public void SendControl(ReadOnlySpan<byte> packet)
    {
        lock (Gate)
        {
            if (!IsSilent)
            {
                WriteControl(packet);
            }
        }

        Flush();
    }

    /// <summary>Under <see cref="Gate"/>. The caller flushes.</summary>
    public void WriteControl(ReadOnlySpan<byte> packet)
    {
        if (/* guard: answers within the client's maximum */ packet.Length > MaximumPacket)
        {
            GiveUp();
            return;
        }

        transport.Output.Write(packet);
        Watch?.Sent(packet);
        CountAnswer(packet.Length);
    }

    /// <summary>An acknowledgement without reason and properties. Under <see cref="Gate"/>.</summary>
    public void WriteShort(PacketType type, ushort packetId, byte code)
    {
        if (!IsSilent)
        {
            var packet = transport.Output.GetSpan(5);
            var length = PacketWriter.Write(packet, type, packetId, code, IsVersion5);
            Watch?.Sent(packet[..length]);
            transport.Output.Advance(length);
            CountAnswer(length);
        }
    }

    /// <summary>Under <see cref="Gate"/>.</summary>
    public void Write(EncodedPublish publish, ushort packetId, bool isRepeated = false)
    {
        var packet = transport.Output.GetSpan(publish.Length)[..publish.Length];
        publish.CopyTo(packet, packetId, isRepeated);
        Watch?.Sent(packet);
        transport.Output.Advance(publish.Length);
        CountWritten(publish.Length);
    }

    /// <summary>The member is to be flushed when the batch is written. Under <see cref="Gate"/>.</summary>
    public void Touch(List<IMember> touched)
    {
        if (!_dirty)
        {
            _dirty = true;
            touched.Add(_member);
        }
    }

    /// <summary>The peer's socket is full, and something is behind what it did not take. Under <see cref="Gate"/>.</summary>
    public bool IsStalled => _flushing && _unflushed > 0;

    /// <summary>Whether so many bytes may wait. Under <see cref="Gate"/>.</summary>
    /// <remarks>Where nothing holds a flush up, what was written is on its way, but for <see cref="FlushBytes"/> at most.</remarks>
    public bool HasRoom(int limit) => !(_flushing || _corked)
        || _unsent + _unflushed < (_outgoing.IsFull ? TightBytesLimit : limit);

    /// <summary>
    /// The sweep closes a client that takes nothing for a minute: whoever took or acknowledged something has another one for the rest.
    /// Under <see cref="Gate"/>.
    /// </summary>
    public void Progressed() => _blockedSince = _flushing || _member.IsOwed ? time.GetTimestamp() : null;

    /// <summary>Null: the client takes its answers. Else it is not to be read on before the task.</summary>
    public Task? AnswersTaken()
    {
        if (!_untaken.AreTooMany)
        {
            return null;
        }

        lock (Gate)
        {
            return _untaken.AreTooMany && !IsSilent ? _untaken.Taken() : null;
        }
    }

    /// <summary>
    /// Under <see cref="Gate"/>, and not once it is silent: what the client holds then is taken off the count when it is gone.
    /// </summary>
    public void CountWaiting() => _share.Tell(_member.QueuedBytes + (_flushing ? _unsent + _unflushed : 0));

    /// <summary>After the end, when the member has forgotten what waited.</summary>
    public void ForgetWaiting()
    {
        lock (Gate)
        {
            _share.Tell(0);
        }
    }

    /// <summary>What was written and not flushed must not leave: this node may write nothing just now.</summary>
    public bool IsHeldBack => !MayFlush;

    /// <summary>From here on nothing is written any more.</summary>
    public void Silence()
    {
        lock (Gate)
        {
            IsSilent = true;
        }
    }

    public void Flush()
    {
        lock (Gate)
        {
            _dirty = false;
            if (!IsSilent && !_corked && !_flushing)
            {
                BeginFlush();
            }
        }
    }

    /// <summary>What belongs to the answer is in effect, and goes out behind it.</summary>
    /// <remarks>
    /// What was written meanwhile counted against what the client may have waiting, so whoever had no room for more is asked again.
    /// </remarks>
    public void Uncork()
    {
        lock (Gate)
        {
            _corked = false;

            // Where a flush is under way, its end does all this.
            if (IsSilent || _flushing)
            {
                return;
            }

            _dirty = false;
            BeginFlush();
            // guard: history goes on when the SUBACK has left
            _member.WriteWaiting();
            if (_unflushed > 0 && !_flushing)
            {
                BeginFlush();
            }

            Progressed();
        }
    }
}
