using System.Buffers;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>`GET /api/rooms/{room}/pins`: the messages that are pinned, as they are now, the newest pin first.</summary>
internal static class RoomPinsApi
{
    private const int PinsPerPage = 50;
    private const int LongestPage = 200;

    public static void Map(RouteGroupBuilder rooms) => rooms.MapGet("{room}/pins", Page).TakesAnswerSlot().MayBeCompressed();

    private static IResult Page(string room, long? after, string? limit, RoomDirectory rooms, Pins pins, IEventLog log, HttpContext context)
    {
        var who = context.SignedIn();
        if ((/* guard: a token's rooms, pins */ !who.Scope.Allows(room, Verbs.Read))
            || rooms.Find(room) is not { } found
            || /* guard: pins of rooms that are mine */ !RoomPolicy.MayRead(found, who.Account))
        {
            return RoomProblems.NoSuchRoom();
        }

        if (PageLength.Read(limit, PinsPerPage, LongestPage) is not { } most)
        {
            return Problems.Field("limit", "invalid", "A page has 1 to 200 pins.");
        }

        var all = pins.Of(found.Log).Reverse();
        // By when it was pinned: the last one of a page may have been taken off since.
        List<Pin> rest = [.. all.Where(pin => after is not { } last || pin.At.ToUnixTimeMilliseconds() < last)];
        List<Pin> shown = [.. rest.Take(most)];
        ArrayBufferWriter<byte> json = new(1024);
        using (var writer = EventBody.NewWriter(json))
        {
            writer.WriteStartObject();
            var head = log.Head(found.Log);
            writer.WriteString("epoch"u8, head.Epoch);
            writer.WriteNumber("head"u8, head.Head);
            writer.WriteStartArray("pins"u8);
            shown.ForEach(pin => Write(writer, found, log, pin));
            writer.WriteEndArray();
            if (shown.Count < rest.Count)
            {
                writer.WriteNumber("next"u8, shown[^1].At.ToUnixTimeMilliseconds());
            }
            else
            {
                writer.WriteNull("next"u8);
            }

            writer.WriteEndObject();
        }

        return TypedResults.Bytes(json.WrittenMemory, "application/json; charset=utf-8");
    }

    private static void Write(Utf8JsonWriter writer, Room room, IEventLog log, Pin pin)
    {
        // The pin of a message that was truncated is there until the reactions' follower comes to it, a second later.
        if (log.FindReadable(room.Log, pin.Seq) is not var (entry, epoch) || EventBody.TypeOf(entry.Body.Span) != EventType.Message)
        {
            return;
        }

        ArrayBufferWriter<byte> one = new(512);
        room.WriteJson(one, entry, epoch, room.MoreOf(entry).Span);
        ReadOnlySpan<byte> by = [(byte)'{', .. pin.By, (byte)'}'];
        writer.WriteStartObject();
        writer.WriteNumber("of"u8, pin.Seq);
        writer.WriteString("at"u8, Timestamps.Format(pin.At));
        writer.WritePropertyName("by"u8);
        writer.WriteRawValue(by, skipInputValidation: true);
        writer.WritePropertyName("event"u8);
        writer.WriteRawValue(one.WrittenSpan, skipInputValidation: true);
        writer.WriteEndObject();
    }
}
