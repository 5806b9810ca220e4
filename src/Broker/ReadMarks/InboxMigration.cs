using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>
/// Takes over the inboxes of version 0.1, which had what was whispered to an account: what two said to each other goes into the log of the
/// two, merged by its time, and a pointer stays where it was, in the same write (ADR 0056).
/// </summary>
/// <remarks>
/// So each inbox keeps its seqs and its epoch, and whoever had come to a place in it goes on from there. Ended in between, the next start
/// goes on with what has no pointer yet; when all is done a record says so, and it is never looked at again.
/// </remarks>
internal sealed partial class InboxMigration(AccountDirectory accounts, IEventLog log, IRecords records, ILogger<InboxMigration> logger)
{
    private const int AtOnce = 500;

    /// <summary>Before anything is served.</summary>
    /// <exception cref="IOException">It cannot be read or written, or a newer program wrote it.</exception>
    public async Task RunAsync()
    {
        if (records.Find(ConversationRecord.StateKey) is { } state)
        {
            if (state is not [ConversationRecord.Format])
            {
                throw new IOException("The conversations were written by a newer version of this program.");
            }

            return;
        }

        Dictionary<LogName, Former> all = [];
        foreach (var account in accounts.All)
        {
            Read(account, all);
        }

        var count = 0;
        foreach (var (name, former) in all)
        {
            // The epoch of an unused log is another when it is read again, unless it is held.
            var open = log.Open(name);
            count += await MergeAsync(name, former);
            await records.WriteAsync([.. former.Positions(name, open.Head).Where(change => records.Find(change.Key) is null)]);
        }

        await records.WriteAsync([new RecordChange(ConversationRecord.StateKey, [ConversationRecord.Format])]);
        if (count > 0)
        {
            LogMoved(logger, count, all.Count);
        }
    }

    private void Read(Account account, Dictionary<LogName, Former> all)
    {
        var inbox = LogName.OfAccount(account.Id);
        var head = log.Head(inbox);
        var mark = records.Find(AccountPositions.Key(account.Id, inbox.Value)) is { } bytes ? Mark.Parse(bytes) : Mark.Nothing;

        // As whoever asks for the position would be told.
        var read = mark.IsOf(head) ? mark.Seq : head.Head;
        for (var page = log.ReadAfter(inbox, 0, 1_000); page.Entries.Count > 0; page = log.ReadAfter(inbox, page.Entries[^1].Seq, 1_000))
        {
            foreach (var entry in page.Entries)
            {
                var pointer = EventBody.PointerOf(entry.Body.Span);
                if (pointer is null && EventBody.TypeOf(entry.Body.Span) != EventType.Whisper)
                {
                    continue;
                }

                var name = LogName.OfConversation(account.Id, pointer?.Other ?? entry.Author);
                if (!all.TryGetValue(name, out var former))
                {
                    all[name] = former = new Former();
                }

                if (pointer is null)
                {
                    former.Left.Add(new Whisper(account.Id, entry.Seq, entry.Author, entry.At, entry.Seq <= read));
                }
                else if (entry.Seq <= read)
                {
                    former.IsRead(account.Id, pointer.Value.Seq);
                }
            }
        }
    }

    private async Task<int> MergeAsync(LogName name, Former former)
    {
        var left = former.Left.OrderBy(one => one.At).ThenBy(one => one.Inbox, StringComparer.Ordinal).ThenBy(one => one.Seq).ToList();
        HashSet<(string, string)> ids = [];
        foreach (var some in left.Chunk(AtOnce))
        {
            List<(Whisper Whisper, MovedWhisper Append)> moved = [];
            foreach (var whisper in some)
            {
                var entry = Entry(LogName.OfAccount(whisper.Inbox), whisper.Seq);
                var id = JsonSerializer.Deserialize<string>([(byte)'"', .. EventBody.IdOf(entry.Body.Span), (byte)'"'])!;
                var append = Append(name, whisper, entry, ids.Add((entry.Author, id)) ? id : null, isLast: whisper == left[^1]);
                moved.Add((whisper, append));
                log.Append(append);
            }

            foreach (var (whisper, append) in moved)
            {
                await append.Done;
                former.Moved(whisper, await CheckAsync(name, whisper, append));
            }
        }

        return left.Count;
    }

