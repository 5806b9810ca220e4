using System.Net;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Search;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using static WebMessenger.Broker.Tests.Search.SearchTalk;

namespace WebMessenger.Broker.Tests.Search;

/// <summary>Who finds what, and how it is asked for.</summary>
public sealed class SearchTests
{
    [Fact]
    public async Task What_was_said_is_found_with_its_place_its_text_and_where_in_it_the_words_stand()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var seq = await talk.SayAsync(talk.Bea, "Amanhã às oito no pátio 😀");
        await talk.SayAsync(talk.Caio, "nothing of it");

        await UntilFoundAsync(broker, talk.Caio, "AMANHA pat", seq);

        var hit = (await SearchAsync(broker, talk.Caio, "AMANHA pat")).GetProperty("hits")[0];
        var stored = await talk.EventAsync(seq);
        Assert.Equal("yard", hit.GetProperty("room").GetString());
        foreach (var field in new[] { "seq", "epoch", "at", "from", "text", "id" })
        {
            Assert.Equal(stored.GetProperty(field).GetRawText(), hit.GetProperty(field).GetRawText());
        }

        Assert.Equal("[[0,6],[18,5]]", hit.GetProperty("found").GetRawText());
        Assert.Equal([seq], await FoundAsync(broker, talk.Caio, "😀"));
    }

    [Fact]
    public async Task Nobody_finds_what_he_may_not_read()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using var makers = Calls.As(broker, talk.Maker);
        await makers.MakeRoom("attic", "private");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("attic"), talk.Bea.Account);
        var secret = await talk.SayAsync(talk.Maker, "canarybird in the attic", "attic");
        var open = await talk.SayAsync(talk.Maker, "canarybird in the yard");
        var stranger = await broker.RegisterAsync("stranger");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", secret, open);

        // A public room is read by who is not in it; a private one is not, nor known.
        Assert.Equal([open], await FoundAsync(broker, stranger, "canarybird"));
        Assert.Equal([open], await FoundAsync(broker, talk.Caio, "canarybird"));
        using var strangers = Calls.As(broker, stranger);
        Assert.Equal([open], await FoundAsync(broker, stranger, "canarybird", "&room=yard"));
        var hidden = await strangers.Get("/api/search?q=canarybird&room=attic", HttpStatusCode.NotFound);
        Assert.Equal(hidden.GetProperty("code").GetString(), (await strangers.Get("/api/search?q=canarybird&room=never", HttpStatusCode.NotFound)).GetProperty("code").GetString());

        // A token of one room finds what is said in it.
        var limited = talk.Bea with { Token = await broker.TokenAsync(talk.Bea.Account, ["attic"]) };
        Assert.Equal([secret], await FoundAsync(broker, limited, "canarybird"));
        using var limiteds = Calls.As(broker, limited);
        await limiteds.Get("/api/search?q=canarybird&room=attic");
        await limiteds.Get("/api/search?q=canarybird&room=yard", HttpStatusCode.NotFound);
        var writer = talk.Bea with { Token = await broker.TokenAsync(talk.Bea.Account, verbs: Verbs.Post) };
        using var writers = Calls.As(broker, writer);
        Assert.Equal(HttpStatusCode.Forbidden, (await writers.SendAsync(HttpMethod.Get, "/api/search?q=canarybird")).Status);

        // Who has left finds nothing at once, whatever the index has.
        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("attic"), talk.Bea.Account);
        Assert.Equal([open], await FoundAsync(broker, talk.Bea, "canarybird"));
        using var anybody = new HttpClient { BaseAddress = broker.Http };
        Assert.Equal(HttpStatusCode.Unauthorized, (await anybody.GetAsync(new Uri("/api/search?q=canarybird", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task What_is_deleted_is_found_no_more_at_once_and_what_is_edited_by_its_new_words()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var gone = await talk.SayAsync(talk.Bea, "canarybird one");
        var edited = await talk.SayAsync(talk.Bea, "canarybird two");
        await UntilFoundAsync(broker, talk.Caio, "canarybird", gone, edited);
        Assert.Contains("canarybird", Files(broker), StringComparison.Ordinal);

        Assert.Null((await talk.DeleteAsync(talk.Bea, gone)).Refusal);
        Assert.DoesNotContain(gone, await FoundAsync(broker, talk.Caio, "canarybird"));
        Assert.Null((await talk.EditAsync(talk.Bea, edited, "parrot two")).Refusal);
        Assert.Empty(await FoundAsync(broker, talk.Caio, "canarybird"));
        await UntilFoundAsync(broker, talk.Caio, "parrot", edited);

        await UntilFollowedAsync(talk);
        Assert.DoesNotContain("canarybird", Files(broker), StringComparison.Ordinal);
        var hit = (await SearchAsync(broker, talk.Caio, "parrot")).GetProperty("hits")[0];
        Assert.True(hit.GetProperty("edited").GetProperty("seq").GetInt64() > edited);
    }

    [Fact]
    public async Task Words_narrow_what_is_found_and_pages_go_on_without_leaving_out_or_doubling()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using var makers = Calls.As(broker, talk.Maker);
        await makers.MakeRoom("other");
        List<long> fish = [];
        for (var i = 0; i < 12; i++)
        {
            fish.Add(await talk.SayAsync(i % 2 == 0 ? talk.Bea : talk.Caio, $"zebra fish {i}" + (i % 3 == 0 ? " https://example.org/x" : "")));
        }

        var other = await talk.SayAsync(talk.Maker, "fish zebra", "other");
        await UntilFoundAsync(broker, talk.Bea, "zebra", [.. fish, other]);

        Assert.Equal(fish.AsEnumerable().Reverse(), await FoundAsync(broker, talk.Bea, "\"zebra fish\""));
        Assert.Equal([other], await FoundAsync(broker, talk.Bea, "zebra in:other"));
        Assert.Equal([other], await FoundAsync(broker, talk.Bea, "zebra", "&room=other"));
        Assert.Equal(fish.Where((_, i) => i % 2 == 0).Reverse(), await FoundAsync(broker, talk.Bea, "zebra from:@bea"));
        Assert.Equal(fish.Where((_, i) => i % 2 == 0).Reverse(), await FoundAsync(broker, talk.Bea, "from:me zebra"));
        Assert.Empty(await FoundAsync(broker, talk.Bea, "zebra from:nobody"));
        Assert.Equal(fish.Where((_, i) => i % 3 == 0).Reverse(), await FoundAsync(broker, talk.Bea, "has:link"));
        Assert.Empty(await FoundAsync(broker, talk.Bea, "zebra before:2020-01-01"));
        Assert.Equal(13, (await FoundAsync(broker, talk.Bea, "zebra after:2020-01-01")).Length);
        Assert.Equal([fish[7]], await FoundAsync(broker, talk.Bea, "fish 7"));

        // The short one first.
        Assert.Equal(other, (await FoundAsync(broker, talk.Bea, "zebra", "&order=best"))[0]);
        foreach (var order in (string[])["newest", "best"])
        {
            List<long> all = [];
            var cursor = "";
            do
            {
                var page = await SearchAsync(broker, talk.Bea, "zebra", $"&limit=5&order={order}{cursor}");
                all.AddRange(page.GetProperty("hits").EnumerateArray().Select(hit => hit.GetProperty("seq").GetInt64()));
                cursor = page.TryGetProperty("next", out var next) ? "&cursor=" + next.GetString() : "";
            }
            while (cursor != "");
            Assert.Equal(((IEnumerable<long>)[.. fish, other]).Order(), all.Order());
        }
    }

    [Fact]
    public async Task Best_first_answers_with_the_best_of_what_was_come_upon_when_the_time_is_over()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        List<long> said = [];
        for (var i = 0; i < 30; i++)
        {
            said.Add(await talk.SayAsync(talk.Bea, $"zebra {string.Join(' ', Enumerable.Repeat("more", i % 3))}"));
        }

        await UntilFoundAsync(broker, talk.Bea, "zebra", [.. said.TakeLast(20)]);
        var request = SearchRequest.Read("zebra", [])!;
        var who = (await broker.SignInAsync(talk.Bea.Account)).Session;
        var searching = broker.Get<Searching>();
        using CancellationTokenSource over = new();
        await over.CancelAsync();

        var inTime = searching.Best(request, within: null, who, SearchCursor.Start, 20, CancellationToken.None, CancellationToken.None);
        var late = searching.Best(request, within: null, who, SearchCursor.Start, 20, CancellationToken.None, over.Token);

        Assert.Equal((20, false, true), (inTime.Found.Count, inTime.IsPartial, late.IsPartial));
        Assert.Equal(inTime.Found.Select(one => one.Entry.Seq), late.Found.Select(one => one.Entry.Seq));
        Assert.Empty(searching.Best(request, within: null, who, SearchCursor.Start, 20, over.Token, over.Token).Found);
    }

    [Theory]
    [InlineData("\"")]
    [InlineData("\"fish")]
    [InlineData("fish\"")]
    [InlineData("fish NEAR fish")]
    [InlineData("NEAR(fish, 2)")]
    [InlineData("fish*")]
    [InlineData("*fish")]
    [InlineData("text:fish")]
    [InlineData("-fish")]
    [InlineData("fish OR \" fish")]
    [InlineData("^fish")]
    [InlineData("fish + fish")]
    [InlineData("{fish}")]
    [InlineData("fish; DROP TABLE parts")]
    [InlineData("' OR 1=1 --")]
    [InlineData("from:")]
    [InlineData("\u0000fish\u0001")]
    [InlineData("\uE000fish")]
    [InlineData("has:linkfish")]
    [InlineData("before:tomorrow fish")]
    [InlineData("***")]
    [InlineData("")]
    public async Task What_is_typed_is_no_syntax_of_the_index(string q)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var seq = await talk.SayAsync(talk.Bea, "one fish");
        await UntilFoundAsync(broker, talk.Bea, "fish", seq);
        using var calls = Calls.As(broker, talk.Bea);

        var (status, text) = await calls.SendAsync(HttpMethod.Get, $"/api/search?q={Uri.EscapeDataString(q)}");

        Assert.True(status is HttpStatusCode.OK or HttpStatusCode.BadRequest, text);
        Assert.Equal([seq], await FoundAsync(broker, talk.Bea, "fish"));
    }

    [Fact]
    public async Task What_cannot_be_asked_for_is_said_so()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        using var calls = Calls.As(broker, ana);
        await calls.Get("/api/search?q=" + new string('a', 256));

        foreach (var wrong in (string[])[
            "", "?q=", "?q=" + new string('a', 257), "?q=" + new string('é', 129), "?q=has:file", "?q=has:image", "?q=%2A", "?q=a&limit=0", "?q=a&limit=51",
            "?q=a&order=oldest", "?q=a&cursor=x", "?q=a&cursor=1.2.3", "?q=a&cursor=99999999999999999999.1", "?q=a&cursor=9223372036854775806.0", "?q=in:a+b&room=c"])
        {
            var problem = await calls.Get("/api/search" + wrong, HttpStatusCode.BadRequest);
            Assert.Equal("invalid_fields", problem.GetProperty("code").GetString());
        }
    }

    [Fact]
    public async Task Attack_search_floods_an_account_searches_once_a_second()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:SearchesPerSecond", "1");
        var (ana, bea) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bea"));
        using HttpClient http = new() { BaseAddress = broker.Http };
        http.DefaultRequestHeaders.Authorization = new("Bearer", ana.Token);
        List<HttpResponseMessage> answers = [];
        for (var i = 0; i < 12; i++)
        {
            answers.Add(await http.GetAsync(new Uri("/api/search?q=word", UriKind.Relative), TestContext.Current.CancellationToken));
        }

        Assert.Equal(HttpStatusCode.OK, answers[0].StatusCode);
        var refused = answers.First(answer => answer.StatusCode == HttpStatusCode.TooManyRequests);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 2);
        await SearchAsync(broker, bea, "word");
        answers.ForEach(answer => answer.Dispose());
    }
}
