using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Streams;

/// <summary>A log and the clients that hear it live: a room, or an account's inbox.</summary>
/// <remarks>
/// Threads. <c>Gate</c> guards the subscribers (and what a derived class says).
/// In which order locks are taken: docs/architecture.md, Locks.
/// Everything that is delivered goes through the queues and is delivered by one worker at a time, so that every member receives all
/// events in one order; the worker holds no lock while it delivers.
/// The log thread enqueues, and is the worker itself for one event that goes to a few (<see cref="Schedule"/>).
/// What may wait has a queue of its own, of which at most one piece is done while an event waits:
/// a publisher's answer never stands behind a rush of people who come and go (ADR 0034).
/// </remarks>
internal abstract partial class EventStream(LogName log, IEventLog logs) : IThreadPoolWorkItem, IEventWay
{
    /// <summary>How much of the queue is delivered before everybody is flushed.</summary>
    private const int BatchLength = 64;

    /// <summary>To so many, events are delivered sooner than a thread of the pool is woken.</summary>
    private const int FewSubscribers = 16;

    [ThreadStatic]
    private static List<IMember>? s_touched;

    [ThreadStatic]
    private static List<IStreamEvent>? s_events;

    [ThreadStatic]
    private static List<EventDelivery>? s_deliveries;

    private readonly ConcurrentQueue<IStreamWork> _queue = new();
    private readonly ConcurrentQueue<IStreamTask> _patient = new();

    private readonly SubscriberList _subscribers = new();
    private volatile RecentPublishers? _publishers;
    private volatile OpenLog? _open;
    private int _scheduled;

    // What the worker has handed to the sockets and not flushed: how many events, and when the first got its number.
    private (int Events, DateTimeOffset First) _told;

    /// <summary>Events were stored. On the worker, or on the log thread: must not block.</summary>
    public event Action? HasGrown;

    public LogName Log { get; } = log;

    /// <summary>Of its log. In memory once the log was opened, so that it may be asked for under a lock; before that it is read.</summary>
    public LogHead LogHead => (_open ??= Logs.Open(Log)).Head;

    /// <summary>Whether <see cref="LogHead"/> is in memory.</summary>
    public bool IsLogOpen => _open is not null;

    protected IEventLog Logs { get; } = logs;

    /// <summary>The topic of its events.</summary>
    public abstract byte[] EventsTopic { get; }

    protected abstract TopicKind Kind { get; }

    protected Lock Gate { get; } = DiskReads.NoneUnder(new Lock());

    /// <summary>The subscribers now. For the worker.</summary>
    public Subscribers Subscribers => _subscribers.Now;

    /// <summary>A connection's place among the subscribers now. For the worker.</summary>
    public Subscriber? SubscriberOf(IMember member)
    {
        lock (Gate)
        {
            return _subscribers.Find(member);
        }
    }

    /// <summary>Who said what lately. Null: nobody has asked for No Local here.</summary>
    public RecentPublishers? Publishers => _publishers;

    /// <summary>A client said it: for those who count on no echo of it.</summary>
    /// <param name="publisherMark">0: nobody who could count on that.</param>
    public void SaidBy(ulong publisherMark, ReadOnlySpan<byte> id)
    {
        if (publisherMark != 0)
        {
            Publishers?.Add(publisherMark, id);
        }
    }

    /// <summary>Has the head of the log in memory from now on. For whoever is about to take a lock, or may not wait for a disk.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public ValueTask OpenAsync() => _open is null ? new ValueTask(Task.Run(() => LogHead)) : default;

    public void Enqueue(IStreamWork work)
    {
        Add(work);
        Schedule();
    }

    /// <summary>For the log thread, which adds all that it wrote at once and then schedules.</summary>
    public void Add(IStreamWork work)
    {
        if (work is IStreamTask { MayWait: true } task)
        {
            _patient.Enqueue(task);
        }
        else
        {
            _queue.Enqueue(work);
        }
    }

