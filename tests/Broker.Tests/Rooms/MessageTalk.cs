using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>What tests of acts on messages do: a room with its owner, a moderator and two members, all with tokens that may
/// everything.</summary>
internal sealed record MessageTalk(RunningBroker Broker, Member Maker, Member Mod, Member Bea, Member Caio)
{
    public const string Topic = "rooms/yard";

    public LogName Log => Broker.Room("yard").Log;

    public static async Task<MessageTalk> InYardAsync(RunningBroker broker)
    {
        await broker.RegisterAsync("first");
        Member[] all =
        [
            await MayAllAsync(broker, "maker"), await MayAllAsync(broker, "dora"), await MayAllAsync(broker, "bea"), await MayAllAsync(broker, "caio"),
        ];
        using var makers = Calls.As(broker, all[0]);
        await makers.MakeRoom("yard");
        foreach (var member in all[1..])
        {
            await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), member.Account);
        }

        Assert.Null((await Acts.GiveAsync(broker, "yard", all[0], all[1], MemberRole.Moderator)).Refusal);
        return new MessageTalk(broker, all[0], all[1], all[2], all[3]);
    }

    public static async Task<Member> MayAllAsync(RunningBroker broker, string user)
    {
        var member = await broker.RegisterAsync(user);
        return member with { Token = await broker.TokenAsync(member.Account, verbs: Verbs.Everything) };
    }

    /// <summary>Returns the seq.</summary>
    public async Task<long> SayAsync(Member who, string text, string room = "yard", string? id = null)
    {
        await using var client = await Broker.ConnectAsync(who);
        var said = await client.PublishAsync("rooms/" + room, text, properties: id is null ? null : new MqttProperties { { "id", id } });
        Assert.True(said.Accepted, said.ReasonString);
        return said.Seq;
    }

    public Task<ActResult> EditAsync(Member who, long of, string text, string? id = null) => ActAsync(who, new MessageAct.Edit(of, text), id);

    public Task<ActResult> DeleteAsync(Member who, long of, string? id = null, string? reason = null) =>
        ActAsync(who, new MessageAct.Delete(of, reason), id);

    public Task<ActResult> ActAsync(Member who, MessageAct act, string? id = null) => Broker.Get<MessageActs>().ActAsync(
        Broker.Room("yard"), new AskedAct(new Command("", id, null, act), Broker.Get<AccessTokens>().FindBearer(who.Token)!));

    public Task<ActResult> ReactAsync(Member who, long of, string emoji, bool isOn = true, string? id = null) =>
        ActAsync(who, new MessageAct.Reaction(of, emoji, isOn), id);

    /// <summary>So many who are nobody react, without events.</summary>
    public Task CrowdReactsAsync(long of, string emoji, int count) => Broker.Get<IRecords>().WriteInPartsAsync(Enumerable.Range(0, count).Select(number =>
        new RecordChange(
            ReactionKey.Of(Log, of, emoji, $"nobody{number}"),
            ReactionKey.Value(new Author("", $"user{number}", $"User {number}", "person"), DateTimeOffset.UnixEpoch.AddSeconds(number)))));

    /// <summary>All events, as HTTP shows them.</summary>
    public async Task<JsonElement[]> HistoryAsync()
    {
        using var makers = Calls.As(Broker, Maker);
        return [.. (await makers.Get("/api/rooms/yard/events?limit=500")).GetProperty("events").EnumerateArray()];
    }

    public async Task<JsonElement> EventAsync(long seq) => (await HistoryAsync()).Single(one => one.GetProperty("seq").GetInt64() == seq);

    /// <summary>All that the log has of the room, as text that can be printed.</summary>
    public string Stored() => string.Concat(Broker.Get<IEventLog>().ReadAfter(Log, 0, 1000).Entries
        .SelectMany(entry => System.Text.Encoding.UTF8.GetString(entry.Body.Span)).Where(letter => !char.IsControl(letter)));

    public static string? TextOf(JsonElement message) => message.TryGetProperty("text", out var text) ? text.GetString() : null;

    public static string Payload(string type, long of, string rest = "") => $$"""{"type":"{{type}}","of":{{of}}{{rest}}}""";
}
