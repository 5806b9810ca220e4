using System.IO.Compression;
using System.Text;
using LiteDB;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>A folder that version 0.1 has written, with accounts of all kinds, rooms, a member's list and a token, is opened; at whatever
/// moment that is cut short.</summary>
public sealed class FirstFormatTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_version_0_1_has_written_is_there_as_documents_and_claims()
    {
        Extract();
        List<string> first, second;
        await using (var store = _folder.Open())
        {
            first = await DumpAsync(store);
        }

        await using (var store = _folder.Open())
        {
            second = await DumpAsync(store);
        }

        Assert.Equal(first, second);
        // Four persons and a guest; erin is erased, and so are her names still claimed.
        Assert.Equal(5, first.Count(line => line.StartsWith("doc_accounts/", StringComparison.Ordinal)));
        var ana = Single(first, "\"userName\":\"ana\"");
        Assert.Contains("\"displayName\":\"Ana \\u00C9lise \\uD83E\\uDD8A\"", ana, StringComparison.Ordinal);
        Assert.Contains("\"administrator\":true", ana, StringComparison.Ordinal);
        Assert.Contains("\"looks\":[\"ana\"]", ana, StringComparison.Ordinal);
        var bob = Single(first, "\"userName\":\"bobby-b\"");
        Assert.Equal(2, bob.Split("\"looks\":[")[1].Split(']')[0].Split(',').Length);
        Assert.Contains("\"reason\":\"spam \\uD83E\\uDD8A\"", Single(first, "\"userName\":\"dora\""), StringComparison.Ordinal);
        var (anas, bobs) = (IdOf(ana), IdOf(bob));
        Assert.Equal(
            [
                $"email/ana@example.org = {anas}", $"email/bob@example.org = {bobs}", "email/carl@example.org", "email/dora@example.org", "first/person",
                $"room/den = den", "room/erins = erins", "room/lobby = lobby", "room/yard = yard",
                $"userName/ana = {anas}", $"userName/bob = {bobs}", $"userName/bobby-b = {bobs}", "userName/carl", "userName/dora", "userName/erin",
            ],
            first.Where(line => line.Contains(" = ", StringComparison.Ordinal) && !line.StartsWith("look/", StringComparison.Ordinal))
                .Select(line => line.Contains(anas, StringComparison.Ordinal) || line.Contains(bobs, StringComparison.Ordinal) || line.StartsWith("room/", StringComparison.Ordinal)
                    ? line.StartsWith("first/", StringComparison.Ordinal) ? "first/person" : line
                    : line.Split(" = ")[0]));
        Assert.Equal(6, first.Count(line => line.StartsWith("look/", StringComparison.Ordinal)));
        Assert.Contains(first, line => line.StartsWith("doc_rooms/den 1 ", StringComparison.Ordinal) && line.Contains("\"title\":\"Den \\u0022x\\u0022\"", StringComparison.Ordinal));
        Assert.Contains($"doc_members/den/{bobs} 1 {{}}", first);

        // Only what is not its own is left as it was.
        await using var again = _folder.Open();
        Assert.Equal(
            ["accessTokens", "claims", "doc_accounts", "doc_members", "doc_rooms", "loginSessions"],
            (await again.ReadAsync(database => database.GetCollectionNames().ToList())).Order(StringComparer.Ordinal));
        Assert.Equal(1, await again.ReadAsync(database => database.GetCollection("accessTokens").Count()));
    }

    [Fact]
    public async Task A_cut_at_any_moment_loses_nothing_and_the_next_opening_finishes_it()
    {
        Extract();
        RecordedDisk disk = new([.. OnDisk(0, _folder.DataFile), .. OnDisk(1, _folder.LogFile)]);
        var from = disk.Operations().Count;
        var name = _folder.DataFile + "-recorded";
        List<string> expected;
        await using (var store = DocumentStore.Open(disk.Files with { Path = name }, DocumentStore.DefaultCheckpointAt))
        {
            expected = await DumpAsync(store);
        }

        var seed = Random.Shared.Next();
        var unfinished = 0;
        foreach (var image in PowerCuts.Of(disk.Operations(), 150, seed, from))
        {
            LogLines told = new();
            await using var store = DocumentStore.Open(image.Files with { Path = name }, DocumentStore.DefaultCheckpointAt, logger: told);
            Assert.True(expected.SequenceEqual(await DumpAsync(store)), $"The image at {image.At} of seed {seed} differs.");
            unfinished += told.All.Any(line => line.Contains("documents", StringComparison.Ordinal)) ? 1 : 0;
        }

        Assert.InRange(unfinished, 1, 149);
    }

    [Fact]
    public async Task A_file_that_is_not_as_0_1_wrote_it_is_refused_in_one_line_and_left_as_it_was()
    {
        await using (var store = _folder.Open())
        {
            await store.WriteAsync(database => { database.GetCollection("accounts").Insert(new BsonDocument { ["_id"] = "a", ["kind"] = "person" }); });
        }

        var refused = Assert.Throws<StoreUnavailableException>(() => { _ = _folder.Open(); });
        Assert.Contains("could not be brought into the format", refused.Message, StringComparison.Ordinal);
        Assert.Throws<StoreUnavailableException>(() => { _ = _folder.Open(); });
    }

    [Fact]
    public async Task A_file_that_0_1_has_written_after_this_version_is_refused_in_one_line()
    {
        await using (var store = _folder.Open())
        {
            await store.Documents.CommitAllAsync([new DocumentChange.Put("rooms", "lobby", 0, "{}"u8.ToArray())]);
            await store.WriteAsync(database => { database.GetCollection("rooms").Insert(new BsonDocument { ["_id"] = "lobby" }); });
        }

        Assert.Contains("by version 0.1 after", Assert.Throws<StoreUnavailableException>(() => { _ = _folder.Open(); }).Message, StringComparison.Ordinal);
    }

    private void Extract() => ZipFile.ExtractToDirectory(Path.Combine(AppContext.BaseDirectory, "version-0.1.zip"), Directory.CreateDirectory(Path.GetDirectoryName(_folder.DataFile)!).FullName);

    private static IEnumerable<RecordedDisk.Operation> OnDisk(int file, string path) =>
        [new RecordedDisk.Written(file, 0, File.ReadAllBytes(path)), new RecordedDisk.Synced(file)];

    /// <summary>Every document and claim as a line, in order.</summary>
    private static Task<List<string>> DumpAsync(DocumentStore store) => store.ReadAsync(database => database.GetCollectionNames()
        .Where(name => name.StartsWith(LiteDocuments.Prefix, StringComparison.Ordinal) || name == LiteDocuments.Claims)
        .SelectMany(name => database.GetCollection(name).FindAll().ToList(), (name, found) => found.ContainsKey("owner")
            ? $"{Encoding.UTF8.GetString(found["_id"].AsBinary).Replace('\0', '/')} = {found["owner"].AsString}"
            : $"{name}/{Encoding.UTF8.GetString(found["_id"].AsBinary)} {found["v"].AsInt64} {Encoding.UTF8.GetString(found["j"].AsBinary)}")
        .Order(StringComparer.Ordinal)
        .ToList());

    private static string Single(List<string> lines, string part) => Assert.Single(lines, line => line.Contains(part, StringComparison.Ordinal));

    private static string IdOf(string line) => line.Split(' ')[0]["doc_accounts/".Length..];
}
