using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Values of data topics over HTTP.</summary>
public sealed class DataApiTests
{
    [Theory]
    [InlineData("greenhouse/temp")]
    [InlineData("/a")]
    [InlineData("a//b")]
    [InlineData("../x/%2F and more")]
    [InlineData("ü/🌡")]
    public async Task A_value_is_published_read_and_cleared_under_any_topic(string topic)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Mod.Token);
        Assert.Null(await calls.FindAsync(topic));

        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync(topic, "21.5", "text/plain"));
        Assert.Equal("21.5", await calls.FindAsync(topic));
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync(topic, "22", more: "&qos=0"));
        Assert.Equal("22", await calls.FindAsync(topic));
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync(topic, "23", more: "&retain=false"));
        Assert.Equal("22", await calls.FindAsync(topic));
        Assert.Equal(HttpStatusCode.NoContent, await calls.DeleteAsync(topic));
        Assert.Null(await calls.FindAsync(topic));
        Assert.Equal(HttpStatusCode.NoContent, await calls.DeleteAsync(topic));
    }

    [Fact]
    public async Task A_value_comes_with_its_bytes_its_content_type_and_a_tag_by_which_it_is_not_sent_again()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Mod.Token);
        byte[] picture = [0x89, 0x50, 0xFF, 0, 1];
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("cam", picture, "image/png"));

        using var first = await calls.GetAsync("cam");
        Assert.Equal(picture, await first.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal("image/png", first.Content.Headers.ContentType?.ToString());
        Assert.Null(first.Content.Headers.ContentDisposition);
        Assert.NotNull(first.Content.Headers.LastModified);
        using var again = await calls.GetAsync("cam", first.Headers.ETag!.ToString());
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("cam", [1], "image/png"));
        using var changed = await calls.GetAsync("cam", first.Headers.ETag!.ToString());
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
    }

    [Fact]
    public async Task What_is_published_and_cleared_over_HTTP_is_heard_live()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Mod.Token);
        var space = await broker.Get<DataSpaces>().OpenAsync(broker.Room("yard"));
        Listener listener = new();
        space.Subscribe(new DataSubscription { Filter = DataFilter.All, Member = listener, QualityOfService = 2 });

        await calls.PutAsync("t", "1", more: "&qos=2");
        await calls.PutAsync("t", "2", more: "&retain=false&qos=0");
        await calls.DeleteAsync("t");

        Assert.Equal([2, 0, 1], listener.Heard);
    }

    [Fact]
    public async Task Attack_57_Who_may_not_read_or_write_data_is_refused_and_is_told_no_more_than_elsewhere()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls mods = new(broker, talk.Mod.Token), beas = new(broker, talk.Bea.Token), nobodys = new(broker, null);
        Assert.Equal(HttpStatusCode.NoContent, await mods.PutAsync("t", "1"));
        Assert.Equal("1", await beas.FindAsync("t"));

        Assert.Equal("401 not_signed_in", await nobodys.AnswerAsync(HttpMethod.Get, "?topic=t"));
        Assert.Equal("403 not_allowed", await beas.AnswerAsync(HttpMethod.Put, "?topic=t", "2"));
        Assert.Equal("403 not_allowed", await beas.AnswerAsync(HttpMethod.Delete, "?topic=t"));
        foreach (var (verbs, rooms, expected) in new (Verbs, string[]?, string)[]
        {
            (Verbs.Data, null, "200"),
            (Verbs.Data, ["yard"], "200"),
            (Verbs.Read | Verbs.Post | Verbs.Moderate, null, "403 not_allowed"),
            (Verbs.Everything, ["lobby"], "404 no_such_room"),
        })
        {
            using DataCalls limited = new(broker, await broker.TokenAsync(talk.Mod.Account, rooms, verbs));
            Assert.Equal(expected, await limited.AnswerAsync(HttpMethod.Get, "?topic=t"));
            Assert.Equal(expected.Replace("200", "204", StringComparison.Ordinal), await limited.AnswerAsync(HttpMethod.Put, "?topic=t", "1"));
        }

        var stranger = await MessageTalk.MayAllAsync(broker, "stranger");
        using DataCalls strangers = new(broker, stranger.Token);
        Assert.Equal("403 not_allowed", await strangers.AnswerAsync(HttpMethod.Get, "?topic=t"));
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private" })).Refusal);
        Assert.Equal("404 no_such_room", await strangers.AnswerAsync(HttpMethod.Get, "?topic=t"));
        Assert.Equal("404 no_such_room", await strangers.AnswerAsync(HttpMethod.Put, "?topic=t", "2"));

        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Data = new("moderators", "members") })).Refusal);
        Assert.Equal("403 not_allowed", await beas.AnswerAsync(HttpMethod.Get, "?topic=t"));
        Assert.Equal("204", await beas.AnswerAsync(HttpMethod.Put, "?topic=t", "of bea"));
        Assert.Equal("of bea", await mods.FindAsync("t"));
        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("yard"), talk.Bea.Account, by: talk.Mod.Account);
        Assert.Equal("404 no_such_room", await beas.AnswerAsync(HttpMethod.Put, "?topic=t", "2"));
    }

    [Fact]
    public async Task Attack_24_A_publish_whose_body_ends_when_its_author_is_off_the_list_is_refused()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Data = new(null, "members") })).Refusal);
        using DataCalls beas = new(broker, talk.Bea.Token), mods = new(broker, talk.Mod.Token);
        Assert.Equal("204", await beas.AnswerAsync(HttpMethod.Put, "?topic=t", "1"));
        TaskCompletionSource goOn = new();
        using HttpClient http = new() { BaseAddress = broker.Http };
        http.DefaultRequestHeaders.Authorization = new("Bearer", talk.Bea.Token);
        using HaltedBody body = new(goOn.Task);

        var putting = http.PutAsync(new Uri("/api/rooms/yard/data?topic=t", UriKind.Relative), body, TestContext.Current.CancellationToken);
        using (PeriodicTimer again = new(TimeSpan.FromMilliseconds(10)))
        {
            while (broker.Get<TrafficMemory>().Held.Now == 0)
            {
                await again.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            }
        }

        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("yard"), talk.Bea.Account, by: talk.Mod.Account);
        goOn.SetResult();
        using var answer = await putting;

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal("1", await mods.FindAsync("t"));
    }

    [Fact]
    public async Task A_list_is_in_the_order_of_topics_page_by_page_and_has_text_as_text_and_other_bytes_in_base64()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Mod.Token);
        string[] topics = ["b/1", "a", "b/2", "b", "b/10/x", "c//", "bb/1"];
        foreach (var topic in topics)
        {
            Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync(topic, "value of " + topic, "text/plain"));
        }

        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("z", [0xFF, 0xFE], more: "&qos=2&expiry=60"));

        List<string> all = [];
        for (var (page, more) = (await calls.ListAsync("?limit=3"), true); more; page = more ? await calls.ListAsync($"?limit=3&cursor={Uri.EscapeDataString(all[^1])}") : page)
        {
            all.AddRange(TopicsOf(page));
            more = page.TryGetProperty("next", out var next);
            Assert.True(!more || next.GetString() == all[^1]);
        }

        Assert.Equal(topics.Append("z").Order(StringComparer.Ordinal), all);
        Assert.Equal(["b/1", "b/10/x", "b/2"], TopicsOf(await calls.ListAsync("?prefix=b/")));
        Assert.Equal(["b/1", "b/10/x"], TopicsOf(await calls.ListAsync("?prefix=b/1")));
        Assert.Equal(["b", "b/1", "b/10/x", "b/2", "bb/1"], TopicsOf(await calls.ListAsync("?prefix=b")));
        Assert.Empty(TopicsOf(await calls.ListAsync("?prefix=nothing")));
        var listed = (await calls.ListAsync()).GetProperty("values").EnumerateArray().ToArray();
        var (first, last) = (listed[0], listed[^1]);
        Assert.Equal(("value of a", 10, 1, "text/plain"), (
            first.GetProperty("value").GetString(), first.GetProperty("bytes").GetInt32(), first.GetProperty("qos").GetInt32(),
            first.GetProperty("contentType").GetString()));
        Assert.Equal(("base64", "//4=", 2), (
            last.GetProperty("encoding").GetString(), last.GetProperty("value").GetString(), last.GetProperty("qos").GetInt32()));
        Assert.True(last.GetProperty("expiresAt").GetDateTimeOffset() > last.GetProperty("at").GetDateTimeOffset());
    }

    [Fact]
    public async Task Attack_68_A_page_of_large_values_has_a_bound_and_one_value_at_least()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Mod.Token);
        foreach (var topic in new[] { "a", "b", "c", "d" })
        {
            Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync(topic, new string('x', topic == "d" ? 1 << 20 : 400_000)));
        }

        var page = await calls.ListAsync();
        Assert.Equal(["a", "b"], TopicsOf(page));
        page = await calls.ListAsync("?cursor=" + page.GetProperty("next").GetString());
        Assert.Equal(["c"], TopicsOf(page));
        page = await calls.ListAsync("?cursor=" + page.GetProperty("next").GetString());
        Assert.Equal(["d"], TopicsOf(page));
        Assert.False(page.TryGetProperty("next", out _));
    }

    [Theory]
    [InlineData("PUT", "", "topic")]
    [InlineData("PUT", "?topic=", "topic")]
    [InlineData("PUT", "?topic=a%2F%23", "topic")]
    [InlineData("PUT", "?topic=a%2F%2B", "topic")]
    [InlineData("DELETE", "?topic=%2B", "topic")]
    [InlineData("GET", "?topic=%00", "topic")]
    [InlineData("PUT", "?topic=a&qos=3", "qos")]
    [InlineData("PUT", "?topic=a&retain=yes", "retain")]
    [InlineData("PUT", "?topic=a&expiry=0", "expiry")]
    [InlineData("PUT", "?topic=a&expiry=-1", "expiry")]
    [InlineData("GET", "?limit=501", "limit")]
    [InlineData("GET", "?cursor=%23", "cursor")]
    [InlineData("GET", "?prefix=a%2F%23", "prefix")]
    public async Task Attack_12_What_is_no_topic_or_number_is_refused_with_the_field(string method, string query, string field)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using var calls = Calls.As(broker, talk.Mod);
        await calls.Expect(HttpStatusCode.OK, HttpMethod.Get, "/api/rooms/yard/data");

        var problem = await calls.Expect(HttpStatusCode.BadRequest, new HttpMethod(method), "/api/rooms/yard/data" + query);

        Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _), $"{problem}");
    }

    [Theory]
    [InlineData("text/html", "text/html", true)]
    [InlineData("image/svg+xml", "image/svg+xml", true)]
    [InlineData("application/xhtml+xml", "application/xhtml+xml", true)]
    [InlineData("text/javascript", "application/octet-stream", true)]
    [InlineData("APPLICATION/JavaScript; charset=utf-8", "application/octet-stream", true)]
    [InlineData("text/css", "application/octet-stream", true)]
    [InlineData("no type at all", "application/octet-stream", true)]
    [InlineData("application/json", "application/json", false)]
    [InlineData("text/plain; charset=utf-8", "text/plain; charset=utf-8", false)]
    [InlineData(null, "text/plain; charset=utf-8", false)]
    [InlineData("application/x-www-form-urlencoded", "text/plain; charset=utf-8", false)]
    public async Task Attack_53_A_value_that_a_browser_would_run_is_a_download_in_a_sandbox_and_none_is_a_script_or_style(
        string? said, string expected, bool isDownload)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Mod.Token);
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("page", "<script>alert(1)</script>", said));

        using var answer = await calls.GetAsync("page");

        Assert.Equal(expected, answer.Content.Headers.ContentType?.ToString(), ignoreCase: true);
        Assert.Equal(isDownload ? "attachment" : null, answer.Content.Headers.ContentDisposition?.DispositionType);
        Assert.Equal("default-src 'none'; sandbox", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")));
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.True(answer.Headers.CacheControl!.NoStore);
    }

    [Fact]
    public async Task What_is_too_large_too_much_or_too_fast_is_refused()
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:DataPayloadBytes", "2048", "--WebMessenger:Limits:RetainedPerRoom", "2");
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Mod.Token);
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("a", new string('x', 2048)));
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("b", "x"));

        Assert.Equal("413 too_large", await calls.AnswerAsync(HttpMethod.Put, "?topic=a", new string('x', 2049)));
        Assert.Equal("409 data_full", await calls.AnswerAsync(HttpMethod.Put, "?topic=c", "x"));
        Assert.Null(await calls.FindAsync("c"));
        Assert.Equal("204", await calls.AnswerAsync(HttpMethod.Put, "?topic=c&retain=false", "x"));
        Assert.Equal("204", await calls.AnswerAsync(HttpMethod.Delete, "?topic=b"));
        Assert.Equal("204", await calls.AnswerAsync(HttpMethod.Put, "?topic=c", "x"));
    }

    [Fact]
    public async Task Attack_65_Publishes_over_HTTP_are_counted_with_those_of_the_account_and_with_those_of_the_room()
    {
        await using (var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:PublishPerSecond", "1", "--WebMessenger:Limits:PublishBurst", "3"))
        {
            await FillAsync(broker, 3);
        }

        await using (var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:DataPublishPerSecond", "1", "--WebMessenger:Limits:DataPublishBurst", "4"))
        {
            await FillAsync(broker, 4);
        }

        static async Task FillAsync(RunningBroker broker, int burst)
        {
            var talk = await MessageTalk.InYardAsync(broker);
            using DataCalls calls = new(broker, talk.Mod.Token);
            var answers = await Task.WhenAll(Enumerable.Range(0, burst * 10).Select(_ => calls.PutForAnswerAsync("t", [1])));
            Assert.InRange(answers.Count(answer => answer.Status == HttpStatusCode.NoContent), burst, burst * 10 - 1);
            Assert.All(
                answers.Where(answer => answer.Status != HttpStatusCode.NoContent),
                answer => Assert.Equal((HttpStatusCode.TooManyRequests, true), (answer.Status, answer.Headers.RetryAfter is not null)));
        }
    }

    [Fact]
    public async Task Fault_S1_Bodies_that_are_put_together_have_a_bound_all_together_and_give_it_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Mod.Token);
        var held = broker.Get<TrafficMemory>().Held;
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("t", new string('x', 500_000)));
        Assert.Equal(0, held.Now);

        held.Add(held.Bound - 20_000);
        Assert.Equal("503 busy", await calls.AnswerAsync(HttpMethod.Put, "?topic=t", new string('y', 500_000)));
        Assert.Equal(held.Bound - 20_000, held.Now);
        held.Add(-held.Now);
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("t", "z"));
        Assert.Equal(0, held.Now);
    }

    private static List<string> TopicsOf(JsonElement page) =>
        [.. page.GetProperty("values").EnumerateArray().Select(value => value.GetProperty("topic").GetString()!)];

    // A body that halts after its first byte.
    private sealed class HaltedBody(Task goOn) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync("2"u8.ToArray());
            await stream.FlushAsync();
            await goOn;
            await stream.WriteAsync("3"u8.ToArray());
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    private sealed class Listener : IDataMember
    {
        /// <summary>The QoS of what it heard.</summary>
        public List<byte> Heard { get; } = [];

        public ulong PublisherMark => 1;

        public int Unacknowledged => 0;

        public DataMatch Match { get; } = new();

        public bool Hear(DataFrames frames, in DataGrant grant, List<IMember> touched)
        {
            Heard.Add(grant.QualityOfService);
            return true;
        }
    }
}
