using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Lists of rooms are taken over from the document store once, whatever moment the program ends at.</summary>
public sealed class MembershipStoreTests
{
    [Fact]
    public async Task Lists_are_taken_over_once_and_a_cut_at_any_step_changes_nothing()
    {
        var cuts = 0;
        for (var isDone = false; !isDone; cuts++)
        {
            using TempFolder folder = new();
            await using var documents = DocumentStore.Open(folder.In("rooms.db"));
            await using var log = RocksEventLog.Open(folder.In("log"), null, TimeProvider.System, new LogLines());
            await PutFormerAsync(documents.Documents);
            Steps steps = new() { Left = cuts };
            MembershipStore store = new(new CutRecords(log, steps), NullLogger<MembershipStore>.Instance);
            RoomStore rooms = new(new CutDocuments(documents.Documents, steps));
            try
            {
                await store.OpenAsync(rooms);
                isDone = true;
            }
            catch (IOException)
            {
                // Cut: the next start goes on.
            }

            steps.Left = int.MaxValue;

            for (var start = 0; start < 2; start++)
            {
                var all = (await AllAsync(store, rooms)).OrderBy(one => one.Room + one.Account, StringComparer.Ordinal).ToList();
                Assert.Equal(["cellar/bob", "lobby/ana", "lobby/bob"], all.Select(one => $"{one.Room}/{one.Account}"));
                Assert.All(all, one => Assert.Equal(
                    (MemberRole.Member, true, 0UL), (one.Record.Role, one.Record.IsListed, one.Record.Generation)));
                Assert.Null(all[1].Record.Since);
                Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1_000), all[0].Record.Since);
                Assert.Empty(await documents.Documents.PageAsync("members", null, 10));
                Assert.Equal(2, log.ReadAll("m/bob/"u8).Count);
            }

            // Who has left since is not brought back by anything.
            await store.RemoveAsync(
                "cellar", "bob", new MembershipRecord(MemberRole.Member, true, DateTimeOffset.FromUnixTimeMilliseconds(1_000), null, 0));
            await PutFormerAsync(documents.Documents);
            Assert.Equal(2, (await AllAsync(store, rooms)).Count);
        }

        Assert.True(cuts > 3);
    }

    [Fact]
    public async Task A_place_that_has_changed_since_it_was_read_is_not_overruled()
    {
        using TempFolder folder = new();
        await using var log = RocksEventLog.Open(folder.In("log"), null, TimeProvider.System, new LogLines());
        MembershipStore store = new(log, NullLogger<MembershipStore>.Instance);
        var first = MembershipRecord.Begin(MemberRole.Member, DateTimeOffset.FromUnixTimeMilliseconds(1_000));
        await store.PutAsync("lobby", "ana", null, first);
        await store.PutAsync("lobby", "ana", first, first with { Role = MemberRole.Moderator });

        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => store.RemoveAsync("lobby", "ana", first));

        Assert.True(MembershipRecord.TryRead(log.Find("w/lobby/ana"u8), out var stored));
        Assert.Equal(first with { Role = MemberRole.Moderator }, stored);
    }

    private static async Task<List<StoredMembership>> AllAsync(MembershipStore store, RoomStore former)
    {
        await store.OpenAsync(former);
        return await store.AllAsync(Encoding.ASCII.GetString).ToListAsync(TestContext.Current.CancellationToken);
    }

    private static Task PutFormerAsync(IDocuments documents) => documents.CommitAllAsync(
    [
        new DocumentChange.Put("members", "lobby/ana", null, "{}"u8.ToArray()),
        new DocumentChange.Put("members", "lobby/bob", null, "{}"u8.ToArray()),
        new DocumentChange.Put("members", "cellar/bob", null, Encoding.UTF8.GetBytes("{\"since\":1000}")),
    ]);

    /// <summary>So many writes are made before the program ends.</summary>
    private sealed class Steps
    {
        public int Left { get; set; }

        public void Take()
        {
            if (Left-- <= 0)
            {
                throw new IOException("The program has ended.");
            }
        }
    }

    private sealed class CutRecords(IRecords real, Steps steps) : IRecords
    {
        public Task WriteAsync(IReadOnlyList<RecordChange> changes) => WriteAsync(changes, []);

        public Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions)
        {
            steps.Take();
            return real.WriteAsync(changes, conditions);
        }

        public byte[]? Find(ReadOnlySpan<byte> key) => real.Find(key);

        public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit) =>
            real.ReadPage(prefix, after, limit);

        public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) => real.ReadAll(prefix);
    }

    private sealed class CutDocuments(IDocuments real, Steps steps) : IDocuments
    {
        public Task<Document?> GetAsync(string collection, string id) => real.GetAsync(collection, id);

        public Task<IReadOnlyList<Document>> PageAsync(string collection, string? after, int limit, string prefix = "") =>
            real.PageAsync(collection, after, limit, prefix);

        public Task<string?> OwnerAsync(string scope, string value) => real.OwnerAsync(scope, value);

        public Task<CommitOutcome> CommitAsync(IReadOnlyList<DocumentChange> changes)
        {
            steps.Take();
            return real.CommitAsync(changes);
        }

        public DocumentFollower Follow() => real.Follow();
    }
}
