using System.Buffers;
using System.Text.Json;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Rooms;

/// <summary>A list of who is here, in parts, as of one number.</summary>
/// <param name="Asked">With the retain flag, for whoever has just subscribed.</param>
/// <param name="Unasked">For whoever missed a number.</param>
internal sealed record PeopleList(long Number, PublishFrames[] Asked, PublishFrames[] Unasked);

/// <summary>
/// What was said last on a room's `people`, encoded once for all who hear it: the newest changes, and the list that goes with them.
/// </summary>
/// <remarks>Belongs to the room's worker. It keeps <see cref="ChangesKept"/> changes, and one list.</remarks>
internal sealed class ToldPeople(Room room, TimeProvider time)
{
    /// <summary>A packet with so many names has some 10 KiB. One a second is what a list that comes unasked may cost.</summary>
    private const int NamesPerPart = 100;

    /// <summary>Who misses more of them is sent the list anew.</summary>
    private const int ChangesKept = 16;

    /// <summary>In a smaller room the list is made for each who comes, so that everybody finds themselves in it.</summary>
    private const int SharedFrom = 100;

    /// <summary>Who came within this time is named without since when.</summary>
    private static readonly TimeSpan JustNow = TimeSpan.FromSeconds(3);

    private readonly Queue<PublishFrames> _changes = new();
    private PeopleList? _shared;
    private volatile bool _isListOld;

    /// <summary>The number said last.</summary>
    public long Number { get; private set; }

    /// <summary>The oldest change that is kept.</summary>
    public long Oldest => Number - _changes.Count + 1;

    /// <summary>The change of that number, which must be kept still.</summary>
    public PublishFrames Change(long number) => _changes.ElementAt((int)(number - Oldest));

    /// <summary>Nobody noted what changed since the list was made. From any thread.</summary>
    public void ForgetList() => _isListOld = true;

    /// <summary>Takes the next number.</summary>
    public void Say(PeopleNews news)
    {
        Number++;
        _shared = null;
        if (news.IsAnew)
        {
            _changes.Clear();
            return;
        }

        _changes.Enqueue(new PublishFrames(TopicKind.People, room.PeopleTopic, Payload(writer => WriteChange(writer, news))));
        if (_changes.Count > ChangesKept)
        {
            _changes.Dequeue();
        }
    }

    /// <summary>
    /// The list with the newest number.
    /// In a crowd it may be a second old: whoever came or went since is named by a change with a higher number.
    /// </summary>
    public PeopleList List()
    {
        if (!_isListOld && _shared is { } shared)
        {
            return shared;
        }

        // Before the people are looked at: what becomes old from here on is noted again.
        _isListOld = false;
        var (named, count) = room.NamedPeople();
        var parts = named.Chunk(NamesPerPart).DefaultIfEmpty([]).ToArray();
        var payloads = parts.Select((here, i) => Payload(writer => WritePart(writer, here, i + 1, parts.Length, count))).ToArray();
        PeopleList list = new(
            Number,
            [.. payloads.Select(payload => new PublishFrames(TopicKind.People, room.PeopleTopic, payload, retain: true))],
            [.. payloads.Select(payload => new PublishFrames(TopicKind.People, room.PeopleTopic, payload))]);
        _shared = count >= SharedFrom ? list : null;
        return list;
    }

    private void WritePart(Utf8JsonWriter writer, PresenceWord[] here, int part, int parts, int count)
    {
        writer.WriteNumber("part"u8, part);
        writer.WriteNumber("parts"u8, parts);
        WriteNames(writer, "here"u8, here, isNew: false);
        writer.WriteNumber("count"u8, count);
    }

    private void WriteChange(Utf8JsonWriter writer, PeopleNews news)
    {
        WriteNames(writer, "came"u8, news.Came, isNew: true);
        writer.WriteStartArray("gone"u8);
        foreach (var user in news.Gone)
        {
            writer.WriteStringValue(user);
        }

        writer.WriteEndArray();
        writer.WriteNumber("count"u8, news.Count);
    }

    private void WriteNames(Utf8JsonWriter writer, ReadOnlySpan<byte> field, IReadOnlyList<PresenceWord> words, bool isNew)
    {
        var just = time.GetUtcNow() - JustNow;
        writer.WriteStartArray(field);
        foreach (var word in words)
        {
            writer.WriteStartObject();
            EventBody.WriteAuthor(writer, word.ShownAs!);
            if (!isNew || word.Since < just)
            {
                writer.WriteString("since"u8, Timestamps.Format(word.Since));
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private byte[] Payload(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = EventBody.NewWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("v"u8, 1);
            writer.WriteString("type"u8, "people"u8);
            writer.WriteNumber("n"u8, Number);
            write(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
