using LiteDB;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

public sealed class DocumentStoreTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_was_written_is_there_after_reopening()
    {
        var at = new DateTime(2026, 11, 22, 23, 0, 0, 123, DateTimeKind.Utc);
        await using (var store = _folder.Open())
        {
            await store.WriteAsync(database => database.GetCollection("people").Insert(new BsonDocument { ["_id"] = "a", ["at"] = at }));
        }
        await using var again = _folder.Open();
        var found = await again.ReadAsync(database => database.GetCollection("people").FindById("a"));
        Assert.Equal(at, found["at"].AsDateTime);
        Assert.Equal(DateTimeKind.Utc, found["at"].AsDateTime.Kind);
    }

    [Fact]
    public async Task A_write_that_throws_leaves_nothing_and_its_neighbours_stay()
    {
        await using var store = _folder.Open();
        var before = Insert(store, 1);
        var failing = store.WriteAsync(database =>
        {
            for (var id = 100; id < 200; id++)
            {
                database.GetCollection("numbers").Insert(new BsonDocument { ["_id"] = id, ["body"] = new string('x', 5_000) });
            }
            throw new InvalidDataException("my own");
        });
        var after = Insert(store, 2);
        await before;
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => failing);
        Assert.Equal("my own", error.Message);
        await after;
        Assert.Equal([1, 2], await NumbersAsync(store));
    }

    [Fact]
    public async Task A_duplicate_key_undoes_the_whole_write_even_when_its_exception_is_caught_inside()
    {
        await using var store = _folder.Open();
        await Insert(store, 1);
        var error = await Assert.ThrowsAsync<LiteException>(() => store.WriteAsync(database =>
        {
            Numbers(database).Insert(Number(2));
            Numbers(database).Insert(Number(1));
        }));
        Assert.Equal(LiteException.INDEX_DUPLICATE_KEY, error.ErrorCode);
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.WriteAsync(database =>
        {
            Numbers(database).Insert(Number(3));
            Assert.Throws<LiteException>(() => Numbers(database).Insert(Number(1)));
        }));
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.WriteAsync(database =>
        {
            Assert.Throws<LiteException>(() => Numbers(database).Insert(Number(1)));
            Numbers(database).Insert(Number(4));
        }));
        Assert.Equal([1], await NumbersAsync(store));
        await Insert(store, 5);
        Assert.Equal([1, 5], await NumbersAsync(store));
    }

    [Fact]
    public async Task A_read_cannot_change_anything_and_a_caller_decides_about_no_transaction()
    {
        await using var store = _folder.Open();
        await Insert(store, 1);
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.ReadAsync(database => Numbers(database).Insert(Number(2))));
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.ReadAsync(database => database.Execute("SELECT $ INTO copies FROM numbers").ToList()));
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.WriteAsync(database =>
        {
            Numbers(database).Insert(Number(3));
            database.Commit();
        }));
        Assert.Equal([1], await NumbersAsync(store));
        Assert.Equal(["numbers"], await store.ReadAsync(database => database.GetCollectionNames().ToList()));
    }

    [Fact]
    public async Task Calls_run_in_the_order_in_which_they_were_made()
    {
        await using var store = _folder.Open();
        List<int> order = [];
        var calls = Enumerable.Range(0, 600)
            .Select(number => number % 3 == 0 ? store.ReadAsync(_ => { order.Add(number); return 0; }) : store.WriteAsync(_ => { order.Add(number); return 0; }))
            .ToList();
        await Task.WhenAll(calls);
        Assert.Equal(Enumerable.Range(0, 600), order);
    }

    [Fact]
    public async Task Many_callers_lose_nothing_and_meet_on_one_thread()
    {
        HashSet<int> threads = [];
        await using (var store = _folder.Open())
        {
            await Parallel.ForEachAsync(Enumerable.Range(0, 2_000), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (number, _) =>
            {
                await store.WriteAsync(database =>
                {
                    threads.Add(Environment.CurrentManagedThreadId);
                    Assert.Null(SynchronizationContext.Current);
                    var counter = database.GetCollection("counter").FindById(1)?["value"].AsInt32 ?? 0;
                    database.GetCollection("counter").Upsert(new BsonDocument { ["_id"] = 1, ["value"] = counter + 1 });
                    Numbers(database).Insert(Number(number));
                });
                Assert.True(await store.ReadAsync(database => threads.Add(Environment.CurrentManagedThreadId) || Numbers(database).FindById(number) is not null));
            });
        }
        await using var again = _folder.Open();
        Assert.Single(threads);
        Assert.Equal(Enumerable.Range(0, 2_000), await NumbersAsync(again));
        Assert.Equal(2_000, await again.ReadAsync(database => database.GetCollection("counter").FindById(1)["value"].AsInt32));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_callers_continuation_never_runs_on_the_stores_thread(bool fails)
    {
        await using var store = _folder.Open();
        using ManualResetEventSlim go = new();
        var storeThread = 0;
        var write = store.WriteAsync(_ =>
        {
            storeThread = Environment.CurrentManagedThreadId;
            go.Wait();
            return fails ? throw new InvalidDataException() : 0;
        });
        var continuation = write.ContinueWith(_ => Environment.CurrentManagedThreadId, TestContext.Current.CancellationToken, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        go.Set();
        Assert.NotEqual(storeThread, await continuation);
    }

    [Fact]
    public async Task Disposal_finishes_what_was_asked_for_and_refuses_what_comes_after()
    {
        var store = _folder.Open();
        using ManualResetEventSlim go = new();
        var first = store.WriteAsync(_ => go.Wait());
        var waiting = Enumerable.Range(0, 300).Select(number => Insert(store, number)).ToList();
        var closed = store.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => { _ = Insert(store, 1_000); });
        Assert.False(closed.IsCompleted);
        go.Set();
        await closed;
        Assert.True(first.IsCompletedSuccessfully);
        Assert.All(waiting, write => Assert.True(write.IsCompletedSuccessfully));
        await store.DisposeAsync();
        Assert.Equal(0, new FileInfo(_folder.LogFile).Length);

        await using var again = _folder.Open();
        Assert.Equal(Enumerable.Range(0, 300), await NumbersAsync(again));
    }

    [Fact]
    public async Task A_call_from_inside_a_call_is_refused_rather_than_waited_for_without_end()
    {
        await using var store = _folder.Open();
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.ReadAsync(_ => store.ReadAsync(_ => 1).Result));
    }

    [Fact]
    public async Task A_function_that_goes_on_after_it_has_returned_is_refused()
    {
        await using var store = _folder.Open();
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.WriteAsync(async database =>
        {
            Numbers(database).Insert(Number(1));
            await Task.Yield();
        }));
        Assert.Empty(await NumbersAsync(store));
    }

    [Fact]
    public async Task A_result_that_still_needs_the_database_fails_rather_than_read_beside_the_store()
    {
        await using var store = _folder.Open();
        await Insert(store, 1);
        var lazy = await store.ReadAsync(database => Numbers(database).FindAll());
        Assert.Throws<InvalidOperationException>(() => lazy.Count());
    }

    [Fact]
    public async Task A_cursor_that_a_caller_leaves_open_does_not_stop_the_store()
    {
        await using (var store = DocumentStore.Open(StoreFiles.Open(_folder.DataFile), checkpointAt: 50_000))
        {
            for (var number = 0; number < 50; number++)
            {
                await Insert(store, number);
                Assert.True(await store.ReadAsync(database => Numbers(database).FindAll().GetEnumerator().MoveNext()));
            }
        }
        GC.Collect();
        GC.WaitForPendingFinalizers();
        await using var again = _folder.Open();
        Assert.Equal(Enumerable.Range(0, 50), await NumbersAsync(again));
    }

    [Fact]
    public async Task Alice_and_alice_are_two_keys_and_two_index_entries()
    {
        await using var store = _folder.Open();
        await store.WriteAsync(database =>
        {
            var accounts = database.GetCollection("accounts");
            accounts.EnsureIndex("name", "$.name", unique: true);
            accounts.Insert(new BsonDocument { ["_id"] = "Alice", ["name"] = "Élise" });
            accounts.Insert(new BsonDocument { ["_id"] = "alice", ["name"] = "élise" });
        });
        Assert.Equal("Élise", await store.ReadAsync(database => database.GetCollection("accounts").FindById("Alice")["name"].AsString));
        Assert.Equal("alice", await store.ReadAsync(database => database.GetCollection("accounts").FindOne(Query.EQ("name", "élise"))["_id"].AsString));
    }

    [Fact]
    public async Task Strings_are_kept_as_they_are_by_documents_and_by_the_mapper()
    {
        await using var store = _folder.Open();
        await store.WriteAsync(database =>
        {
            database.GetCollection("documents").Insert(new BsonDocument { ["_id"] = 1, ["padded"] = "  a\n", ["empty"] = "" });
            database.GetCollection<Typed>("typed").Insert(new Typed { Id = 1, Padded = "  a\n", Empty = "" });
        });
        var document = await store.ReadAsync(database => database.GetCollection("documents").FindById(1));
        Assert.Equal("  a\n", document["padded"].AsString);
        Assert.True(document["empty"].IsString);
        Assert.Equal("", document["empty"].AsString);
        var typed = await store.ReadAsync(database => database.GetCollection<Typed>("typed").FindById(1));
        Assert.Equal(("  a\n", ""), (typed.Padded, typed.Empty));
    }

    [Fact]
    public async Task A_transaction_larger_than_the_engines_memory_is_one_transaction_still()
    {
        await using (var store = _folder.Open())
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => store.WriteAsync(database =>
            {
                Large(database, 30_000);
                throw new InvalidDataException();
            }));
            Assert.Equal(0, await store.ReadAsync(database => Numbers(database).Count()));
            await store.WriteAsync(database => Large(database, 30_000));
        }
        Assert.Equal(0, new FileInfo(_folder.LogFile).Length);
        await using var again = _folder.Open();
        Assert.Equal(30_000, await again.ReadAsync(database => Numbers(database).Count()));
    }

    [Fact]
    public async Task Attack_74_The_folder_is_0700_and_the_files_are_0600()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no such modes");
            return;
        }
        await using var store = _folder.Open();
        await Insert(store, 1);
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(Owner, File.GetUnixFileMode(_folder.DataFile));
        Assert.Equal(Owner, File.GetUnixFileMode(_folder.LogFile));
        Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(_folder.DataFile)!));
    }

    [Fact]
    public async Task The_log_goes_into_the_data_file_when_it_has_grown()
    {
        await using var store = _folder.Open();
        for (var number = 0; number < 40; number++)
        {
            await store.WriteAsync(database => Numbers(database).Insert(new BsonDocument { ["_id"] = number, ["body"] = new string('x', 500_000) }));
            Assert.InRange(new FileInfo(_folder.LogFile).Length, 0, 2 * DocumentStore.DefaultCheckpointAt);
        }
        Assert.InRange(new FileInfo(_folder.DataFile).Length, DocumentStore.DefaultCheckpointAt, long.MaxValue);
    }

    private static void Large(ILiteDatabase database, int count) =>
        Numbers(database).Insert(Enumerable.Range(0, count).Select(id => new BsonDocument { ["_id"] = id, ["body"] = new string('x', 2_000) }));

    private static Task Insert(DocumentStore store, int number) => store.WriteAsync(database => { Numbers(database).Insert(Number(number)); });

    private static Task<List<int>> NumbersAsync(DocumentStore store) => store.ReadAsync(database => Numbers(database).FindAll().Select(number => number["_id"].AsInt32).ToList());

    private static ILiteCollection<BsonDocument> Numbers(ILiteDatabase database) => database.GetCollection("numbers");

    private static BsonDocument Number(int number) => new() { ["_id"] = number };

    private sealed class Typed
    {
        public int Id { get; set; }

        public string Padded { get; set; } = "";

        public string Empty { get; set; } = "";
    }
}
