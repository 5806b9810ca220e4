using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `/api/rooms/{room}/data`: the values of a room's data topics, for scripts. The topic is a parameter: in a path `//` and `..` would
/// be lost.
/// </summary>
internal static class DataApi
{
    private const int LongestContentType = 255;

    /// <summary>What curl says of a body of which nothing is said.</summary>
    private const string SaidByCurl = "application/x-www-form-urlencoded";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var data = routes.MapApi("/api/rooms").WithTags("Data").RequireMember().WithMetadata(new OpenToMounts(), new AtHomeOfData());
        data.MapGet("{room}/data", GetAsync)
            .TakesAnswerSlot()
            .MayBeCompressed()
            .WithDescription(
                "With `topic` the retained value of this topic, as the bytes that were published; else a page of all, in the order of their "
                + "topics, or of those whose topic begins with `prefix`. `next` goes into `cursor`. With `history=true` each has its numbers "
                + "of the last day.");
        data.MapGet("{room}/data/history", GetHistoryAsync)
            .TakesAnswerSlot()
            .MayBeCompressed()
            .WithDescription(
                "What the retained value of `topic`, or its member `field`, was in the last day: of each ten minutes the last number, "
                + "the newest at the end; null where none was said.");
        data.MapPut("{room}/data", PutAsync)
            .Accepts<byte[]>("*/*")
            .WithDescription(
                "Publishes the body, and retains it unless `retain` is false: the same as publishing to `rooms/{room}/data/{topic}`.");
        data.MapDelete("{room}/data", DeleteAsync)
            .WithDescription("Clears the value, which those hear who have subscribed: the same as publishing nothing, retained.");
    }

    private static async Task<IResult> GetAsync(
        string room,
        string? topic,
        string? prefix,
        string? cursor,
        string? limit,
        string? history,
        RoomDirectory rooms,
        RetainedRooms retained,
        TimeProvider time,
        HttpContext context)
    {
        if (!TryFind(room, rooms, context.SignedIn(), isWriting: false, out var found, out var problem))
        {
            return problem;
        }

        if (topic is not null && !DataTopic.IsValid(topic))
        {
            return BadTopic();
        }

        var scope = context.SignedIn().Scope;
        if (topic is not null && /* guard: topics that a token reads over HTTP */ !GrantedTopics.MayRead(scope, topic))
        {
            return NotAllowed(isWriting: false);
        }

        DataListing? listing = null;
        if (topic is null && !DataListing.TryParse(prefix, cursor, limit, history, scope, out listing, out problem))
        {
            return problem;
        }

        var values = retained.Of(found.Key);
        if (!await values.OpenAsync())
        {
            return Problems.Crowded(context, RetainedMemory.KeptFor);
        }

        return listing is not null ? listing.Read(values, time.GetUtcNow())
            : values.Find(topic!) is { } value ? new DataValue(value)
            : NoSuchValue();
    }

    private static async Task<IResult> GetHistoryAsync(
        string room, string? topic, string? field, RoomDirectory rooms, RetainedRooms retained, TimeProvider time, HttpContext context)
    {
        if (!TryFind(room, rooms, context.SignedIn(), isWriting: false, out var found, out var problem))
        {
            return problem;
        }

        if (topic is null || !DataTopic.IsValid(topic))
        {
            return BadTopic();
        }

        if (!DataHistory.IsField(field))
        {
            return Problems.Field("field", "invalid", "\"field\" is the name of a member, of 64 bytes at most.");
        }

        if (/* guard: topics whose history a token reads */ !GrantedTopics.MayRead(context.SignedIn().Scope, topic))
        {
            return NotAllowed(isWriting: false);
        }

        var values = retained.Of(found.Key);
        return !await values.OpenAsync() ? Problems.Crowded(context, RetainedMemory.KeptFor)
            : values.Find(topic) is null ? NoSuchValue()
            : DataHistory.Of(topic, field, values.FindLines(topic), time.GetUtcNow());
    }

    private static async Task<IResult> PutAsync(
        string room,
        string? topic,
        string? qos,
        string? retain,
        string? expiry,
        RoomDirectory rooms,
        DataSpaces spaces,
        PublishBudgets budgets,
        TrafficMemory memory,
        BrokerLimits limits,
        TimeProvider time,
        HttpContext context)
    {
        if (!TryFind(room, rooms, context.SignedIn(), isWriting: true, out var found, out var problem)
            || !TryReadParameters(topic, qos, retain, expiry, out problem)
            || !TryReadContentType(context.Request, out var contentType, out problem))
        {
            return problem;
        }

        if (await OpenAsync(found, spaces) is not { } space)
        {
            return Problems.Crowded(context, RetainedMemory.KeptFor);
        }

        if (WhyNotNow(space, budgets, context) is { } tooMany)
        {
            return tooMany;
        }

        // Counted with what is held for its account's rate: a body may take its time, and takes no room from others' publishes.
        var most = limits.DataPayloadBytes == 0 ? int.MaxValue : limits.DataPayloadBytes;
        var (body, broken) = await RequestBody.ReadBytesAsync(context.Request, most, memory.Held);
        if (body is null)
        {
            return broken!;
        }

        try
        {
            var now = time.GetUtcNow();
            DataMessage message = new()
            {
                Topic = topic!,
                Payload = body,
                Properties = DataProperties.OfContentType(contentType),
                QualityOfService = qos is null ? (byte)1 : (byte)(qos[0] - '0'),
                Retain = retain != "false",
                ExpiresAt = expiry is null ? null : now.AddSeconds(uint.Parse(expiry, CultureInfo.InvariantCulture)),
                At = now,
            };
            return await PublishAsync(space, message, context);
        }
        finally
        {
            memory.Held.Add(-body.Length);
        }
    }

    private static async Task<IResult> DeleteAsync(
        string room, string? topic, RoomDirectory rooms, DataSpaces spaces, PublishBudgets budgets, TimeProvider time, HttpContext context)
    {
        if (!TryFind(room, rooms, context.SignedIn(), isWriting: true, out var found, out var problem))
        {
            return problem;
        }

        if (topic is null || !DataTopic.IsValid(topic))
        {
            return BadTopic();
        }

        return await OpenAsync(found, spaces) is not { } space ? Problems.Crowded(context, RetainedMemory.KeptFor)
            : WhyNotNow(space, budgets, context)
                ?? await PublishAsync(
                    space, new DataMessage { Topic = topic, QualityOfService = 1, Retain = true, At = time.GetUtcNow() }, context);
    }

    private static async Task<IResult> PublishAsync(DataSpace space, DataMessage message, HttpContext context)
    {
        // Asked when the request began, too. Its body may have taken ten seconds, and others' publishes are said before.
        var who = context.SignedIn();
        var may = () => (/* guard: who writes data over HTTP */ !who.IsRevoked && RoomPolicy.MayWriteData(space.Room, who))
            && (/* guard: topics that a token writes over HTTP */ GrantedTopics.MayWrite(who.Scope, message.Topic))
            && /* guard: $SYS is the server's, over HTTP */ !DataTopic.IsOfServer(message.Topic);
        AwaitedPublish publish = new(
            message, may, context.RequestServices.GetRequiredService<DataQuotas>().Of(who, context.Connection.RemoteIpAddress));
        return await space.PublishAsync(publish) switch
        {
            DataOutcome.Said => TypedResults.NoContent(),
            DataOutcome.Full => RoomProblems.Conflict("data_full", "This room, or all rooms of its owner together, retain as much as they may. Clear some first."),
            DataOutcome.OverQuota => RoomProblems.Of(PublishRefusal.OverQuota(publish.Wait), context),
            DataOutcome.NoMemory => Problems.Crowded(context, RetainedMemory.KeptFor),
            DataOutcome.NotAllowed => RoomPolicy.WhySilent(space.Room, who.Account) is { } silent
                ? RoomProblems.Of(silent, context) : NotAllowed(isWriting: true),
            _ => Problems.NotStored(context),
        };
    }

    // Null: its values cannot be read now.
    private static async Task<DataSpace?> OpenAsync(Room room, DataSpaces spaces)
    {
        try
        {
            return await spaces.OpenAsync(room);
        }
        catch (IOException)
        {
            return null;
        }
    }

    // Unknown, deleted and private rooms, and those that a token is not for, give one answer.
    private static bool TryFind(
        string id, RoomDirectory rooms, LoginSession who, bool isWriting, out Room room, out ProblemHttpResult problem)
    {
        room = null!;
        problem = RoomProblems.NoSuchRoom();
        if ((/* guard: a token's rooms, data over HTTP */ who.Scope.Rooms?.Contains(id) == false)
            || rooms.FindVisible(id, who.Account.Id) is not { } found)
        {
            return false;
        }

        room = found;
        problem = isWriting && RoomPolicy.WhySilent(found, who.Account) is { } silent
            ? RoomProblems.HeldBack(silent) : NotAllowed(isWriting);
        return isWriting ? RoomPolicy.MayWriteData(found, who) : /* guard: who reads data over HTTP */ RoomPolicy.MayReadData(found, who);
    }

    private static bool TryReadParameters(string? topic, string? qos, string? retain, string? expiry, out ProblemHttpResult problem)
    {
        problem = BadTopic();
        if (topic is null || !DataTopic.IsValid(topic))
        {
            return false;
        }

        problem = Problems.Field("qos", "invalid", "\"qos\" is 0, 1 or 2.");
        if (qos is not (null or "0" or "1" or "2"))
        {
            return false;
        }

        problem = Problems.Field("retain", "invalid", "\"retain\" is true or false.");
        if (retain is not (null or "true" or "false"))
        {
            return false;
        }

        problem = Problems.Field("expiry", "invalid", "\"expiry\" is in whole seconds, 1 to 4294967295.");
        return expiry is null || (uint.TryParse(expiry, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds > 0);
    }

    private static bool TryReadContentType(HttpRequest request, out string contentType, out ProblemHttpResult problem)
    {
        contentType = request.ContentType is { } said && said != SaidByCurl ? said : "";
        problem = Problems.Field("Content-Type", "too_long", "A content type has 255 bytes at most.");
        return contentType.Length <= LongestContentType;
    }

    // Counted as publishes are: of the account, and of all who publish in the room.
    private static ProblemHttpResult? WhyNotNow(DataSpace space, PublishBudgets budgets, HttpContext context) =>
        (/* guard: publishes of an account, data over HTTP */ budgets.WhyNot(context.SignedIn().Account.Id)) is { } tooMany
            ? RoomProblems.Of(tooMany, context)
        : (/* guard: publishes of a room, data over HTTP */ !space.Rate.TryTake(out var wait))
            ? RoomProblems.TooOften("too_many_attempts", "Too much is published in this room. Wait a moment.", wait, context)
        : null;

    private static ProblemHttpResult NotAllowed(bool isWriting) => RoomProblems.Forbidden(
        "not_allowed",
        isWriting ? "You may not publish data in this room." : "You may not read the data of this room.");

    private static ProblemHttpResult NoSuchValue() => RoomProblems.NotFound("no_such_value", "No value is retained under this topic.");

    private static ProblemHttpResult BadTopic() => Problems.Field(
        "topic", "invalid", "A topic has 1 to 512 bytes and 32 levels at most, and neither + nor #.");
}
