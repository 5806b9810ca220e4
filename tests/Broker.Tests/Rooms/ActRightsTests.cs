using System.Globalization;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Invites;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>
/// Who may do what to a room and to people in it: every act, by everybody and by tokens, in each way that there is for it. What is refused
/// changes nothing.
/// </summary>
public sealed class ActRightsTests
{
    // The column of who has a token for each room.
    private const int Limited = 7;

    // + is done, - is refused as not_allowed. Of the owner's tokens `plain` has the verbs of version 1 alone, which are all but moderate;
    // `limited` has all verbs, and is for this room.
    private const string Table = """
        act        owner moderator member guest stranger administrator plain limited
        kick         +       +       -      -      -           +         -      +
        ban          +       +       -      -      -           +         -      +
        unban        +       +       -      -      -           +         -      +
        mute         +       +       -      -      -           +         -      +
        unmute       +       +       -      -      -           +         -      +
        role         +       -       -      -      -           +         -      +
        handover     +       -       -      -      -           +         -      +
        policy       +       -       -      -      -           +         -      +
        title        +       -       -      -      -           +         -      +
        pin          +       +       -      -      -           +         -      +
        delete       +       +       -      -      -           +         -      +
        patch        +       -       -      -      -           +         +      -
        invite       +       -       -      -      -           +         +      -
        remove       +       +       -      -      -           +         +      -
        link         +       -       -      -      -           +         -      +
        links        +       -       -      -      -           +         -      +
        revoke       +       -       -      -      -           +         -      +
        bans         +       +       -      -      -           +         -      +
        audit        +       +       -      -      -           +         -      +
        destroy      +       -       -      -      -           +         +      -
        """;

    // SEQ: of what Caio has said. LINK: the id of an invite link.
    private static readonly Dictionary<string, Act> _acts = new()
    {
        ["kick"] = Act.Event("""{"type":"kick","user":"caio"}"""),
        ["ban"] = Act.Event("""{"type":"ban","user":"caio","minutes":10}"""),
        ["unban"] = Act.Event("""{"type":"unban","user":"held"}"""),
        ["mute"] = Act.Event("""{"type":"mute","user":"caio","minutes":10}"""),
        ["unmute"] = Act.Event("""{"type":"unmute","user":"quiet"}"""),
        ["role"] = Act.Event("""{"type":"role","user":"caio","role":"moderator"}"""),
        ["handover"] = Act.Event("""{"type":"role","user":"caio","role":"owner"}"""),
        ["policy"] = Act.Event("""{"type":"policy","posting":"moderators"}"""),
        ["title"] = Act.Event("""{"type":"policy","title":"Another title"}"""),
        ["pin"] = Act.Event("""{"type":"pin","of":SEQ,"on":true}"""),
        ["delete"] = Act.Event("""{"type":"delete","of":SEQ}"""),
        ["patch"] = new(HttpMethod.Patch, "", """{"topic":"Another topic"}"""),
        ["invite"] = new(HttpMethod.Put, "/members/asked"),
        ["remove"] = new(HttpMethod.Delete, "/members/caio"),
        ["link"] = new(HttpMethod.Post, "/invites", "{}"),
        ["links"] = new(HttpMethod.Get, "/invites", Changes: false),
        ["revoke"] = new(HttpMethod.Delete, "/invites/LINK"),
        ["bans"] = new(HttpMethod.Get, "/bans", Changes: false),
        ["audit"] = new(HttpMethod.Get, "/audit", Changes: false),
        ["destroy"] = new(HttpMethod.Delete, "", """{"password":"correct horse battery staple"}"""),
    };

    public static TheoryData<Way> Ways => [Way.Mqtt5, Way.Mqtt311, Way.Http];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_36_80_Each_act_is_done_by_whom_it_is_for_and_is_refused_to_all_others_and_changes_nothing(Way way)
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:RoomsPerAccount", "0", "--WebMessenger:Limits:InvitationsPerDay", "0", "--WebMessenger:Limits:TokensPerAccount", "500");
        await using People people = new(broker, way);
        await people.ComeAsync();
        var closed = await people.NewRoomAsync("closed", entry: "invite");
        List<string> wrong = [];
        var cells = 0;
        foreach (var (name, rights) in Rows().Where(row => way == Way.Http || _acts[row.Name].IsEvent))
        {
            var act = _acts[name];
            for (var who = 0; who < rights.Length; who++)
            {
                var isAllowed = rights[who] == '+';
                var room = isAllowed ? await people.NewRoomAsync(string.Create(CultureInfo.InvariantCulture, $"{name}-{who}"), entry: "open") : closed;
                var before = people.AllOf(room);

                var answer = await people.DoAsync(who, room, act);

                var expected = isAllowed ? Speaker.Done : Refused.NotAllowed.Over(way);
                var hasChanged = before != people.AllOf(room);
                if (answer != expected || hasChanged != (isAllowed && act.Changes))
                {
                    wrong.Add($"{name} by {Headings()[who]}: {answer}{(hasChanged ? ", and something is changed" : "")}");
                }

                cells++;
            }
        }

