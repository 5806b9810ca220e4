using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;

namespace WebMessenger.Auth.Tests.Tokens;

/// <summary>Access tokens whose clients see the data topics of one room and nothing else.</summary>
public sealed class MountedTokensTests
{
    private static readonly TopicScope _sensor = new(["greenhouse/set/#"], ["greenhouse/#", "homeassistant/+/greenhouse/#"]);

    [Fact]
    public async Task A_token_keeps_its_mount_and_topics_over_a_restart_and_one_without_has_none()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var sensor = AuthFixture.Must(await MakeAsync(fixture, account, "garden", _sensor));
        var all = AuthFixture.Must(await MakeAsync(fixture, account, "garden", null, verbs: Verbs.Data, rooms: ["garden"]));
        var bot = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", ["garden"], Verbs.Data, null));

        await fixture.RestartAsync();

        var scope = fixture.Auth.Tokens.FindBearer(sensor.Secret)!.Scope;
        Assert.Equal(("garden", _sensor, Verbs.Data), (scope.Mount, scope.Topics, scope.Verbs));
        Assert.Equal(["garden"], scope.Rooms!);
        Assert.True(scope.IsLimited);
        var whole = fixture.Auth.Tokens.FindBearer(all.Secret)!.Scope;
        Assert.Equal(("garden", null, Verbs.Data), (whole.Mount, whole.Topics, whole.Verbs));
        var plain = fixture.Auth.Tokens.FindBearer(bot.Secret)!.Scope;
        Assert.Equal((null, null, Verbs.Data), (plain.Mount, plain.Topics, plain.Verbs));
    }

    [Fact]
    public async Task Attack_80_A_mount_has_the_verb_data_alone_and_its_room_alone()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");

        Assert.Equal("ok", await TryAsync(fixture, account, "garden", verbs: Verbs.Data, rooms: ["garden"]));
        foreach (var verbs in new[] { Verbs.None, Verbs.Read, Verbs.All, Verbs.Data | Verbs.Post, Verbs.Everything })
        {
            Assert.Equal("verbs:invalid", await TryAsync(fixture, account, "garden", verbs: verbs));
        }

        Assert.Equal("rooms:invalid", await TryAsync(fixture, account, "garden", rooms: ["garden", "lobby"]));
        Assert.Equal("rooms:invalid", await TryAsync(fixture, account, "garden", rooms: ["lobby"]));
        var scope = AuthFixture.Must(await MakeAsync(fixture, account, "garden", null)).Token.Scope;
        Assert.True(scope.Allows("garden", Verbs.Data));
        Assert.False(scope.Allows("garden", Verbs.Read));
        Assert.False(scope.Allows("garden", Verbs.Post));
        Assert.False(scope.Allows("lobby", Verbs.Data));
    }

    [Fact]
    public async Task Attack_36_Only_who_is_in_the_room_makes_a_mount_on_it()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        List<string> asked = [];

        Assert.Equal("ok", await TryAsync(fixture, account, "garden", isMember: IsGarden));
        Assert.Equal("mount:invalid", await TryAsync(fixture, account, "elsewhere", isMember: IsGarden));
        Assert.Equal("mount:invalid", await TryAsync(fixture, account, "../x", isMember: IsGarden));
        Assert.Equal("mount:invalid", await TryAsync(fixture, account, "", isMember: IsGarden));
        Assert.Equal(["garden", "elsewhere"], asked);
        Assert.Single(fixture.Auth.Tokens.List(account));

        bool IsGarden(string room)
        {
            asked.Add(room);
            return room == "garden";
        }
    }

    [Fact]
    public async Task Topics_are_those_of_a_mount()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");

        Assert.Equal("ok", await TryAsync(fixture, account, "garden", _sensor));
        Assert.Equal("mount:required", await TryAsync(fixture, account, null, _sensor));
    }

    [Theory]
    [InlineData("#", "ok")]
    [InlineData("+/+", "ok")]
    [InlineData("/", "ok")]
    [InlineData("a//b/", "ok")]
    [InlineData("größe/湿度/ /#", "ok")]
    [InlineData("$SYS/broker/connection/#", "ok")]
    [InlineData("$shared/x", "ok")]
    [InlineData("", "topics.read:invalid")]
    [InlineData(null, "topics.read:invalid")]
    [InlineData("a/#/b", "topics.read:invalid")]
    [InlineData("a#", "topics.read:invalid")]
    [InlineData("#a", "topics.read:invalid")]
    [InlineData("a+/b", "topics.read:invalid")]
    [InlineData("a/b+", "topics.read:invalid")]
    [InlineData("a\0b", "topics.read:invalid")]
    [InlineData("a\nb", "topics.read:invalid")]
    [InlineData("\u0085", "topics.read:invalid")]
    [InlineData("$share/group/a", "topics.read:invalid")]
    public async Task Attack_11_13_Filters_of_a_mount_have_the_form_that_MQTT_gives_them(string? filter, string outcome)
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");

        Assert.Equal(outcome, await TryAsync(fixture, account, "garden", new TopicScope([filter!], [])));
        Assert.Equal(
            outcome.Replace("read", "write", StringComparison.Ordinal), await TryAsync(fixture, account, "garden", new TopicScope([], [filter!])));
    }

    [Fact]
    public async Task Attack_64_Filters_of_a_mount_are_bounded_in_number_and_size()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");

        Assert.Equal("ok", await OutcomeAsync([.. Enumerable.Repeat("a", 20)]));
        Assert.Equal("topics.write:too_many", await OutcomeAsync([.. Enumerable.Repeat("a", 21)]));
        Assert.Equal("ok", await OutcomeAsync([string.Join('/', Enumerable.Repeat("a", 32))]));
        Assert.Equal("topics.write:too_long", await OutcomeAsync([string.Join('/', Enumerable.Repeat("a", 33))]));
        Assert.Equal("ok", await OutcomeAsync([new string('ß', 256)]));
        Assert.Equal("topics.write:too_long", await OutcomeAsync([new string('ß', 256) + "a"]));
        Assert.Equal("ok", await OutcomeAsync([.. Enumerable.Repeat(new string('a', 512), 8)]));
        Assert.Equal("topics:too_long", await OutcomeAsync([.. Enumerable.Repeat(new string('a', 512), 8), "a"]));
        Assert.Equal("topics:required", await OutcomeAsync([]));

        // xUnit's runner writes no half of a surrogate pair in the name of a test.
        Assert.Equal("topics.write:invalid", await OutcomeAsync(["a" + (char)0xD800]));

        Task<string> OutcomeAsync(string[] write) => TryAsync(fixture, account, "garden", new TopicScope([], write));
    }

    [Fact]
    public async Task Fault_S17_A_token_ends_with_the_room_that_is_its_mount_and_others_lose_the_room()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var sensor = AuthFixture.Must(await MakeAsync(fixture, account, "garden", _sensor));
        var elsewhere = AuthFixture.Must(await MakeAsync(fixture, account, "shed", null));
        var bot = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", ["garden", "shed"], null, null));
        var client = TestClient.AttachedTo(sensor.Token);

        await fixture.Auth.Tokens.ForgetRoomAsync("garden");

        Assert.Equal(RevocationReason.TokenRevoked, await client.Revoked);
        for (var start = 0; start < 2; start++)
        {
            Assert.Null(fixture.Auth.Tokens.FindBearer(sensor.Secret));
            Assert.Equal("shed", fixture.Auth.Tokens.FindBearer(elsewhere.Secret)!.Scope.Mount);
            Assert.Equal(["shed"], fixture.Auth.Tokens.FindBearer(bot.Secret)!.Scope.Rooms!);
            await fixture.RestartAsync();
        }
    }

    [Fact]
    public void Fault_S21_A_scope_covers_another_of_the_same_mount_that_may_no_more()
    {
        var (all, sensor) = (Scope.OfMount("garden", null), Scope.OfMount("garden", _sensor));
        Assert.True(all.Covers(sensor));
        Assert.True(sensor.Covers(Scope.OfMount("garden", new TopicScope([.. _sensor.Read], [.. _sensor.Write]))));
        Assert.False(sensor.Covers(all));
        Assert.False(sensor.Covers(Scope.OfMount("garden", new TopicScope(["#"], _sensor.Write))));
        Assert.False(all.Covers(Scope.OfMount("shed", null)));

        // Under one client id they have different MQTT sessions.
        Assert.False(Scope.Everything.Covers(all));
        Assert.False(all.Covers(new Scope(all.Rooms, Verbs.Data)));
    }

    [Fact]
    public async Task A_record_of_before_there_were_mounts_opens_as_it_did()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var made = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", ["garden"], Verbs.Read | Verbs.Data, null));
        var key = SessionRecord.KeyOf(account.Id, made.Token.Id);
        var hash = fixture.EventLog.Find(key)!.AsSpan(2, 32).ToArray();
        byte[] before =
        [
            1, 2, .. hash, .. Of(made.Token.CreatedAt), .. Of(made.Token.LastSeen), .. new byte[8], 0, 0, 0, 5, 1 | 2,
            0, 3, .. "bot"u8, 0, 9, .. "192.0.2.9"u8, 0, 2, 0, 6, .. "garden"u8, 0, 5, .. "lobby"u8,
        ];
        await fixture.EventLog.WriteAsync([new(key, before)]);

        await fixture.RestartAsync();

        var token = fixture.Auth.Tokens.FindBearer(made.Secret)!;
        Assert.Equal(("bot", "192.0.2.9", Verbs.Read | Verbs.Data), (token.Device, token.Address, token.Scope.Verbs));
        Assert.Equal((null, null), (token.Scope.Mount, token.Scope.Topics));
        Assert.Equal(["garden", "lobby"], token.Scope.Rooms!.Order());

        static byte[] Of(DateTimeOffset time) => [.. BitConverter.GetBytes(time.ToUnixTimeMilliseconds()).Reverse()];
    }

    private static Task<Outcomes.Outcome<CreatedToken>> MakeAsync(
        AuthFixture fixture, Account account, string? mount, TopicScope? topics,
        Verbs? verbs = null, string[]? rooms = null, Func<string, bool>? isMember = null) =>
        fixture.Auth.Tokens.CreateAsync(account, "device", rooms, verbs, null, by: null, new AskedMount(mount, topics, isMember ?? (_ => true)));

    private static async Task<string> TryAsync(
        AuthFixture fixture, Account account, string? mount, TopicScope? topics = null,
        Verbs? verbs = null, string[]? rooms = null, Func<string, bool>? isMember = null) =>
        AuthFixture.Code(await MakeAsync(fixture, account, mount, topics, verbs, rooms, isMember));
}
