using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>
/// Rooms of a house of two nodes: what is done at one holds at the other when it is answered, and is heard there in the same words.
/// </summary>
public sealed class RoomsOfNodesTests(SharedHouseOfNodes shared) : IClassFixture<SharedHouseOfNodes>
{
    private readonly ServerHouse _house = shared.House;

    [Fact]
    public async Task All_that_is_said_and_done_in_a_room_is_heard_at_both_nodes_in_one_order_and_in_the_same_words()
    {
        await using var yard = await YardOfNodes.MakeAsync(_house);
        RawMqttClient[] witnesses = [await yard.ConnectAsync(yard.Owner, 0, yard.Topic), await yard.ConnectAsync(yard.Owner, 1, yard.Topic)];
        RawMqttClient[] mods = [await yard.ConnectAsync(yard.Mod, 0), await yard.ConnectAsync(yard.Mod, 1)];
        RawMqttClient[] owners = [await yard.ConnectAsync(yard.Owner, 0), await yard.ConnectAsync(yard.Owner, 1)];
        for (var node = 0; node < 2; node++)
        {
            var said = await mods[node].PublishAsync(yard.Topic, "first");
            Assert.True(said.Accepted, said.ToString());
            var seq = said.Seq.ToString(CultureInfo.InvariantCulture);
            string[] acts =
            [
                $$"""{"type":"message","text":"an answer","replyTo":{{seq}}}""",
                $$"""{"type":"edit","of":{{seq}},"text":"edited"}""",
                $$"""{"type":"reaction","of":{{seq}},"emoji":"👍","on":true}""",
                $$"""{"type":"pin","of":{{seq}},"on":true}""",
                """{"type":"roll","dice":"2d6"}""",
                $$"""{"type":"message","text":"@{{yard.Bea.UserName}} look"}""",
                $$"""{"type":"mute","user":"{{yard.Bea.UserName}}","minutes":7,"reason":"Loud.","public":true}""",
                $$"""{"type":"unmute","user":"{{yard.Bea.UserName}}"}""",
                $$"""{"type":"pin","of":{{seq}},"on":false}""",
                $$"""{"type":"delete","of":{{seq}}}""",
                """{"type":"policy","quietMinutes":5}""",
            ];
            foreach (var act in acts)
            {
                // What was said at one node is changed at the other.
                var answer = await mods[1 - node].PublishAsync(yard.Topic, act);
                Assert.True(answer.Accepted, $"{act}: {answer}");
            }

            var policy = await owners[node].PublishAsync(yard.Topic, $$"""{"type":"policy","title":"Yard {{node}}","topic":"All","quietUntil":null,"tags":["a","b"]}""");
            Assert.True(policy.Accepted, policy.ToString());
        }

        var marker = Lobby.Unique("marker");
        Assert.True((await owners[0].PublishAsync(yard.Topic, marker)).Accepted);
        var heard = new List<string>[2];
        for (var node = 0; node < 2; node++)
        {
            // Who watches has come while the other was there, or before.
            heard[node] = [.. (await witnesses[node].PublishesUntilAsync(publish => publish.Topic == yard.Topic && publish.Json.IsMessage(marker)))
                .Where(publish => publish.Topic == yard.Topic && publish.Json.GetProperty("type").GetString() != "join")
                .Select(publish => publish.Text)];
        }

        Assert.Equal(heard[0], heard[1]);
        Assert.Equal(27, heard[0].Count);
    }

