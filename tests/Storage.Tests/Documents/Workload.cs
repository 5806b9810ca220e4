using System.Collections.Immutable;
using LiteDB;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>Transactions that can be told apart: after each of them the whole content of the store is known.</summary>
internal sealed class Workload
{
    private readonly Random _random;
    private readonly List<ImmutableSortedDictionary<int, string>> _states = [ImmutableSortedDictionary<int, string>.Empty];
    private int _lastId;

    public Workload(int seed) => _random = new Random(seed);

    /// <summary>Writes the next transaction: inserts, changes and removals, and its own number.</summary>
    public Task WriteNextAsync(DocumentStore store)
    {
        var transaction = _states.Count;
        var changes = Changes(_states[^1]);
        _states.Add(changes.Aggregate(_states[^1], (state, change) => change.Body is null ? state.Remove(change.Id) : state.SetItem(change.Id, change.Body)));
        return store.WriteAsync(database => Apply(database, transaction, changes));
    }

    /// <summary>Writes a transaction that fails at its end and leaves nothing.</summary>
    public async Task WriteAndThrowAsync(DocumentStore store)
    {
        var transaction = _states.Count + 1_000_000;
        var changes = Changes(_states[^1]);
        await Assert.ThrowsAsync<InvalidDataException>(() => store.WriteAsync(database =>
        {
            Apply(database, 4 * transaction, changes);
            throw new InvalidDataException();
        }));
    }

    /// <summary>The number of the newest transaction that is there; 0 for none.</summary>
    public static Task<int> NewestAsync(DocumentStore store) => store.ReadAsync(Newest);

    /// <summary>
    /// Reads everything, by key and by index, and says what is wrong with it;
    /// null when it is the state after exactly one of the transactions from the given one on.
    /// </summary>
    public async Task<string?> WrongAsync(DocumentStore store, int acknowledged)
    {
        var (transaction, byId, byIndex) = await store.ReadAsync(database =>
        {
            var documents = database.GetCollection("documents");
            return (Newest(database),
                documents.FindAll().ToDictionary(document => document["_id"].AsInt32, document => document["body"].AsString),
                documents.Find(Query.All("rank")).Select(document => document["_id"].AsInt32).ToList());
        });
        if (transaction < acknowledged)
        {
            return $"lost: {acknowledged} was acknowledged, {transaction} is there";
        }
        if (transaction >= _states.Count)
        {
            return $"there is transaction {transaction}, which was undone or never written";
        }
        var expected = _states[transaction];
        if (byId.Count != expected.Count || expected.Any(entry => byId.GetValueOrDefault(entry.Key) != entry.Value))
        {
            return $"transaction {transaction} is there in part";
        }
        return byIndex.SequenceEqual(expected.Keys.Reverse()) ? null : "index and documents disagree";
    }

    private static int Newest(ILiteDatabase database) => database.GetCollection("counter").FindById(1)?["transaction"].AsInt32 ?? 0;

    private static void Apply(ILiteDatabase database, int transaction, List<(int Id, string? Body)> changes)
    {
        var documents = database.GetCollection("documents");
        documents.EnsureIndex("rank", "$.rank");
        foreach (var (id, body) in changes)
        {
            if (body is null)
            {
                documents.Delete(id);
            }
            else
            {
                documents.Upsert(new BsonDocument { ["_id"] = id, ["rank"] = -id, ["body"] = body });
            }
        }
        if (transaction % 4 == 0)
        {
            // The header lists the collections: it grows over many sectors, and a torn one would not be read.
            database.GetCollection($"collection_{transaction}").Insert(new BsonDocument { ["_id"] = 1 });
        }
        database.GetCollection("counter").Upsert(new BsonDocument { ["_id"] = 1, ["transaction"] = transaction });
    }

    private List<(int Id, string? Body)> Changes(ImmutableSortedDictionary<int, string> state) =>
        Enumerable.Range(0, _random.Next(1, 8)).Select(_ => Change(state)).DistinctBy(change => change.Id).ToList();

    private (int Id, string? Body) Change(ImmutableSortedDictionary<int, string> state)
    {
        var dice = _random.Next(10);
        if (state.Count == 0 || dice < 6)
        {
            return (++_lastId, Body());
        }
        var id = state.Keys.ElementAt(_random.Next(state.Count));
        return (id, dice < 8 ? Body() : null);
    }

    private string Body() => new((char)('a' + _random.Next(26)), _random.Next(20) == 0 ? _random.Next(3_000, 30_000) : _random.Next(1, 300));
}
