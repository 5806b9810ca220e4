using System.Buffers;
using System.Text.Json;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// The reactions to the messages of one page of history, as they were at the head of that page: so whoever reads it applies what comes
/// above, and nothing twice.
/// </summary>
/// <remarks>
/// Records have no past. What was changed above the head is read from the log after them and taken back: the first reaction of somebody
/// with an emoji above the head says that it was the other way before. Belongs to one request.
/// </remarks>
internal sealed class ReactionsOfPage(IRecords records, IEventLog log, LogName name, string readerId)
{
    /// <summary>A page in which so many have reacted ends there. To one message alone so many are read, and a few of each other
    /// kind.</summary>
    public const int Most = 20_000;

    /// <summary>Of each further kind: no message has more kinds than make <see cref="Most"/> again.</summary>
    public const int FewOfKind = 400;

    /// <summary>So many of those who reacted with one emoji are named.</summary>
    private const int Named = 20;

    private const int ReadFirst = 64;
    private const int ReadAtOnce = 1_000;

    private readonly byte[] _prefix = ReactionKey.PrefixOf(name);

    // By the seq of the message.
    private readonly Dictionary<long, List<Found>> _found = [];
    private readonly Dictionary<long, Dictionary<ReactionKey, (bool WasOn, Found One)>> _later = [];
    private readonly ArrayBufferWriter<byte> _json = new();
    private LogHead _head;
    private long _lookedTo;
    private int _read;

    // What was found is all there is to these messages.
    private (long From, long To) _covered = (1, 0);

    public bool IsFull => _read >= Most;

    /// <summary>Reads what belongs to the messages from one to another at once, as far as it is not too much.</summary>
    /// <param name="head">Of the page: always the same.</param>
    public void Prepare(in LogHead head, long from, long to)
    {
        if (_lookedTo == 0)
        {
            (_head, _lookedTo) = (head, head.Head);
        }

        Read(from, to, Most / 4);
    }

    /// <summary>The field `reactions` of a message, with the comma before it; empty: there are none.</summary>
    public ReadOnlyMemory<byte> Of(long seq)
    {
        if (seq < _covered.From || seq > _covered.To)
        {
            ReadAlone(seq);
        }

        var found = _found.GetValueOrDefault(seq) ?? [];
        if (_later.TryGetValue(seq, out var later))
        {
            var ofHead = later.Values.Where(one => one.WasOn && !found.Exists(other => other.Key == one.One.Key)).Select(one => one.One);
            found = [.. found.Where(one => !later.TryGetValue(one.Key, out var first) || first.WasOn), .. ofHead];
        }

        return found.Count == 0 ? default : Json(found);
    }

