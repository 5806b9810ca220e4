using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Search;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/search`: what was said, in one room or in all that the caller may read.</summary>
internal static class SearchApi
{
    /// <summary>A search that takes longer answers with what it has found.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromMilliseconds(500);

    private const int DefaultLimit = 20;
    private const int MaximumLimit = 50;

    /// <summary>Of JSON in one answer.</summary>
    private const int MostBytes = 256 * 1024;

    public static void Map(IEndpointRouteBuilder routes) => routes.MapApi("/api/search").RequireMember()
        .MapGet("", SearchAsync)
        .WithTags("Search")
        .WithDescription(
            "q: words (the last may be a beginning), \"phrases\", from: in: before: after: has:link; at most 256 bytes. "
            + "room: in this room alone. with: in the conversation with this account alone. order: newest or best. limit: 1 to 50, 20 if left out. cursor: the next of the page before.")
        .TakesAnswerSlot();

    private static async Task<IResult> SearchAsync(
        HttpContext context, RoomDirectory rooms, Conversations conversations, Searching searching, SearchTurns turns, SearchFollower follower, TimeProvider time)
    {
        var who = context.SignedIn();
        if (/* guard: a token's verbs, search */ !who.Scope.Verbs.HasFlag(Verbs.Read))
        {
            return RoomProblems.Forbidden("not_allowed", "This access token may not read.");
        }

        List<FieldError> errors = [];
        if (Asked.Read(context.Request.Query, errors) is not { } asked)
        {
            return Problems.Fields(errors);
        }

        if (!TryFind(asked, who, rooms, conversations, out var within, out var problem))
        {
            return problem;
        }

        if (!turns.TryTake(who.Account.Id, out var wait))
        {
            return Problems.TooManyRequests(context, wait);
        }

        if (!await turns.EnterAsync(who.Account.Id, who.Account.IsGuest, s_longest, context.RequestAborted))
        {
            return Problems.Crowded(context, TimeSpan.FromSeconds(1));
        }

        try
        {
            using CancellationTokenSource timeIsOver = new(s_longest, time);
            using CancellationTokenSource lookingIsOver = new(s_longest / 2, time);
            var page = asked.IsBest
                ? searching.Best(asked.Wanted, within, who, asked.From, asked.Limit, lookingIsOver.Token, timeIsOver.Token)
                : searching.Newest(asked.Wanted, within, who, asked.From, asked.Limit, timeIsOver.Token);
            return new Written(Write(page, asked, follower.Progress.IsBuilding));
        }
        catch (IOException error) when (error is not LogDamagedException)
        {
            // The index fails, and is made anew if it is damaged: nothing else is concerned.
            return Problems.Crowded(context, TimeSpan.FromSeconds(1));
        }
        finally
        {
            turns.Leave(who.Account.Id, who.Account.IsGuest);
        }
    }

    // The one log that is searched; none is named: all are.
    private static bool TryFind(
        Asked asked, LoginSession who, RoomDirectory rooms, Conversations conversations, out LogName? within, [NotNullWhen(false)] out IResult? problem)
    {
        (within, problem) = (null, null);
        if (asked.Room is { } room)
        {
            within = (/* guard: a token's rooms, search in one */ who.Scope.Allows(room, Verbs.Read))
                && rooms.Find(room) is { } found && RoomPolicy.MayRead(found, who.Account) ? found.Log : null;
            problem = within is null ? RoomProblems.NoSuchRoom() : null;
        }
        else if (asked.With is { } user)
        {
            problem = !WhispersApi.MayRead(who) ? RoomProblems.NoWhispers() : null;

            // With nobody one has said as little as with somebody whom one never talked to.
            within = conversations.Find(who.Account, user)?.Log ?? LogName.OfConversation(who.Account.Id, "");
        }

        return problem is null;
    }

    private static ReadOnlyMemory<byte> Write(SearchPage page, Asked asked, bool isBuilding)
    {
        ArrayBufferWriter<byte> json = new(4096);
        using var writer = EventBody.NewWriter(json);
        writer.WriteStartObject();
        writer.WriteStartArray("hits"u8);
        var next = page.Next;
        var (written, sameTime, lastAt) = (0, asked.From.Skip, asked.From.At);
        foreach (var found in page.Found)
        {
            if (written > 0 && writer.BytesPending + json.WrittenCount > MostBytes)
            {
                next = asked.IsBest ? new SearchCursor(0, asked.From.Skip + written) : new SearchCursor(lastAt, sameTime);
                break;
            }

            ArrayBufferWriter<byte> one = new(512);
            found.Stream.WriteJson(one, found.Entry, found.Epoch, More(found.Ranges));
            writer.WriteRawValue(one.WrittenSpan, skipInputValidation: true);
            var at = found.Entry.At.ToUnixTimeMilliseconds();
            (written, sameTime, lastAt) = (written + 1, at == lastAt ? sameTime + 1 : 1, at);
        }

        writer.WriteEndArray();
        if (next is { } cursor)
        {
            writer.WriteString("next"u8, cursor.ToString());
        }

        if (page.IsPartial)
        {
            writer.WriteBoolean("partial"u8, true);
        }

        if (isBuilding)
        {
            writer.WriteBoolean("building"u8, true);
        }

        writer.WriteEndObject();
        writer.Flush();
        return json.WrittenMemory;
    }

    private static byte[] More(IReadOnlyList<(int Start, int Length)> ranges) => System.Text.Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $",\"found\":[{string.Join(',', ranges.Select(range => FormattableString.Invariant($"[{range.Start},{range.Length}]")))}]"));

    /// <summary>The request, read.</summary>
    private sealed record Asked(SearchRequest Wanted, string? Room, string? With, bool IsBest, int Limit, SearchCursor From)
    {
        public static Asked? Read(IQueryCollection query, List<FieldError> errors)
        {
            var wanted = query["q"] is [{ } q] ? SearchRequest.Read(q, errors) : null;
            if (wanted is null && errors.Count == 0)
            {
                errors.Add(new FieldError("q", FieldCodes.Required, "Say what is looked for."));
            }

            var room = query["room"] is [{ Length: > 0 } given] ? given : wanted?.In;
            if (wanted?.In is { } named && named != room)
            {
                errors.Add(new FieldError("room", FieldCodes.Invalid, "\"room\" and in: name two rooms."));
            }

            var with = query["with"] is [{ Length: > 0 } user] ? user.ToLowerInvariant() : wanted?.With;
            if ((with is not null && room is not null) || (wanted?.With is { } other && other != with))
            {
                errors.Add(new FieldError("with", FieldCodes.Invalid, "One place is searched, or all are: \"room\", \"with\" and in: name two."));
            }

            if (query["order"] is not ([] or ["newest"] or ["best"]))
            {
                errors.Add(new FieldError("order", FieldCodes.Invalid, "\"order\" is newest or best, or is left out."));
            }

            var limit = DefaultLimit;
            if (query["limit"] is { Count: > 0 } asked && !(asked is [{ } text]
                && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) && limit is >= 1 and <= MaximumLimit))
            {
                errors.Add(new FieldError("limit", FieldCodes.Invalid, $"\"limit\" must be a whole number from 1 to {MaximumLimit}."));
            }

            SearchCursor? from = query["cursor"] switch
            {
                [] => SearchCursor.Start,
                [{ } cursor] => SearchCursor.Read(cursor),
                _ => null,
            };
            if (from is null)
            {
                errors.Add(new FieldError("cursor", FieldCodes.Invalid, "\"cursor\" is the next of the page before."));
            }

            return errors.Count == 0 ? new Asked(wanted!, room, with, query["order"] is ["best"], limit, from!.Value) : null;
        }
    }

    private sealed class Written(ReadOnlyMemory<byte> json) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.ContentType = "application/json; charset=utf-8";
            await httpContext.Response.Body.WriteAsync(json, httpContext.RequestAborted);
        }
    }
}
