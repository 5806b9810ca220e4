using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `/api/saved`: messages that the caller keeps at hand. What they say is as it is now, and shown to who may read it now.
/// </summary>
internal static class SavedApi
{
    private const int UsualLimit = 50;
    private const int MaximumLimit = 100;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var saved = routes.MapApi("/api/saved").WithTags("Saved").RequireMember();
        saved.MapGet("", List)
            .WithDescription("The newest first. limit: 1 to 100, 50 if left out; cursor: next of the page before.")
            .TakesAnswerSlot();
        foreach (var place in (string[])["rooms", "conversations"])
        {
            var isRoom = place == "rooms";
            saved.MapPut($"{place}/{{name}}/{{seq}}", (string name, string seq, HttpContext context) => PutAsync(isRoom, name, seq, context))
                .WithDescription("Saves a message that you may read.");
            saved.MapDelete($"{place}/{{name}}/{{seq}}", (string name, string seq, HttpContext context) => DeleteAsync(isRoom, name, seq, context))
                .WithDescription("Takes it off the list.");
        }
    }

    private static IResult List(SavedMessages saved, HttpContext context)
    {
        var who = context.SignedIn();
        if (!WhispersApi.MayRead(who))
        {
            return RoomProblems.NoWhispers();
        }

        if (PageLength.Read(context.Request.Query["limit"], UsualLimit, MaximumLimit) is not { } limit)
        {
            return Problems.Field("limit", "invalid", "\"limit\" is a whole number from 1 to 100.");
        }

        var cursor = context.Request.Query["cursor"];
        var before = DateTimeOffset.MaxValue;
        if (cursor.Count > 0)
        {
            if (!long.TryParse(cursor[0], NumberStyles.None, CultureInfo.InvariantCulture, out var ms) || ms > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
            {
                return Problems.Field("cursor", "invalid", "\"cursor\" is the next of a page before.");
            }

            before = DateTimeOffset.FromUnixTimeMilliseconds(ms);
        }

        var page = saved.Page(who.Account, before, limit + 1);
        return new JsonAnswer(writer =>
        {
            writer.WriteStartArray("saved"u8);
            foreach (var one in page.Take(limit))
            {
                writer.WriteStartObject();
                one.Stream.WritePlace(writer);
                writer.WriteNumber("seq"u8, one.Seq);
                writer.WriteString("savedAt"u8, Timestamps.Format(one.At));
                if (one.Entry is { } entry)
                {
                    ArrayBufferWriter<byte> json = new(512);
                    one.Stream.WriteJson(json, entry, one.Epoch, one.Stream.MoreOf(entry).Span);
                    writer.WritePropertyName("event"u8);
                    writer.WriteRawValue(json.WrittenSpan, skipInputValidation: true);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            if (page.Count > limit)
            {
                writer.WriteString("next"u8, page[limit - 1].At.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture));
            }
        });
    }

    private static async Task<IResult> PutAsync(bool isRoom, string name, string seq, HttpContext context)
    {
        if (!TryFind(isRoom, name, seq, context, out var number, out var stream, out var problem))
        {
            return problem!;
        }

        if (stream is null || (/* guard: who saves may read */ stream is Room room && !RoomPolicy.MayRead(room, context.SignedIn().Account)))
        {
            return isRoom ? RoomProblems.NoSuchRoom() : NoSuchEvent();
        }

        return await context.RequestServices.GetRequiredService<SavedMessages>().AddAsync(context.SignedIn().Account, stream, number) switch
        {
            SaveOutcome.Done => TypedResults.NoContent(),
            SaveOutcome.NoSuchEvent => NoSuchEvent(),
            SaveOutcome.IsRemoved => RoomProblems.Gone("removed", "This message was deleted."),
            SaveOutcome.TooMany => RoomProblems.Conflict("too_many", "You have saved as many messages as one may."),
            var outcome => throw new InvalidOperationException($"{outcome}"),
        };
    }

    private static async Task<IResult> DeleteAsync(bool isRoom, string name, string seq, HttpContext context)
    {
        if (!TryFind(isRoom, name, seq, context, out var number, out var stream, out var problem))
        {
            return problem!;
        }

        // Also of a room that the caller is not in any more; what it did not save is not there to be taken off.
        if (stream is not null)
        {
            await context.RequestServices.GetRequiredService<SavedMessages>().RemoveAsync(context.SignedIn().Account, stream.Log, number);
        }

        return TypedResults.NoContent();
    }

    private static bool TryFind(
        bool isRoom, string name, string seq, HttpContext context, out long number, out EventStream? stream, out IResult? problem)
    {
        (stream, problem) = (null, null);
        if (!long.TryParse(seq, NumberStyles.None, CultureInfo.InvariantCulture, out number) || number == 0)
        {
            problem = Problems.Field("seq", "invalid", "A seq is a whole number from 1.");
            return false;
        }

        var who = context.SignedIn();
        if (!WhispersApi.MayRead(who))
        {
            problem = RoomProblems.NoWhispers();
            return false;
        }

        var services = context.RequestServices;
        stream = isRoom ? services.GetRequiredService<RoomDirectory>().Find(name) : services.GetRequiredService<Conversations>().Find(who.Account, name);
        return true;
    }

    private static ProblemHttpResult NoSuchEvent() => RoomProblems.NotFound("no_such_event", "There is no message of this number.");
}
