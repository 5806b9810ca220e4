using System.Buffers;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Archives;

/// <summary>Writes a room into a file, a page of the log at a time: as large as the room may be, it holds a page of it in memory.</summary>
/// <remarks>
/// It is the room up to its head at the beginning. No snapshot of the store is held for it: what is deleted meanwhile leaves the disk, and
/// is deleted in what is still to be written. Thread-safe.
/// </remarks>
internal sealed class RoomExport(IEventLog log, IRecords records, AccountDirectory accounts, BrokerLimits limits, TimeProvider time)
{
    private const int EventsAtOnce = 100;
    private const int RecordsAtOnce = 500;

    // Each may be as large as a payload.
    private const int ValuesAtOnce = 4;

    /// <summary>Writes all of it, and the end of the file. What fails on the way leaves a file that nobody takes for a whole one.</summary>
    /// <param name="target">Is not closed.</param>
    /// <param name="bytesPerSecond">Before compression; 0: as fast as it goes.</param>
    /// <param name="told">How many events are written, of how many, after each page.</param>
    /// <exception cref="ArchiveException">The room was deleted meanwhile.</exception>
    /// <exception cref="IOException">It cannot be read, or not be written.</exception>
    public async Task WriteAsync(
        RoomRecord room, Stream target, int bytesPerSecond, Action<long, long>? told, CancellationToken cancellation)
    {
        // Never disposed of on the way: that would write the end of a file of which a part is missing.
        GatheredBytes bytes = new(target);
        var zip = await ZipArchive.CreateAsync(bytes, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, cancellation);
        Pace pace = new(bytesPerSecond, time);
        var head = await Task.Run(() => log.Head(room.Log), cancellation);
        await WriteAsync(zip, ArchiveFormat.Room, bytes, pace, Pages(Head(room, head)), cancellation);
        await WriteAsync(zip, ArchiveFormat.Members, bytes, pace, Members(room.Key), cancellation);
        await WriteAsync(zip, ArchiveFormat.Events, bytes, pace, Events(room, head, told), cancellation);
        await WriteAsync(zip, ArchiveFormat.Reactions, bytes, pace, Reactions(room.Log, head), cancellation);
        await WriteAsync(zip, ArchiveFormat.Pins, bytes, pace, Pages(PinsOf(room.Log, head)), cancellation);
        await WriteAsync(zip, ArchiveFormat.Values, bytes, pace, Values(room.Key), cancellation);
        await zip.DisposeAsync();
        await bytes.GiveOnAsync(cancellation);
    }

    private static IEnumerable<Action<ArrayBufferWriter<byte>>> Pages(Action<ArrayBufferWriter<byte>> one) => [one];

    // Each page is read and written out on the thread pool, and given away before the next is read.
    private static async Task WriteAsync(
        ZipArchive zip, string name, GatheredBytes bytes, Pace pace, IEnumerable<Action<ArrayBufferWriter<byte>>> pages, CancellationToken cancellation)
    {
        var entry = zip.CreateEntry(name, CompressionLevel.Fastest);
        var stream = await entry.OpenAsync(cancellation);
        ArrayBufferWriter<byte> buffer = new(64 * 1024);
        using var page = pages.GetEnumerator();
        while (await Task.Run(() => Read(page, buffer), cancellation))
        {
            await stream.WriteAsync(buffer.WrittenMemory, cancellation);
            await bytes.GiveOnAsync(cancellation);
            await pace.WaitAsync(buffer.WrittenCount, cancellation);
        }

        await stream.DisposeAsync();
        await bytes.GiveOnAsync(cancellation);
    }

    private static bool Read(IEnumerator<Action<ArrayBufferWriter<byte>>> pages, ArrayBufferWriter<byte> buffer)
    {
        buffer.ResetWrittenCount();
        if (!pages.MoveNext())
        {
            return false;
        }

        pages.Current(buffer);
        return true;
    }

    private Action<ArrayBufferWriter<byte>> Head(RoomRecord room, LogHead head) => buffer => Line(
        buffer,
        new ArchivedRoom(
            ArchiveFormat.Version, ArchiveFormat.Program, Timestamps.Format(time.GetUtcNow()), room.Id.Value, room.Title, room.Topic, room.Policy,
            Timestamps.Format(room.CreatedAt), head.Epoch, head.First, head.Head, room.Tags.Count == 0 ? null : room.Tags),
        ArchiveJson.Default.ArchivedRoom);

    private IEnumerable<Action<ArrayBufferWriter<byte>>> Members(string key)
    {
        foreach (var page in PagesOf(MembershipRecord.OfRoom(key), RecordsAtOnce))
        {
            yield return buffer =>
            {
                foreach (var (place, value) in page)
                {
                    if (MembershipRecord.TryRead(value, out var member) && accounts.Find(MembershipRecord.SecondOf(place)) is { IsErased: false } account)
                    {
                        var (user, name) = (account.Profile.UserName, PlainLine.Of(account.Profile.DisplayName));
                        var since = member.Since is { } at ? Timestamps.Format(at) : null;
                        Line(buffer, new ArchivedMember(user, name, MemberRoles.NameOf(member.Role), since), ArchiveJson.Default.ArchivedMember);
                    }
                }
            };
        }
    }

