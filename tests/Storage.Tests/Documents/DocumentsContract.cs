using System.Text;
using System.Text.Json;
using WebMessenger.Storage.Documents;
using static WebMessenger.Storage.Documents.DocumentChange;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>What every <see cref="IDocuments"/> does; one subclass for each implementation.</summary>
public abstract class DocumentsContract : IAsyncLifetime
{
    private IDocuments Documents { get; set; } = null!;

    protected abstract Task<IDocuments> OpenAsync();

    protected abstract Task CloseAsync();

    /// <summary>After the last closing: removes what was stored.</summary>
    protected abstract void Clean();

    /// <summary>Whether what is written reaches the disk.</summary>
    protected abstract void SetDisk(bool works);

    public async ValueTask InitializeAsync() => Documents = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        Clean();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_was_put_is_there_after_reopening_as_equal_json()
    {
        const string Json = """{"name":"Élise 🦊 \"x\" \\ \u202e","n":9007199254740993,"f":0.1,"none":null,"of":[1,{"a":true}],"":""}""";
        await CommitAsync(Put("rooms", "lobby", 0, Json));
        await CloseAsync();
        Documents = await OpenAsync();

        var found = (await Documents.GetAsync("rooms", "lobby"))!;
        Assert.Equal(("lobby", 1L), (found.Id, found.Version));
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(Json), JsonElement.Parse(found.Json.Span)));
        Assert.Null(await Documents.GetAsync("rooms", "Lobby"));
        Assert.Null(await Documents.GetAsync("others", "lobby"));
    }

    [Fact]
    public async Task A_put_takes_the_version_that_is_there_and_no_other()
    {
        Assert.Equal(["rooms/lobby is 0"], await CommitAsync(Put("rooms", "lobby", 1, "{}")));
        Assert.Empty(await CommitAsync(Put("rooms", "lobby", 0, "{}")));
        Assert.Equal(["rooms/lobby is 1"], await CommitAsync(Put("rooms", "lobby", 0, "{}")));
        Assert.Equal(["rooms/lobby is 1"], await CommitAsync(Put("rooms", "lobby", 2, "{}")));
        Assert.Empty(await CommitAsync(Put("rooms", "lobby", 1, """{"a":1}""")));
        Assert.Equal(2, (await Documents.GetAsync("rooms", "lobby"))!.Version);

        Assert.Empty(await CommitAsync(Put("rooms", "lobby", null, """{"a":2}""")));
        Assert.Empty(await CommitAsync(Put("rooms", "yard", null, "{}")));
        Assert.Equal(["lobby 3", "yard 1"], await IdsAsync("rooms"));
    }

    [Fact]
    public async Task A_deletion_takes_the_version_that_is_there_and_no_other()
    {
        await CommitAsync(Put("rooms", "lobby", 0, "{}"), Put("rooms", "yard", 0, "{}"));
        Assert.Equal(["rooms/lobby is 1"], await CommitAsync(new Delete("rooms", "lobby", 2)));
        Assert.Equal(["rooms/lobby is 1"], await CommitAsync(new Delete("rooms", "lobby", 0)));
        Assert.Empty(await CommitAsync(new Delete("rooms", "lobby", 1)));
        Assert.Equal(["rooms/lobby is 0"], await CommitAsync(new Delete("rooms", "lobby", 1)));
        Assert.Empty(await CommitAsync(new Delete("rooms", "lobby", 0)));
        Assert.Empty(await CommitAsync(new Delete("rooms", "lobby", null), new Delete("rooms", "yard", null)));
        Assert.Empty(await IdsAsync("rooms"));
        Assert.Empty(await CommitAsync(Put("rooms", "lobby", 0, "{}")));
        Assert.Equal(["lobby 1"], await IdsAsync("rooms"));
    }

    [Fact]
    public async Task A_commit_with_a_conflict_changes_nothing_and_names_all_of_them()
    {
        await CommitAsync(Put("rooms", "lobby", 0, "{}"), new Claim("email", "ana@example.org", "ana"));

        Assert.Equal(
            ["rooms/lobby is 1", "email/ana@example.org is ana's", "rooms/den is 0"],
            await CommitAsync(
                Put("rooms", "yard", 0, "{}"), Put("rooms", "lobby", 0, "{}"), new Claim("look", "bob", "bob"), new Claim("email", "ana@example.org", "bob"),
                new Delete("rooms", "den", 1)));

        Assert.Equal(["lobby 1"], await IdsAsync("rooms"));
        Assert.Null(await Documents.OwnerAsync("look", "bob"));
    }

    [Fact]
    public async Task A_value_has_one_owner_who_may_claim_it_again_and_give_it_back()
    {
        Assert.Empty(await CommitAsync(new Claim("email", "a", "ana"), new Claim("look", "a", "bob")));
        Assert.Empty(await CommitAsync(new Claim("email", "a", "ana")));
        Assert.Equal(["email/a is ana's"], await CommitAsync(new Claim("email", "a", "bob")));

        await CommitAsync(new GiveBack("email", "a", "bob"), new GiveBack("email", "b", "bob"));
        Assert.Equal("ana", await Documents.OwnerAsync("email", "a"));

        // What one commit gives back, another may claim; and a document goes without its claims.
        Assert.Empty(await CommitAsync(new GiveBack("email", "a", "ana"), new Claim("email", "b", "ana"), Put("accounts", "ana", 0, "{}")));
        Assert.Empty(await CommitAsync(new Claim("email", "a", "bob"), new Delete("accounts", "ana", 1)));
        Assert.Equal("ana", await Documents.OwnerAsync("email", "b"));
        Assert.Equal("bob", await Documents.OwnerAsync("email", "a"));
        Assert.Equal("bob", await Documents.OwnerAsync("look", "a"));
    }

    [Fact]
    public async Task Of_many_who_claim_one_value_or_put_one_version_at_once_one_gets_it()
    {
        await CommitAsync(Put("rooms", "lobby", 0, "{}"));

        var claims = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => CommitAsync(new Claim("look", "bob", "b" + i), Put("accounts", "b" + i, 0, "{}"))));
        var puts = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => CommitAsync(Put("rooms", "lobby", 1, "{}"))));

        Assert.Single(claims, conflicts => conflicts.Count == 0);
        Assert.Single(await IdsAsync("accounts"));
        Assert.Single(puts, conflicts => conflicts.Count == 0);
        Assert.Equal(["lobby 2"], await IdsAsync("rooms"));
    }

    [Fact]
    public async Task Ids_and_claims_are_the_same_if_their_bytes_are()
    {
        // In the order of their bytes. A language takes some of them for one: with a soft hyphen, composed or not.
        string[] ids = ["A", "a", "a b", "a-b", "ab", "a\u00adb", "b", "e\u0301", "é", "\uffff", "🦊"];
        await CommitAsync([.. ids.Reverse().Select(id => Put("rooms", id, 0, "{}"))]);
        await CommitAsync([.. ids.Select(id => new Claim("look", id, "owner of " + id))]);

        Assert.Equal(ids.OrderBy(Encoding.UTF8.GetBytes, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b))).Select(id => id + " 1"), await IdsAsync("rooms"));
        foreach (var id in ids)
        {
            Assert.Equal("owner of " + id, await Documents.OwnerAsync("look", id));
        }
    }

    [Fact]
    public async Task Pages_come_in_order_with_no_gap_and_no_end_before_the_last()
    {
        var ids = Enumerable.Range(0, 25).Select(i => $"{(char)('a' + (i % 3))}/{i:00}").Order(StringComparer.Ordinal).ToList();
        await CommitAsync([.. ids.Select(id => Put("members", id, 0, "{}")), Put("members", "b", 0, "{}"), Put("members", "b0", 0, "{}")]);

        Assert.Equal(ids.Where(id => id.StartsWith("b/", StringComparison.Ordinal)), await PagesAsync("b/", 3));
        Assert.Equal(ids.Concat(["b", "b0"]).Order(StringComparer.Ordinal), await PagesAsync("", 10));
        Assert.Equal(["b0"], (await Documents.PageAsync("members", "b/zz", 1)).Select(document => document.Id));
        Assert.Equal(["b/01"], (await Documents.PageAsync("members", "a", 1, "b/")).Select(document => document.Id));
        Assert.Empty(await Documents.PageAsync("members", "c", 5, "b/"));
        Assert.Empty(await Documents.PageAsync("members", null, 5, "d"));
        Assert.Empty(await Documents.PageAsync("nothing", null, 5));
    }

    [Fact]
    public async Task All_of_a_collection_come_whatever_the_size_of_a_page()
    {
        await Documents.CommitAllAsync(Enumerable.Range(0, DocumentLimits.Page + 1).Select(i => Put("rooms", $"{i:0000}", null, "{}")));

        List<string> ids = [];
        await foreach (var document in Documents.AllAsync("rooms"))
        {
            ids.Add(document.Id);
        }

        Assert.Equal(Enumerable.Range(0, DocumentLimits.Page + 1).Select(i => $"{i:0000}"), ids);
    }

    [Fact]
    public async Task What_is_at_a_limit_is_taken_and_what_is_beyond_is_refused_before_anything_is_written()
    {
        var (id, value) = (new string('é', DocumentLimits.Id / 2), new string('é', DocumentLimits.ClaimedValue / 2));
        Assert.Empty(await CommitAsync(Put(new string('c', 32), id, 0, Body(DocumentLimits.Document)), new Claim("email", value, id)));
        Assert.Equal(id, (await Documents.GetAsync(new string('c', 32), id))!.Id);

        DocumentChange[] forbidden =
        [
            Put("rooms", id + "x", 0, "{}"), Put("rooms", "", 0, "{}"), Put("rooms", "a\0b", 0, "{}"), Put("rooms", "\ud83e", 0, "{}"),
            Put(new string('c', 33), "a", 0, "{}"), Put("Rooms", "a", 0, "{}"), Put("rooms_2", "a", 0, "{}"), Put("", "a", 0, "{}"),
            Put("rooms", "a", 0, Body(DocumentLimits.Document + 1)), Put("rooms", "a", 0, "[]"), Put("rooms", "a", 0, "{"), Put("rooms", "a", 0, ""),
            Put("rooms", "a", 0, """{"a":"\u0000"}"""), Put("rooms", "a", 0, """{"\u0000":1}"""), Put("rooms", "a", 0, "{} {}"), Put("rooms", "a", 0, """{"a":"\ud83e"}"""),
            new Claim("email", value + "x", "a"), new Claim("email", "", "a"), new Claim("email", "a", id + "x"), new GiveBack("e mail", "a", "a"),
        ];
        foreach (var change in forbidden)
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(() => CommitAsync(Put("rooms", "first", 0, "{}"), change));
        }

        await Assert.ThrowsAsync<ArgumentException>(() => CommitAsync());
        await Assert.ThrowsAsync<ArgumentException>(() => CommitAsync(Put("rooms", "a", 0, "{}"), new Delete("rooms", "a", 1)));
        await Assert.ThrowsAsync<ArgumentException>(() => CommitAsync(new Claim("email", "a", "a"), new GiveBack("email", "a", "a")));
        await Assert.ThrowsAsync<ArgumentException>(() => CommitAsync([.. Enumerable.Range(0, DocumentLimits.Changes + 1).Select(i => Put("rooms", $"{i}", 0, "{}"))]));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Documents.PageAsync("rooms", null, 0));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Documents.PageAsync("rooms", null, DocumentLimits.Page + 1));
        Assert.Empty(await IdsAsync("rooms"));
    }

    [Fact]
    public async Task A_follower_hears_what_was_changed_in_the_order_of_the_commits()
    {
        await CommitAsync(Put("rooms", "before", 0, "{}"));
        using var follower = Documents.Follow();
        using var other = Documents.Follow();
        await CommitAsync(Put("rooms", "lobby", 0, "{}"), new Claim("look", "x", "y"), Put("rooms", "yard", 0, "{}"));
        await CommitAsync(Put("rooms", "lobby", 5, "{}"));
        await CommitAsync(Put("rooms", "lobby", 1, "{}"), new Delete("rooms", "yard", 1), new Delete("rooms", "den", null));

        foreach (var one in new[] { follower, other })
        {
            Assert.Equal(["rooms/lobby 1", "rooms/yard 1", "rooms/lobby 2", "rooms/yard 0"], await HeardAsync(one, 4));
        }

        var next = follower.NextAsync(Cancellation);
        other.Dispose();
        await CommitAsync(Put("rooms", "den", 0, "{}"));
        Assert.Equal(["rooms/den 1"], (await next).Select(Text));
        Assert.Empty(await other.NextAsync(Cancellation));
    }

    [Fact]
    public async Task A_follower_that_is_too_far_behind_hears_that_anything_may_have_changed()
    {
        using var follower = Documents.Follow();
        await Documents.CommitAllAsync(Enumerable.Range(0, DocumentFollower.Longest + 1).Select(i => Put("rooms", $"{i}", null, "{}")));
        Assert.Equal([DocumentChanged.All], await follower.NextAsync(Cancellation));

        await CommitAsync(Put("rooms", "after", 0, "{}"));
        Assert.Equal(["rooms/after 1"], await HeardAsync(follower, 1));
    }

    [Fact]
    public async Task A_follower_hears_of_the_end()
    {
        var next = Documents.Follow().NextAsync(Cancellation);
        await CloseAsync();
        Assert.Empty(await next);
        Assert.Empty(await Documents.Follow().NextAsync(Cancellation));
        Documents = await OpenAsync();
    }

    [Fact]
    public async Task A_disk_that_fails_refuses_commits_and_tells_nobody_and_a_follower_hears_of_the_gap()
    {
        using var follower = Documents.Follow();
        await CommitAsync(Put("rooms", "lobby", 0, "{}"), new Claim("look", "lobby", "a"));
        Assert.Equal(["rooms/lobby 1"], await HeardAsync(follower, 1));

        SetDisk(works: false);
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAnyAsync<IOException>(() => CommitAsync(Put("rooms", "yard", null, "{}")));
        }

        var heard = follower.NextAsync(Cancellation);
        SetDisk(works: true);

        // By itself, and whether it was made after all is known by reading.
        Assert.InRange((await Documents.GetAsync("rooms", "yard"))?.Version ?? 0, 0, 3);
        Assert.Equal([DocumentChanged.All], (await heard).Distinct());
        Assert.Empty(await CommitAsync(Put("rooms", "lobby", 1, "{}")));
        Assert.Equal("a", await Documents.OwnerAsync("look", "lobby"));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected static DocumentChange Put(string collection, string id, long? expected, string json) => new Put(collection, id, expected, Encoding.UTF8.GetBytes(json));

    private async Task<IReadOnlyList<string>> CommitAsync(params DocumentChange[] changes)
    {
        var outcome = await Documents.CommitAsync(changes);
        Assert.Equal(outcome.Conflicts.Count == 0, outcome.IsDone);
        return [.. outcome.Conflicts.Select(Text)];
    }

    private async Task<List<string>> IdsAsync(string collection) =>
        [.. (await Documents.PageAsync(collection, null, DocumentLimits.Page)).Select(document => $"{document.Id} {document.Version}")];

    private async Task<List<string>> PagesAsync(string prefix, int limit)
    {
        List<string> all = [];
        IReadOnlyList<Document> page;
        do
        {
            page = await Documents.PageAsync("members", all.LastOrDefault(), limit, prefix);
            all.AddRange(page.Select(document => document.Id));
        }
        while (page.Count == limit);
        return all;
    }

    private static async Task<List<string>> HeardAsync(DocumentFollower follower, int count)
    {
        List<string> heard = [];
        while (heard.Count < count)
        {
            heard.AddRange((await follower.NextAsync(Cancellation)).Select(Text));
        }

        return heard;
    }

    private static string Text(DocumentChanged changed) => $"{changed.Collection}/{changed.Id} {changed.Version}";

    private static string Text(DocumentConflict conflict) => conflict.Change switch
    {
        Put put => $"{put.Collection}/{put.Id} is {conflict.Version}",
        Delete delete => $"{delete.Collection}/{delete.Id} is {conflict.Version}",
        Claim claim => $"{claim.Scope}/{claim.Value} is {conflict.Owner}'s",
        _ => "unexpected",
    };

    private static string Body(int bytes) => "{\"a\":\"" + new string('x', bytes - 8) + "\"}";
}