    [Theory]
    [InlineData("""{"type":"kick","user":"BEA","reason":"Enough."}""", 0x87)]
    [InlineData("""{"type":"ban","user":"BEA"}""", 0x87)]
    [InlineData("""{"type":"mute","user":"BEA","minutes":5}""", 0x87)]
    [InlineData("""{"type":"policy","posting":"moderators"}""", 0x87)]
    [InlineData("""{"type":"policy","archived":true}""", 0x87)]
    [InlineData("""{"type":"policy","quietMinutes":5}""", 0x87)]
    [InlineData("""{"type":"policy","slowMode":3600}""", 0x97)]
    public async Task Who_is_at_the_other_node_says_nothing_any_more_when_it_is_answered(string act, int code)
    {
        for (var round = 0; round < 3; round++)
        {
            await using var yard = await YardOfNodes.MakeAsync(_house);
            var owner = await yard.ConnectAsync(yard.Owner, round % 2, yard.Topic);
            var bea = await yard.ConnectAsync(yard.Bea, 1 - (round % 2), yard.Topic, "users/" + yard.Bea.UserName);
            Assert.True((await bea.PublishAsync(yard.Topic, "before")).Accepted);
            var isPutOut = act.Contains("kick", StringComparison.Ordinal) || act.Contains("\"ban\"", StringComparison.Ordinal);

            var done = await owner.PublishAsync(yard.Topic, act.Replace("BEA", yard.Bea.UserName, StringComparison.Ordinal));
            Assert.True(done.Accepted, done.ToString());
            if (act.Contains("slowMode", StringComparison.Ordinal))
            {
                // At the node of the owner, where she had not said anything.
                await using var elsewhere = await yard.ConnectAsync(yard.Bea, round % 2);
                Assert.True((await bea.PublishAsync(yard.Topic, "one more")).Accepted);
                Assert.Equal(code, (await elsewhere.PublishAsync(yard.Topic, "after")).ReasonCode);
                continue;
            }

            Assert.Equal(code, (await bea.PublishAsync(yard.Topic, "after")).ReasonCode);
            if (isPutOut)
            {
                Assert.True((await owner.PublishAsync(yard.Topic, "among us")).Accepted);
                Assert.True((await owner.PublishAsync("users/" + yard.Bea.UserName, "marker")).Accepted);
                var heard = await bea.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
                Assert.DoesNotContain(heard, publish => publish.Text.Contains("among us", StringComparison.Ordinal));
                if (!heard.Any(IsNotice))
                {
                    // It is no event of the log, which has the marker: it may come after.
                    await bea.PublishesUntilAsync(IsNotice);
                }
            }

            Assert.DoesNotContain(await yard.Owner.EventsAsync(yard.Room), one => one.IsMessage("after"));
        }
    }

