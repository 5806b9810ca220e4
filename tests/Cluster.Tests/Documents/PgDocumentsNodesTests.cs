using Npgsql;
using WebMessenger.Cluster.Documents;
using WebMessenger.Cluster.Tests.Postgres;
using WebMessenger.Storage.Documents;
using static WebMessenger.Storage.Documents.DocumentChange;

namespace WebMessenger.Cluster.Tests.Documents;

/// <summary>Documents of two nodes on one database.</summary>
public sealed class PgDocumentsNodesTests : IAsyncLifetime
{
    private TestHouse _house = null!;
    private NpgsqlDataSource _database = null!;
    private PgDocuments _here = null!;
    private PgDocuments _there = null!;

    public async ValueTask InitializeAsync()
    {
        _house = await TestHouse.CreateAsync();
        _database = NpgsqlDataSource.Create(_house.Connection);
        var (here, there) = (_house.Open("here"), _house.Open("there"));
        _here = new PgDocuments(_database, here.Log.CommitAsync, here.Log.Replication);
        _there = new PgDocuments(_database, there.Log.CommitAsync, there.Log.Replication);
        await here.Log.Replication.BeginAsync();
        await there.Log.Replication.BeginAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_house is not null)
        {
            await _house.DisposeAsync();
            await _database.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_one_node_changes_followers_at_the_other_hear_in_the_same_order()
    {
        using var here = _here.Follow();
        using var there = _there.Follow();
        for (var i = 0; i < 20; i++)
        {
            Assert.True((await (i % 2 == 0 ? _here : _there).CommitAsync([new Put("rooms", $"{i}", 0, "{}"u8.ToArray()), new Claim("look", $"{i}", "x")])).IsDone);
        }

        Assert.True((await _there.CommitAsync([new Delete("rooms", "0", 1), new Put("accounts", "ana", 0, "{}"u8.ToArray())])).IsDone);

        var expected = Enumerable.Range(0, 20).Select(i => new DocumentChanged("rooms", $"{i}", 1)).Concat([new("rooms", "0", 0), new("accounts", "ana", 1)]).ToList();
        Assert.Equal(expected, await HeardAsync(here, expected.Count));
        Assert.Equal(expected, await HeardAsync(there, expected.Count));
    }

    [Fact]
    public async Task Of_two_nodes_that_put_one_version_or_claim_one_value_at_once_one_gets_it()
    {
        for (var round = 0; round < 50; round++)
        {
            var commits = await Task.WhenAll(new[] { _here, _there }.Select((documents, node) => documents.CommitAsync(
                [new Put("rooms", $"{round}", 0, "{}"u8.ToArray()), new Claim("look", $"{round}", $"node {node}")])));

            Assert.Single(commits, outcome => outcome.IsDone);
            Assert.Equal(commits[0].IsDone ? "node 0" : "node 1", await _here.OwnerAsync("look", $"{round}"));
            Assert.Equal(1, (await _there.GetAsync("rooms", $"{round}"))!.Version);
        }
    }

    private static async Task<List<DocumentChanged>> HeardAsync(DocumentFollower follower, int count)
    {
        List<DocumentChanged> heard = [];
        while (heard.Count < count)
        {
            heard.AddRange(await follower.NextAsync(TestContext.Current.CancellationToken));
        }

        return heard;
    }
}
