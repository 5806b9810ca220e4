using LiteDB;
using LiteDB.Engine;

namespace WebMessenger.Auth.Storage;

/// <summary>LiteDB's engine, allowing changes only inside the one transaction that is under way, and none once LiteDB has undone it.</summary>
/// <remarks>
/// LiteDB 5.0.20 rolls the whole transaction back when one operation in it fails. Who catches that and goes on would have each further change committed by itself.
/// </remarks>
internal sealed class GuardedEngine(LiteEngine engine) : ILiteEngine
{
    private bool _inTransaction;

    /// <summary>Runs <paramref name="body"/> as one transaction. Whatever it throws, nothing of it remains.</summary>
    public void Transact(Action body)
    {
        engine.BeginTrans();
        _inTransaction = true;
        try
        {
            body();
            if (!_inTransaction)
            {
                throw Undone();
            }
            engine.Commit();
        }
        catch
        {
            // Says whether there was anything to roll back, or throws where the engine is closed: whoever gets the exception asks IsClosed.
            IsClosed();
            throw;
        }
        finally
        {
            _inTransaction = false;
        }
    }

    /// <summary>LiteDB closes its engine for good at the first I/O error. Rolls back what is under way.</summary>
    public bool IsClosed()
    {
        try
        {
            engine.Rollback();
            return false;
        }
        catch (Exception)
        {
            return true;
        }
    }

    public IBsonDataReader Query(string collection, Query query) => query.Into is null ? engine.Query(collection, query) : Change(() => engine.Query(collection, query));

    public int Insert(string collection, IEnumerable<BsonDocument> docs, BsonAutoId autoId) => Change(() => engine.Insert(collection, docs, autoId));

    public int Update(string collection, IEnumerable<BsonDocument> docs) => Change(() => engine.Update(collection, docs));

    public int UpdateMany(string collection, BsonExpression transform, BsonExpression predicate) => Change(() => engine.UpdateMany(collection, transform, predicate));

    public int Upsert(string collection, IEnumerable<BsonDocument> docs, BsonAutoId autoId) => Change(() => engine.Upsert(collection, docs, autoId));

    public int Delete(string collection, IEnumerable<BsonValue> ids) => Change(() => engine.Delete(collection, ids));

    public int DeleteMany(string collection, BsonExpression predicate) => Change(() => engine.DeleteMany(collection, predicate));

    public bool DropCollection(string name) => Change(() => engine.DropCollection(name));

    public bool RenameCollection(string name, string newName) => Change(() => engine.RenameCollection(name, newName));

    public bool EnsureIndex(string collection, string name, BsonExpression expression, bool unique) => Change(() => engine.EnsureIndex(collection, name, expression, unique));

    public bool DropIndex(string collection, string name) => Change(() => engine.DropIndex(collection, name));

    public BsonValue Pragma(string name) => engine.Pragma(name);

    public bool Pragma(string name, BsonValue value) => throw Reserved();

    public int Checkpoint() => throw Reserved();

    public long Rebuild(RebuildOptions options) => throw Reserved();

    public bool BeginTrans() => throw Reserved();

    public bool Commit() => throw Reserved();

    public bool Rollback() => throw Reserved();

    public void Dispose()
    {
    }

    private static InvalidOperationException Reserved() => new("The document store decides about transactions, checkpoints and pragmas.");

    private static InvalidOperationException Undone() =>
        new("An operation failed and LiteDB undid the whole transaction: look first whether a change is possible, rather than catch its exception.");

    private T Change<T>(Func<T> change)
    {
        if (!_inTransaction)
        {
            throw new InvalidOperationException("A change outside WriteAsync, or after another one in it has failed.");
        }
        try
        {
            return change();
        }
        catch
        {
            _inTransaction = false;
            throw;
        }
    }
}