    [Fact]
    public async Task Roles_are_given_and_taken_at_one_node_and_hold_at_the_other_when_it_is_answered()
    {
        await using var yard = await YardOfNodes.MakeAsync(_house);
        for (var round = 0; round < 5; round++)
        {
            var (here, there) = (round % 2, 1 - (round % 2));
            Assert.Equal(HttpStatusCode.Created, (await yard.ActAsync(yard.Owner, here, new { type = "role", user = yard.Bea.UserName, role = "moderator" })).Status);
            Assert.Equal(HttpStatusCode.Created, (await yard.ActAsync(yard.Bea, there, new { type = "policy", quietMinutes = 1 })).Status);
            Assert.Equal(HttpStatusCode.Created, (await yard.ActAsync(yard.Bea, here, new { type = "policy", quietUntil = (string?)null })).Status);
            Assert.Equal(HttpStatusCode.Created, (await yard.ActAsync(yard.Owner, here, new { type = "role", user = yard.Bea.UserName, role = "member" })).Status);
            Assert.Equal(HttpStatusCode.Forbidden, (await yard.ActAsync(yard.Bea, there, new { type = "policy", quietMinutes = 1 })).Status);
        }

        // The room changes hands, and who had it has nothing more to say there.
        Assert.Equal(HttpStatusCode.Created, (await yard.ActAsync(yard.Owner, 0, new { type = "role", user = yard.Bea.UserName, role = "owner" })).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await yard.ActAsync(yard.Owner, 1, new { type = "policy", title = "Mine" })).Status);
        Assert.Equal(HttpStatusCode.Created, (await yard.ActAsync(yard.Bea, 1, new { type = "policy", title = "Hers" })).Status);
        Assert.Equal("Hers", (await yard.GetAsync(yard.Owner, 0, $"/api/rooms/{yard.Room}")).GetProperty("title").GetString());
    }

    [Fact]
    public async Task A_room_is_made_private_and_deleted_at_one_node_and_is_so_at_the_other_when_it_is_answered()
    {
        for (var round = 0; round < 5; round++)
        {
            await using var yard = await YardOfNodes.MakeAsync(_house);
            using var stranger = await Person.RegisterAsync(_house[1], "stranger");
            var watches = await yard.ConnectAsync(stranger, 1, yard.Topic + "/info");
            var bea = await yard.ConnectAsync(yard.Bea, 1, yard.Topic);
            Assert.Equal(HttpStatusCode.Created, (await yard.ActAsync(yard.Owner, 0, new { type = "policy", visibility = "private" })).Status);
            Assert.Equal(0x87, (await watches.SubscribeAsync(yard.Topic)).ReasonCodes.Single());
            Assert.True((await bea.PublishAsync(yard.Topic, "still here")).Accepted);

            // Asked at one node, told and let in at the other; asked no more, not let in.
            await yard.Owner.InviteAsync(yard.Room, stranger.UserName);
            using var elsewhere = yard.Owner.At(_house[1]);
            Assert.Equal(HttpStatusCode.NoContent, (await elsewhere.Http.DeleteAsync($"/api/rooms/{yard.Room}/members/{stranger.UserName}", TestContext.Current.CancellationToken)).StatusCode);
            Assert.Equal(0x87, (await watches.SubscribeAsync(yard.Topic)).ReasonCodes.Single());
            await yard.Owner.InviteAsync(yard.Room, stranger.UserName);
            Assert.Equal(1, (await watches.SubscribeAsync(yard.Topic)).ReasonCodes.Single());

            await yard.Owner.DeleteRoomAsync(yard.Room);
            Assert.Equal(0x87, (await bea.PublishAsync(yard.Topic, "in the ruins")).ReasonCode);
            Assert.Equal(HttpStatusCode.NotFound, (await elsewhere.Http.GetAsync($"/api/rooms/{yard.Room}", TestContext.Current.CancellationToken)).StatusCode);

            // Its id is its maker's, at each node.
            var again = new { id = yard.Room, title = "Again", visibility = "public" };
            Assert.Equal(HttpStatusCode.BadRequest, (await yard.Bea.Http.PostAsJsonAsync("/api/rooms", again, TestContext.Current.CancellationToken)).StatusCode);
            Assert.Equal(HttpStatusCode.Created, (await elsewhere.Http.PostAsJsonAsync("/api/rooms", again, TestContext.Current.CancellationToken)).StatusCode);
            Assert.DoesNotContain(await yard.Owner.EventsAsync(yard.Room), one => one.IsMessage("still here"));
        }
    }

    [Fact]
    public async Task A_link_into_a_room_is_used_as_often_as_it_may_at_both_nodes_together()
    {
        await using var yard = await YardOfNodes.MakeAsync(_house, visibility: "private");
        var made = await yard.Owner.Http.PostAsJsonAsync($"/api/rooms/{yard.Room}/invites", new { uses = 3 }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var secret = (await made.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("path").GetString()!.Split('#')[^1];
        var came = await Task.WhenAll(Enumerable.Range(0, 8).Select(async number =>
        {
            using var person = await Person.RegisterAsync(_house[number % 2], "guest");
            return (await person.Http.PostAsJsonAsync("/api/invites", new { secret })).StatusCode;
        }));
        Assert.True(came.Count(status => status is HttpStatusCode.OK or HttpStatusCode.NoContent) == 3, string.Join(", ", came));
    }

    [Fact]
    public async Task What_two_say_to_each_other_at_two_nodes_both_hear_in_one_order_until_one_ignores_the_other()
    {
        await using var yard = await YardOfNodes.MakeAsync(_house);
        var (owner, bea) = (yard.Owner.UserName, yard.Bea.UserName);
        var owners = await yard.ConnectAsync(yard.Owner, 0, "users/" + owner);
        var beas = await yard.ConnectAsync(yard.Bea, 1, "users/" + bea);
        List<long> said = [];
        for (var line = 0; line < 10; line++)
        {
            var answer = line % 2 == 0 ? await owners.PublishAsync("users/" + bea, $"line {line}") : await beas.PublishAsync("users/" + owner, $"line {line}");
            Assert.True(answer.Accepted, answer.ToString());
            said.Add(answer.Seq);
        }

        Assert.True((await owners.PublishAsync("users/" + bea, $$"""{"type":"edit","of":{{said[0]}},"text":"edited"}""")).Accepted);
        Assert.True((await owners.PublishAsync("users/" + bea, $$"""{"type":"delete","of":{{said[2]}}}""")).Accepted);
        Assert.True((await beas.PublishAsync("users/" + owner, "the end")).Accepted);
        var heard = await Task.WhenAll(new[] { owners, beas }.Select(async client =>
            (await client.PublishesUntilAsync(publish => publish.Text.Contains("the end", StringComparison.Ordinal)))
                .Select(publish => (publish.Json.GetProperty("cseq").GetInt64(), publish.Json.TryGetProperty("text", out var text) ? text.GetString() : null)).ToList()));
        Assert.Equal(heard[0], heard[1]);
        Assert.Equal(13, heard[0].Count);

        Assert.Equal(HttpStatusCode.NoContent, (await yard.Bea.Http.PutAsync($"/api/ignored/{owner}", null, TestContext.Current.CancellationToken)).StatusCode);
        Assert.True((await owners.PublishAsync("users/" + bea, "unheard")).Accepted);
        Assert.True((await beas.PublishAsync("users/" + bea, "to myself")).Accepted);
        Assert.DoesNotContain(
            await beas.PublishesUntilAsync(publish => publish.Text.Contains("to myself", StringComparison.Ordinal)), publish => publish.Text.Contains("unheard", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_moderators_at_two_nodes_who_act_on_one_person_at_once_leave_one_state_at_both_and_in_the_store()
    {
        await using var yard = await YardOfNodes.MakeAsync(_house);
        object[] acts =
        [
            new { type = "mute", user = yard.Bea.UserName, minutes = 5 }, new { type = "unmute", user = yard.Bea.UserName },
            new { type = "ban", user = yard.Bea.UserName }, new { type = "unban", user = yard.Bea.UserName }, new { type = "kick", user = yard.Bea.UserName },
        ];
        Random random = new(15);
        for (var round = 0; round < 200; round++)
        {
            var (one, other) = (acts[random.Next(acts.Length)], acts[random.Next(acts.Length)]);
            var invites = round % 5 == 0 ? InviteAsync(yard, round % 2) : Task.CompletedTask;
            var answers = await Task.WhenAll(yard.ActAsync(yard.Owner, 0, one), yard.ActAsync(yard.Mod, 1, other));
            await invites;
            Assert.All(answers, answer => Assert.True((int)answer.Status < 500, answer.Text));
            if (round % 20 == 19)
            {
                Assert.Equal(await StateAsync(yard, 0), await StateAsync(yard, 1));
            }
        }

        // Who starts now has it of the store alone.
        var state = await StateAsync(yard, 0);
        Assert.Equal(state, await StateAsync(yard, 1));
        await _house.AddAsync();
        Assert.Equal(state, await StateAsync(yard, 2));
    }

    private static bool IsNotice(ReceivedPublish publish) =>
        publish.Topic.StartsWith("users/", StringComparison.Ordinal) && publish.Text.Contains("\"code\":", StringComparison.Ordinal);

    private static async Task InviteAsync(YardOfNodes yard, int node)
    {
        using var owner = yard.Owner.At(yard.House[node]);
        Assert.True((int)(await owner.Http.PutAsync($"/api/rooms/{yard.Room}/members/{yard.Bea.UserName}", null)).StatusCode < 500);
        using var bea = yard.Bea.At(yard.House[1 - node]);
        Assert.True((int)(await bea.Http.PutAsync($"/api/rooms/{yard.Room}/members/me", null)).StatusCode < 500);
    }

    private static async Task<string> StateAsync(YardOfNodes yard, int node) =>
        $"{await yard.GetAsync(yard.Owner, node, $"/api/rooms/{yard.Room}/bans")} {(await yard.GetAsync(yard.Owner, node, $"/api/rooms/{yard.Room}/members")).GetProperty("members")}";
}