    private IEnumerable<Action<ArrayBufferWriter<byte>>> Events(RoomRecord room, LogHead head, Action<long, long>? told)
    {
        var id = Encoding.ASCII.GetBytes(room.Id.Value);
        var count = head.Head == 0 ? 0 : head.Head - head.First + 1;
        for (var last = Math.Max(0, head.First - 1); last < head.Head;)
        {
            var page = log.ReadAfter(room.Log, last, (int)Math.Min(EventsAtOnce, head.Head - last));
            if (page.Head.Epoch != head.Epoch)
            {
                throw new ArchiveException("The room was deleted meanwhile.");
            }

            if (page.Entries.Count == 0)
            {
                // All that was left is kept no more.
                yield break;
            }

            yield return buffer =>
            {
                foreach (var entry in page.Entries.Where(entry => entry.Seq <= head.Head))
                {
                    EventBody.WriteJson(buffer, entry, head.Epoch, "room"u8, id);
                    buffer.Write("\n"u8);
                }
            };
            last = page.Entries[^1].Seq;
            told?.Invoke(Math.Min(last - head.First + 1, count), count);
        }
    }

    private IEnumerable<Action<ArrayBufferWriter<byte>>> Reactions(LogName name, LogHead head)
    {
        var prefix = ReactionKey.PrefixOf(name);
        foreach (var page in PagesOf(prefix, RecordsAtOnce))
        {
            if (ReactionKey.SeqIn(page[0].Key, prefix.Length) > head.Head)
            {
                yield break;
            }

            yield return buffer =>
            {
                foreach (var (key, value) in page)
                {
                    if (ReactionKey.TryParse(key, prefix.Length) is { } reaction && reaction.Seq >= head.First && reaction.Seq <= head.Head)
                    {
                        var (at, from) = ReactionKey.ReadValue(value);
                        var when = Timestamps.Format(DateTimeOffset.FromUnixTimeMilliseconds(at));
                        Line(buffer, new ArchivedReaction(reaction.Seq, reaction.Emoji, when, PersonOf(from.Span)), ArchiveJson.Default.ArchivedReaction);
                    }
                }
            };
        }
    }

    private Action<ArrayBufferWriter<byte>> PinsOf(LogName name, LogHead head) => buffer =>
    {
        foreach (var pin in new Pins(records, limits).Of(name).Where(pin => pin.Seq >= head.First && pin.Seq <= head.Head))
        {
            Line(buffer, new ArchivedPin(pin.Seq, Timestamps.Format(pin.At), PersonOf(pin.By)), ArchiveJson.Default.ArchivedPin);
        }
    };

    private IEnumerable<Action<ArrayBufferWriter<byte>>> Values(string key)
    {
        var prefix = RetainedRecord.PrefixOf(key);
        foreach (var page in PagesOf(prefix, ValuesAtOnce))
        {
            yield return buffer =>
            {
                foreach (var (topic, record) in page.Where(one => RetainedRecord.IsKnown(one.Value)))
                {
                    var value = RetainedRecord.Read(Encoding.UTF8.GetString(topic.AsSpan(prefix.Length)), record);
                    if (value.ExpiresAt is { } end && end <= time.GetUtcNow())
                    {
                        continue;
                    }

                    Line(
                        buffer,
                        new ArchivedValue(
                            value.Topic, Convert.ToBase64String(value.Payload.Span), value.QualityOfService, Timestamps.Format(value.At),
                            DataProperties.ContentTypeOf(value.Properties.Span), value.ExpiresAt is { } until ? Timestamps.Format(until) : null),
                        ArchiveJson.Default.ArchivedValue);
                }
            };
        }
    }

    private IEnumerable<IReadOnlyList<KeyValuePair<byte[], byte[]>>> PagesOf(byte[] prefix, int limit)
    {
        byte[] last = [];
        IReadOnlyList<KeyValuePair<byte[], byte[]>> page;
        do
        {
            page = records.ReadPage(prefix, last, limit);
            if (page.Count > 0)
            {
                yield return page;
                last = page[^1].Key;
            }
        }
        while (page.Count == limit);
    }

    private static ArchivedPerson PersonOf(ReadOnlySpan<byte> fields) =>
        JsonSerializer.Deserialize([(byte)'{', .. fields, (byte)'}'], ArchiveJson.Default.ArchivedPerson)!;

    private static void Line<T>(ArrayBufferWriter<byte> buffer, T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        buffer.Write(ReadableJson.Write(value, type));
        buffer.Write("\n"u8);
    }
}