    // Returns its seq in the conversation.
    private async Task<long> CheckAsync(LogName name, Whisper whisper, MovedWhisper append)
    {
        if (append.Outcome is AppendOutcome.Duplicate or AppendOutcome.IdInUse)
        {
            // Its author has used the id again when it was forgotten, before the program was ended in between.
            var entry = Entry(LogName.OfAccount(whisper.Inbox), whisper.Seq);
            append = Append(name, whisper, entry, id: null, isLast: true);
            log.Append(append);
            await append.Done;
        }

        if (append.Outcome != AppendOutcome.Stored
            || !Entry(name, append.Seq).Body.Span.SequenceEqual(append.Body.Span)
            || EventBody.PointerOf(Entry(LogName.OfAccount(whisper.Inbox), whisper.Seq).Body.Span)?.Seq != append.Seq)
        {
            throw new IOException($"Whisper {whisper.Seq} to account {whisper.Inbox} could not be taken over from version 0.1.");
        }

        return append.Seq;
    }

    private MovedWhisper Append(LogName name, Whisper whisper, LogEntry entry, string? id, bool isLast)
    {
        var (text, replyTo) = EventBody.SaidOf(entry.Body.Span);
        return new MovedWhisper(name, entry.Author, id, id is null ? default : EventBody.ContentHash(text, replyTo), EventBody.MessageOfWhisper(entry.Body.Span))
        {
            SaidAt = entry.At,
            Pointers =
            [
                new EventPointer(
                    LogName.OfAccount(whisper.Inbox),
                    EventBody.Pointer(isMessage: true, EventBody.IsByBot(entry.Body.Span), entry.Author),
                    /* guard: what was whispered stands where it stood */ whisper.Seq),
            ],
            Changes = isLast ? [.. Index(whisper.Inbox, entry), .. Index(entry.Author, entry, whisper.Inbox)] : [],
        };
    }

    private IEnumerable<RecordChange> Index(string of, LogEntry entry, string? other = null)
    {
        if (accounts.Find(of) is not null)
        {
            var user = accounts.Find(other ?? entry.Author)?.UserName ?? EventBody.AuthorOf(entry.Body.Span).User;
            yield return new ConversationRecord(other ?? entry.Author, entry.At, user).ChangeOf(of);
        }
    }

    private LogEntry Entry(LogName name, long seq) => log.ReadAfter(name, seq - 1, 1).Entries is [var entry] && entry.Seq == seq
        ? entry
        : throw new LogDamagedException($"The event log lacks event {seq} of {name}.");

    [LoggerMessage(4290, LogLevel.Information, "Took over {Count} whispers of version 0.1 into {Conversations} conversations")]
    private static partial void LogMoved(ILogger logger, int count, int conversations);

    /// <summary>A whisper of version 0.1.</summary>
    /// <param name="Inbox">Account id of whom it was said to.</param>
    private sealed record Whisper(string Inbox, long Seq, string Author, DateTimeOffset At, bool IsRead);

    /// <summary>What version 0.1 had of two who whispered to each other.</summary>
    private sealed class Former
    {
        // How far each of the two has read, in the conversation.
        private readonly Dictionary<string, long> _read = [];

        public List<Whisper> Left { get; } = [];

        public void IsRead(string account, long seq) => _read[account] = Math.Max(_read.GetValueOrDefault(account), seq);

        public void Moved(Whisper whisper, long seq)
        {
            if (whisper.IsRead)
            {
                IsRead(whisper.Inbox, seq);
            }
        }

        public IEnumerable<RecordChange> Positions(LogName name, LogHead head) =>
            _read.Select(read => new RecordChange(AccountPositions.Key(read.Key, name.Value), new Mark(read.Value, head.Epoch).ToBytes()));
    }

    private sealed class MovedWhisper(LogName log, string author, string? id, UInt128 contentHash, byte[] body)
        : PendingAppend(log, author, id, contentHash, body)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Done => _done.Task;

        protected override void Completed() => _done.SetResult();
    }
}
