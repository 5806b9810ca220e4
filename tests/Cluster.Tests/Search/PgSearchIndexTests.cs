using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Search;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Search;
using WebMessenger.Storage.Tests.Search;

namespace WebMessenger.Cluster.Tests.Search;

/// <summary>The contract, by PostgreSQL: in place of a folder a database.</summary>
public sealed class PgSearchIndexTests : SearchIndexContract, IAsyncLifetime
{
    private readonly Dictionary<string, NpgsqlDataSource> _databases = [];

    // What was removed leaves the files when the database cleans them.
    private protected override bool IsCleaned => false;

    private NpgsqlDataSource Database => _databases[Folder];

    public async ValueTask InitializeAsync() => await AddAsync(Folder);

    public async ValueTask DisposeAsync()
    {
        Dispose();
        foreach (var database in _databases.Values)
        {
            await database.DisposeAsync();
        }
    }

    [Fact]
    public void A_word_that_is_longer_than_the_database_takes_is_found_by_its_beginning()
    {
        var word = new string('é', 5_000);
        Apply(Said(1, word + " um"), Said(2, new string('e', 400)));

        Assert.Equal([1], Found(word));
        Assert.Equal([1], Found(word[..2_000]));
        Assert.Equal([1, 2], Found(new SearchWord("eee", IsPrefix: true)));
    }

    [Fact]
    public void Nodes_that_only_ask_find_what_another_has_put_and_where_it_begins_anew()
    {
        using var other = PgSearchIndex.Open(Database, NullLogger.Instance);
        Apply(Said(1, "um"));
        Assert.Equal(Index.Place, other.Place);
        Assert.Single(other.Find(new SearchQuestion([new SearchWord("um")], _ => true, 10), CancellationToken.None).Stretches);

        var told = 0;
        other.Lost += () => told++;
        Index.Clear();

        Assert.False(other.Clean(ofTables: true, out _));
        Assert.Equal(0, told);
        Assert.Equal(Index.Place, other.Place);
        Assert.Empty(other.Find(new SearchQuestion([new SearchWord("um")], _ => true, 10), CancellationToken.None).Stretches);
    }

    [Fact]
    public void A_database_that_may_have_no_extension_finds_all_the_same()
    {
        Index.Clear();
        Execute("DROP EXTENSION btree_gin CASCADE");
        Execute("DROP INDEX IF EXISTS search_entries_words; CREATE INDEX search_entries_words ON search_entries USING gin (words)");
        Index.Clear();
        Apply(Said(1, "um"), Said(2, "dois"), Said(1, "um", Attic));

        Assert.Equal([1, 1], Found("um"));
        Assert.Equal([2], Seqs(Index.Find(new SearchQuestion([new SearchWord("dois")], _ => true, 10, Within: Yard), CancellationToken.None)));
    }

    [Fact]
    public async Task A_database_that_is_not_there_is_told_in_one_line()
    {
        await using var nowhere = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Timeout=2;Username=nobody");

        var error = Assert.Throws<StoreUnavailableException>(() => PgSearchIndex.Open(nowhere, NullLogger.Instance));

        Assert.StartsWith("The database is not available", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    private protected override ISearchIndex Open(string folder)
    {
        if (!_databases.ContainsKey(folder))
        {
            AddAsync(folder).GetAwaiter().GetResult();
        }

        return PgSearchIndex.Open(_databases[folder], NullLogger.Instance);
    }

    private protected override void TakeAway() => Execute("DROP TABLE search_entries, search_state");

    // As a backup that leaves out what is derived would have them: all that anybody can read there.
    private protected override string InFiles()
    {
        using var command = Database.CreateCommand("SELECT coalesce(string_agg(words::text, ' '), '') FROM search_entries");
        return (string)command.ExecuteScalar()!;
    }

    private async Task AddAsync(string folder)
    {
        var database = await TestDatabase.CreateAsync();
        await Schema.MigrateAsync(database);
        _databases[folder] = database;
    }

    private void Execute(string sql)
    {
        using var command = Database.CreateCommand(sql);
        command.ExecuteNonQuery();
    }
}