        Assert.Empty(wrong);
        Assert.Equal(8 * (way == Way.Http ? _acts.Count : 11), cells);
    }

    private static string[] Headings() => Table.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..];

    private static IEnumerable<(string Name, string Rights)> Rows() => Table.Split('\n')[1..]
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(row => (row[0], string.Concat(row[1..])));

    /// <param name="Rest">Of the path, behind the room.</param>
    /// <param name="IsEvent">It is a command, which MQTT takes as well.</param>
    /// <param name="Changes">Something of the room is otherwise when it is done.</param>
    private sealed record Act(HttpMethod Method, string Rest, string Payload = "", bool IsEvent = false, bool Changes = true)
    {
        public static Act Event(string payload) => new(HttpMethod.Post, "/events", payload, IsEvent: true);
    }

    private sealed record Place(Room Room, long Seq, string Link);

    /// <summary>Everybody of the table, with whom they do it to.</summary>
    private sealed class People(RunningBroker broker, Way way) : IAsyncDisposable
    {
        // Lists, bans and mutes, pins, links, who did what, and rules. What followers do in their own time is no part of it.
        private static readonly string[] _prefixes = ["m/", "w/", "out/", "p/", "invite/", "maker/", "au/", "room/"];

        private readonly List<Speaker> _speakers = [];
        private Member _maker = null!;
        private Member _mod = null!;
        private Member _admin = null!;
        private Member[] _others = [];
        private Account _guest = null!;

        public async Task ComeAsync()
        {
            // The first who registers is the administrator.
            _admin = await MessageTalk.MayAllAsync(broker, "admina");
            _maker = await MessageTalk.MayAllAsync(broker, "maker");
            _mod = await MessageTalk.MayAllAsync(broker, "dora");
            var eve = await MessageTalk.MayAllAsync(broker, "eve");
            _others = [await MessageTalk.MayAllAsync(broker, "bea"), await broker.RegisterAsync("caio"), await broker.RegisterAsync("quiet")];
            await broker.RegisterAsync("held");
            await broker.RegisterAsync("asked");
            _guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
            var plain = _maker with { Token = await broker.TokenAsync(_maker.Account, verbs: Verbs.All) };
            foreach (var member in new[] { _maker, _mod, _others[0], null, eve, _admin, plain })
            {
                _speakers.Add(member is null ? await Speaker.InBrowserAsync(broker, way, _guest) : await Speaker.AsAsync(broker, way, member));
            }
        }

        /// <summary>All are in it but the stranger; one is muted, one is banned, one has said something, and there is a link.</summary>
        public async Task<Place> NewRoomAsync(string id, string entry)
        {
            using var makers = Calls.As(broker, _maker);
            await makers.MakeRoom(id);
            var room = broker.Room(id);
            foreach (var account in new[] { _mod.Account, _admin.Account, _guest }.Concat(_others.Select(other => other.Account)))
            {
                await broker.Get<RoomMembers>().JoinAsync(room, account);
            }

            var held = broker.Get<AccountDirectory>().FindByUserName("held")!;
            Assert.Null((await Acts.GiveAsync(broker, id, _maker, _mod, MemberRole.Moderator)).Refusal);
            Assert.Null((await Acts.ModerateAsync(broker, id, _mod, "ban", held)).Refusal);
            Assert.Null((await Acts.ModerateAsync(broker, id, _mod, "mute", _others[2].Account)).Refusal);
            if (entry != "open")
            {
                Assert.Null((await Acts.ChangeAsync(broker, id, _maker, new() { Entry = entry })).Refusal);
            }

            var said = await broker.Get<Sayings>().SayAsync(
                room, new Command("a word", null, null), broker.Get<AccessTokens>().FindBearer(_others[1].Token)!);
            Assert.Null(said.Refusal);
            var (_, link, _) = await broker.Get<InviteLinks>().MakeAsync(room, _maker.Account, TimeSpan.FromDays(1), 0);
            return new Place(room, said.Seq, link!.Id);
        }

        public async Task<string> DoAsync(int who, Place place, Act act)
        {
            var id = place.Room.Id.Value;
            var payload = act.Payload.Replace("SEQ", place.Seq.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
            var path = $"/api/rooms/{id}{act.Rest.Replace("LINK", place.Link, StringComparison.Ordinal)}";
            if (who != Limited)
            {
                return await _speakers[who].DoAsync("rooms/" + id, path, payload, act.Method);
            }

            await using var limited = await Speaker.AsAsync(
                broker, way, _maker with { Token = await broker.TokenAsync(_maker.Account, [id], Verbs.Everything) });
            return await limited.DoAsync("rooms/" + id, path, payload, act.Method);
        }

        /// <summary>Whatever the server has of a room, in memory and on disk, as text to be compared.</summary>
        public string AllOf(Place place)
        {
            var room = place.Room;
            if (room.IsDeleted)
            {
                return "gone";
            }

            StringBuilder all = new($"{room.Record} {room.OwnerId} {room.Head}");
            foreach (var (account, membership) in room.Members.OrderBy(one => one.Key, StringComparer.Ordinal))
            {
                all.Append(CultureInfo.InvariantCulture, $" {account} {membership.Record}");
            }

            foreach (var (key, value) in _prefixes.SelectMany(prefix => broker.Get<IRecords>().ReadAll(Encoding.ASCII.GetBytes(prefix)))
                .Select(one => (Encoding.Latin1.GetString(one.Key), Encoding.Latin1.GetString(one.Value))))
            {
                if (key.Contains(room.Key, StringComparison.Ordinal) || value.Contains(room.Key, StringComparison.Ordinal))
                {
                    all.Append(CultureInfo.InvariantCulture, $" {key}={value}");
                }
            }

            var asked = broker.Get<AccountDirectory>().FindByUserName("asked")!;
            return all.Append(broker.Get<RoomInvitations>().IsInvited(room, asked)).ToString();
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var speaker in _speakers)
            {
                await speaker.DisposeAsync();
            }
        }
    }
}