    /// <param name="mayWork">See <see cref="PendingAppend.Proceed"/>: events for a few subscribers are delivered in this call.</param>
    public void Schedule(bool mayWork = false)
    {
        if (Interlocked.Exchange(ref _scheduled, 1) == 0 && !(mayWork && Subscribers.Length <= FewSubscribers && TryDeliverInPlace()))
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>
    /// Gives a connection the place that its filters amount to now. Call it after any change of the filters or of membership.
    /// </summary>
    /// <param name="filters">Those of the connection's filters that cover this stream.</param>
    /// <param name="leavesAtOnce">
    /// The client itself ended what it had (unsubscribe, logout), so that nobody waits for it to come back.
    /// </param>
    /// <param name="from">Where its events begin; null: with what comes, or where the connection was.</param>
    public abstract void Place(IMember member, HeldFilter[] filters, bool leavesAtOnce, CatchUpFrom? from = null);

    /// <summary>Writes a stored event as it goes out.</summary>
    /// <param name="more">See <see cref="EventBody.WriteJson"/>.</param>
    public abstract void WriteJson(IBufferWriter<byte> target, in LogEntry entry, string epoch, ReadOnlySpan<byte> more = default);

    /// <summary>
    /// What goes out with a stored event and is no part of it, as it is now. Reads the log where the event is about another one.
    /// </summary>
    public virtual ReadOnlyMemory<byte> MoreOf(in LogEntry entry) => default;

    /// <summary>The field `quote` of an event that answers another one of its log; empty: it has none. Reads the log.</summary>
    protected ReadOnlyMemory<byte> QuoteIn(LogName name, in LogEntry entry) => AnsweredQuote.In(Logs, name, entry);

    /// <summary>
    /// Whether a stored event is a line of its own: what was only done to others is in them. May read the log.
    /// </summary>
    public virtual bool IsLine(in LogEntry entry) =>
        EventBody.TypeOf(entry.Body.Span) is not (EventType.Edit or EventType.Delete or EventType.Reaction or EventType.Pin);

    /// <summary>As <see cref="IEventLog.ReadAfter"/>, of what whoever hears the stream is shown.</summary>
    public virtual LogPage ReadAfter(long after, int limit) => Logs.ReadAfter(Log, after, limit);

    /// <summary>As <see cref="IEventLog.ReadBefore"/>, the same.</summary>
    public virtual LogPage ReadBefore(long before, int limit) => Logs.ReadBefore(Log, before, limit);

    /// <summary>Writes the field that says where: `room`, `to` or `with`.</summary>
    public abstract void WritePlace(Utf8JsonWriter writer);

    /// <summary>The event as a plain line, for those who subscribe to lines; null: none is shown.</summary>
    protected abstract PublishFrames? LineOf(IStreamEvent stored);

    /// <summary>Events were stored. On the worker, or on the log thread: must not block.</summary>
    protected virtual void Grew()
    {
        // Most have nobody to tell.
    }

    /// <summary>So many events are with the sockets of who hears them, the first numbered then. As <see cref="Grew"/>.</summary>
    protected virtual void Told(DateTimeOffset first, int events)
    {
        // Most have nobody to tell.
    }

    /// <summary>A stored event, encoded for whoever gets it.</summary>
    /// <param name="now">When it is sent: what remains of the time it is of use goes with it [MQTT-3.3.2-6].</param>
    /// <param name="more">See <see cref="EventBody.WriteJson"/>.</param>
    public PublishFrames FramesOf(in LogEntry entry, string epoch, DateTimeOffset now, ReadOnlySpan<byte> more = default)
    {
        var body = entry.Body.Span;
        uint? remaining = EventBody.ExpiryOf(body) is { } expiry && expiry > now ? (uint)Math.Ceiling((expiry - now).TotalSeconds) : null;
        var json = new ArrayBufferWriter<byte>(body.Length + more.Length + 160);
        WriteJson(json, entry, epoch, more);
        return new PublishFrames(Kind, EventsTopic, json.WrittenMemory, expiry: remaining);
    }

    /// <summary>What tells a client that the seqs it knows do not count any more.</summary>
    public PublishFrames ResetFrames(in LogHead head)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = EventBody.NewWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("v"u8, 1);
            writer.WriteString("type"u8, "reset"u8);
            WritePlace(writer);
            writer.WriteString("epoch"u8, head.Epoch);
            writer.WriteNumber("head"u8, head.Head);
            writer.WriteNumber("first"u8, head.First);
            writer.WriteEndObject();
        }

