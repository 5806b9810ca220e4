using System.Runtime.CompilerServices;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Archives;

/// <summary>What stands beside the log of a room that is imported: reactions, pins and retained values.</summary>
/// <remarks>Belongs to one import. Of what is about an event that is not in the file nothing is taken.</remarks>
internal sealed class ImportedRecords(ImportedPeople people, ImportedSeqs seqs, RoomRecord room, BrokerLimits limits, TimeProvider time)
{
    private const int LongestContentType = 255;

    public int Pins { get; private set; }

    public int Values { get; private set; }

    public async IAsyncEnumerable<RecordChange> ReactionsAsync(ArchiveFile archive, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (message, kinds) = (0L, new HashSet<string>());
        await foreach (var line in archive.LinesAsync(ArchiveFormat.Reactions, ArchiveFile.LongestLine, cancellation))
        {
            var reaction = line.As(ArchiveJson.Default.ArchivedReaction);
            if (reaction.Of < message || !Emoji.IsOne(reaction.Emoji))
            {
                throw line.Wrong(reaction.Of < message ? "reactions stand in the order of their messages." : "\"emoji\" is no emoji.");
            }

            if (reaction.Of > message)
            {
                (message, kinds) = (reaction.Of, []);
            }

            kinds.Add(reaction.Emoji);
            if (/* guard: different reactions to a message that is imported */ kinds.Count > Reactions.KindsPerMessage)
            {
                throw line.Wrong("there are too many different reactions to this message.");
            }

            var by = people.Of(reaction.From) ?? throw line.Wrong("\"from\" is nobody.");
            var at = ImportedEvents.TimeOf(reaction.At, time.GetUtcNow()) ?? throw line.Wrong("\"at\" is no time.");
            if (seqs.Find(reaction.Of) is { } seq)
            {
                yield return new RecordChange(ReactionKey.Of(room.Log, seq, reaction.Emoji, by.AccountId), ReactionKey.Value(by, at));
            }
        }
    }

    public async IAsyncEnumerable<RecordChange> PinsAsync(ArchiveFile archive, [EnumeratorCancellation] CancellationToken cancellation)
    {
        List<Pin> pins = [];
        await foreach (var line in archive.LinesAsync(ArchiveFormat.Pins, ArchiveFile.LongestLine, cancellation))
        {
            var pin = line.As(ArchiveJson.Default.ArchivedPin);
            var by = people.Of(pin.By) ?? throw line.Wrong("\"by\" is nobody.");
            var at = ImportedEvents.TimeOf(pin.At, time.GetUtcNow()) ?? throw line.Wrong("\"at\" is no time.");
            if (seqs.Find(pin.Of) is { } seq && !pins.Exists(other => other.Seq == seq))
            {
                pins.Add(new Pin(seq, at, EventBody.AuthorFields(by)));
            }

            if (/* guard: pins of a room that is imported */ limits.PinsPerRoom > 0 && pins.Count > limits.PinsPerRoom)
            {
                throw line.Wrong($"a room has at most {limits.PinsPerRoom} pinned messages here.");
            }
        }

        Pins = pins.Count;
        if (pins.Count > 0)
        {
            yield return Rooms.Pins.ChangeOf(room.Log, pins);
        }
    }

    public async IAsyncEnumerable<RecordChange> ValuesAsync(ArchiveFile archive, bool isBounded, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var prefix = RetainedRecord.PrefixOf(room.Key);
        var most = (long)limits.RetainedMegabytesPerRoom << 20;
        var bytes = 0L;
        var payload = limits.DataPayloadBytes > 0 ? limits.DataPayloadBytes : 256 << 20;
        await foreach (var line in archive.LinesAsync(ArchiveFormat.Values, (payload / 3 * 4) + (8 * 1024), cancellation))
        {
            var value = line.As(ArchiveJson.Default.ArchivedValue);
            if (MessageOf(value) is not { } message || (/* guard: a value that is imported is no longer than another */ message.Payload.Length > payload))
            {
                throw line.Wrong("it is no value of a data topic, or longer than it may be.");
            }

            if (message.ExpiresAt <= time.GetUtcNow())
            {
                continue;
            }

            RecordChange change = new(RetainedRecord.KeyOf(prefix, message.Topic), RetainedRecord.Write(message));
            (Values, bytes) = (Values + 1, bytes + change.Key.Length - prefix.Length + change.Value!.Length);
            if (isBounded
                && ((/* guard: retained values of a room that is imported */ limits.RetainedPerRoom > 0 && Values > limits.RetainedPerRoom)
                    || (/* guard: bytes of retained values that are imported */ most > 0 && bytes > most)))
            {
                throw line.Wrong("a room retains no more values here.");
            }

            yield return change;
        }
    }

    private DataMessage? MessageOf(ArchivedValue value)
    {
        var payload = new byte[value.Payload.Length];
        if (!Convert.TryFromBase64String(value.Payload, payload, out var length) || length == 0
            || !DataTopic.IsValid(value.Topic) || DataTopic.IsOfServer(value.Topic)
            || value.Qos is < 0 or > 2
            || value.ContentType is { Length: > LongestContentType }
            || ImportedEvents.TimeOf(value.At, time.GetUtcNow()) is not { } at
            || (value.ExpiresAt is not null && ImportedEvents.TimeOf(value.ExpiresAt, DateTimeOffset.MaxValue) is null))
        {
            return null;
        }

        return new DataMessage
        {
            Topic = value.Topic,
            Payload = payload.AsMemory(0, length),
            Properties = DataProperties.OfContentType(value.ContentType ?? ""),
            QualityOfService = (byte)value.Qos,
            Retain = true,
            At = at,
            ExpiresAt = value.ExpiresAt is null ? null : ImportedEvents.TimeOf(value.ExpiresAt, DateTimeOffset.MaxValue),
        };
    }
}
