using LiteDB;
using LiteDB.Engine;

namespace WebMessenger.Storage.Documents;

/// <summary>
/// LiteDB's engine, allowing queries only while a call runs, and changes only in its transaction, as long as LiteDB has not undone it.
/// </summary>
/// <remarks>
/// LiteDB 5.0.20 rolls the whole transaction back when one operation in it fails.
/// Who catches that and goes on would have each further change committed by itself.
/// </remarks>
internal sealed class GuardedEngine(LiteEngine engine) : ILiteEngine
{
    private readonly List<IBsonDataReader> _readers = [];
    private int _callThread;
    private bool _inTransaction;

    /// <summary>Runs <paramref name="body"/>, in which nothing can be changed.</summary>
    public void Read(Action body)
    {
        _callThread = Environment.CurrentManagedThreadId;
        try
        {
            body();
        }
        finally
        {
            _callThread = 0;
            CloseReaders();
        }
    }

    /// <summary>Runs <paramref name="body"/> as one transaction. Whatever it throws, nothing of it remains.</summary>
    public void Transact(Action body)
    {
        engine.BeginTrans();
        _inTransaction = true;
        try
        {
            Read(body);
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

    public IBsonDataReader Query(string collection, Query query)
    {
        if (_callThread != Environment.CurrentManagedThreadId)
        {
            throw new InvalidOperationException("A query after the call in which it was made has ended: materialise its result with ToList.");
        }
        var reader = query.Into is null ? engine.Query(collection, query) : Change(() => engine.Query(collection, query));
        _readers.Add(reader);
        return reader;
    }

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

    /// <summary>A cursor left open blocks the next checkpoint, and has a finalizer that throws, which ends the process.</summary>
    private void CloseReaders()
    {
        try
        {
            _readers.ForEach(reader => reader.Dispose());
        }
        finally
        {
            _readers.Clear();
        }
    }

    private T Change<T>(Func<T> change)
    {
        if (!_inTransaction || _callThread != Environment.CurrentManagedThreadId)
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