        return new PublishFrames(Kind, EventsTopic, buffer.WrittenMemory);
    }

    void IEventWay.Completed(IStreamEvent told, PendingAppend append) => Add(told);

    void IEventWay.Proceed(bool mayWork) => Schedule(mayWork);

    StoredEvent? IEventWay.StoredIn(EventStream stream, PendingAppend append) => StoredEvent.Of(append);

    void IThreadPoolWorkItem.Execute()
    {
        var touched = s_touched ??= [];
        var events = s_events ??= [];
        while (true)
        {
            for (var i = 0; i < BatchLength && _queue.TryDequeue(out var work); i++)
            {
                switch (work)
                {
                    case IStreamEvent next:
                        events.Add(next);
                        break;
                    case IStreamTask task:
                        DeliverEvents(events, touched);
                        task.Deliver(this, touched);
                        break;
                }
            }

            DeliverEvents(events, touched);
            Flush(touched);
            DeliverPatient(touched);
            if (TryRest())
            {
                return;
            }
        }
    }

    // One piece even while the room talks without a pause, so that none is put off for ever.
    private void DeliverPatient(List<IMember> touched)
    {
        for (var i = 0; i < BatchLength && (i == 0 || /* guard: answers before presence */ _queue.IsEmpty) && _patient.TryDequeue(out var task); i++)
        {
            task.Deliver(this, touched);
        }

        IMember.FlushAll(touched);
    }

    // As the worker, but for work that is not an event, which may take its time. False: a worker is needed.
    private bool TryDeliverInPlace()
    {
        using var noReads = DiskReads.Forbid();
        var events = s_events ??= [];
        while (events.Count < BatchLength && _queue.TryPeek(out var work) && work is IStreamEvent next)
        {
            // The only one to take from the queue is whoever is scheduled, and that is this call.
            _queue.TryDequeue(out _);
            events.Add(next);
        }

        var touched = s_touched ??= [];
        DeliverEvents(events, touched);
        Flush(touched);
        return TryRest();
    }

    private void Flush(List<IMember> touched)
    {
        IMember.FlushAll(touched);
        if (_told.Events > 0)
        {
            Told(_told.First, _told.Events);
            _told = default;
        }
    }

    // The worker's last step. False: there is more to do, and it is still scheduled.
    private bool TryRest()
    {
        if (!_queue.IsEmpty || !_patient.IsEmpty)
        {
            return false;
        }

        // Whoever enqueues from here on schedules anew, unless it came before the flag was down: then the work is ours.
        Volatile.Write(ref _scheduled, 0);
        Interlocked.MemoryBarrier();
        return (_queue.IsEmpty && _patient.IsEmpty) || Interlocked.Exchange(ref _scheduled, 1) != 0;
    }

    /// <summary>As <see cref="Replace"/>, and the events begin where the SUBSCRIBE asked. Call under <see cref="Gate"/>.</summary>
    protected Subscriber? Put(IMember member, Subscriber? subscriber, CatchUpFrom? from)
    {
        if (subscriber?.Events is { NoLocal: true })
        {
            _publishers ??= new RecentPublishers();
        }

        // In one hold: an event that the worker brought between the two would go out ahead of what the client catches up on.
        using (member.HoldWrites())
        {
            var old = Replace(member, subscriber);
            if (subscriber?.Events is not null)
            {
                member.Begin(subscriber, from);
            }

            return old;
        }
    }

    /// <summary>Puts, replaces or (null) removes a connection's place. Returns the one it had. Call under <see cref="Gate"/>.</summary>
    protected Subscriber? Replace(IMember member, Subscriber? subscriber)
    {
        var old = _subscribers.Find(member);
        if (old is not null)
        {
            member.Replace(old, subscriber);
        }

        _subscribers.Put(member, subscriber);
        return old;
    }

    // Member by member, not event by event: a member's lock is taken and its memory touched once for the whole batch.
    private void DeliverEvents(List<IStreamEvent> events, List<IMember> touched)
    {
        if (events.Count == 0)
        {
            return;
        }

        var deliveries = s_deliveries ??= [];
        DateTimeOffset first = default;
        foreach (var stored in events)
        {
            if (stored.Append.Outcome == AppendOutcome.Stored && stored.StoredIn(this) is { } here)
            {
                var entry = here.Entry;
                first = deliveries.Count == 0 ? entry.At : first;
                deliveries.Add(new EventDelivery(entry.Seq, FramesOf(entry, here.Epoch, entry.At, stored.More.Span), stored.PublisherMark));
            }
        }

        if (deliveries.Count > 0)
        {
            Deliver(deliveries, events, null, touched);
            _told = (_told.Events + deliveries.Count, _told.Events == 0 ? first : _told.First);
            deliveries.Clear();
            Grew();
            HasGrown?.Invoke();
        }

        foreach (var stored in events)
        {
            stored.Answer(touched);
        }

        events.Clear();
    }

    private List<PublishFrames> LinesOf(List<IStreamEvent> events) =>
        [.. events.Where(stored => stored.Append.Outcome == AppendOutcome.Stored).Select(LineOf).OfType<PublishFrames>()];
}