    private byte[] Json(List<Found> found)
    {
        var kinds = found.GroupBy(one => one.Key.Emoji)
            .Select(kind => kind.OrderBy(one => one.At).ToList())
            .OrderBy(kind => kind[0].At).ThenByDescending(kind => kind.Count).ThenBy(kind => kind[0].Key.Emoji, StringComparer.Ordinal);
        _json.ResetWrittenCount();
        _json.Write(",\"reactions\":"u8);
        using (var writer = EventBody.NewWriter(_json))
        {
            writer.WriteStartArray();
            foreach (var kind in kinds)
            {
                writer.WriteStartObject();
                writer.WriteString("emoji"u8, kind[0].Key.Emoji);
                writer.WriteNumber("count"u8, kind.Count);
                writer.WriteStartArray("users"u8);
                foreach (var one in kind.Take(Named))
                {
                    ReadOnlySpan<byte> user = [(byte)'{', .. one.From.Span, (byte)'}'];
                    writer.WriteRawValue(user, skipInputValidation: true);
                }

                writer.WriteEndArray();
                writer.WriteBoolean("mine"u8, kind.Exists(one => one.Key.AccountId == readerId));
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return _json.WrittenSpan.ToArray();
    }

    private void Read(long from, long to, int most)
    {
        _found.Clear();
        var last = ReactionKey.PrefixOf(name, from);
        var limit = ReadFirst;
        var coveredTo = to;
        var count = 0;
        while (records.ReadPage(_prefix, last, limit) is { Count: > 0 } page)
        {
            foreach (var (key, value) in page)
            {
                if (ReactionKey.SeqIn(key, _prefix.Length) <= to && ReactionKey.TryParse(key, _prefix.Length) is { } reaction)
                {
                    var (at, by) = ReactionKey.ReadValue(value);
                    if (!_found.TryGetValue(reaction.Seq, out var ofMessage))
                    {
                        _found[reaction.Seq] = ofMessage = [];
                    }

                    ofMessage.Add(new Found(reaction, at, by));
                    count++;
                }
            }

            var reached = ReactionKey.SeqIn(page[^1].Key, _prefix.Length);
            if (page.Count < limit || reached > to)
            {
                break;
            }

            if (count > most)
            {
                // Of the last one there may be more.
                coveredTo = reached - 1;
                break;
            }

            (last, limit) = (page[^1].Key, ReadAtOnce);
        }

        _read += count;
        _covered = (from, coveredTo);
        ReadLater();
    }

    // A message to which very many have reacted: each kind is named, and those of which there is more are counted no further.
    private void ReadAlone(long seq)
    {
        _found.Clear();
        List<Found> ofMessage = _found[seq] = [];
        var prefix = ReactionKey.PrefixOf(name, seq);
        var last = prefix;
        var (kind, ofKind) = ("", 0);
        for (var isMore = true; isMore;)
        {
            var page = records.ReadPage(prefix, last, ReadAtOnce);
            isMore = page.Count == ReadAtOnce;
            foreach (var (key, value) in page)
            {
                last = key;
                if (ReactionKey.TryParse(key, _prefix.Length) is not { } reaction)
                {
                    continue;
                }

                (kind, ofKind) = reaction.Emoji == kind ? (kind, ofKind + 1) : (reaction.Emoji, 1);
                if (/* guard: reactions that are read for one message */ ofMessage.Count >= Most && ofKind > FewOfKind)
                {
                    AddMine(ofMessage, seq, kind);
                    (last, isMore) = ([.. ReactionKey.PrefixOf(name, seq, kind), 0xFF], true);
                    break;
                }

                var (at, by) = ReactionKey.ReadValue(value);
                ofMessage.Add(new Found(reaction, at, by));
            }
        }

        _read += ofMessage.Count;
        _covered = (seq, seq);
        ReadLater();
    }

    // Of those that are not read the reader wants to know whether he is one.
    private void AddMine(List<Found> ofMessage, long seq, string emoji)
    {
        ReactionKey mine = new(seq, emoji, readerId);
        if (!ofMessage.Exists(one => one.Key == mine) && records.Find(ReactionKey.Of(name, seq, emoji, readerId)) is { } value)
        {
            var (at, by) = ReactionKey.ReadValue(value);
            ofMessage.Add(new Found(mine, at, by));
        }
    }

    // After the records, so that what they have of it is known.
    private void ReadLater()
    {
        while (log.ReadAfter(name, _lookedTo, ReadAtOnce) is { Entries: { Count: > 0 } entries } page && page.Head.Epoch == _head.Epoch)
        {
            foreach (var entry in entries)
            {
                if (EventBody.TypeOf(entry.Body.Span) == EventType.Reaction)
                {
                    var (of, emoji, isOn, by) = EventBody.ReactionOf(entry.Body.Span);
                    if (!_later.TryGetValue(of, out var ofMessage))
                    {
                        _later[of] = ofMessage = [];
                    }

                    ReactionKey key = new(of, emoji, entry.Author);
                    ofMessage.TryAdd(key, (!isOn, new Found(key, entry.At.ToUnixTimeMilliseconds(), by)));
                }
            }

            _lookedTo = entries[^1].Seq;
        }
    }

    private readonly record struct Found(ReactionKey Key, long At, ReadOnlyMemory<byte> From);
}
