using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.Search;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Storage.Tests.Search;

/// <summary>The contract, by FTS5; and what becomes of its file.</summary>
public sealed class FtsSearchIndexTests : SearchIndexContract
{
    private protected override ISearchIndex Open(string folder) => FtsSearchIndex.Open(folder, NullLogger.Instance);

    [Theory]
    [InlineData("no database")]
    [InlineData("")]
    [InlineData("cut")]
    [InlineData("header")]
    public void A_file_that_is_damaged_is_begun_anew_at_the_start(string damage)
    {
        Apply(Said(1, "um"));
        Index.Dispose();
        var path = Path.Combine(Folder, "index.db");
        var bytes = File.ReadAllBytes(path);
        Assert.True(bytes.Length > 8192);
        if (damage == "header")
        {
            bytes.AsSpan(0, 64).Fill(7);
        }

        File.WriteAllBytes(path, damage switch
        {
            "cut" => bytes[..5000],
            "header" => bytes,
            _ => System.Text.Encoding.UTF8.GetBytes(damage),
        });

        Reopen();

        Assert.True(Index.IsLost);
        Index.Clear();
        Apply(Said(2, "um"));
        Assert.Equal([2], Found("um"));
        Reopen();
        Assert.False(Index.IsLost);
    }

    [Fact]
    public void A_damage_that_is_come_upon_later_is_told_and_healed_by_clearing()
    {
        Apply([.. Enumerable.Range(1, 3000).Select(i => Said(i, $"um word{i} another{i * 7} third{i * 13}"))]);
        Index.Dispose();
        var path = Path.Combine(Folder, "index.db");
        var bytes = File.ReadAllBytes(path);

        // Behind the tables' own definitions.
        bytes.AsSpan(10 * 4096).Fill(0xA5);
        File.WriteAllBytes(path, bytes);
        Reopen();
        var told = 0;
        Index.Lost += () => told++;

        Assert.Throws<SearchIndexLostException>(() =>
        {
            _ = Found(new SearchWord("w", IsPrefix: true));
            Apply([.. Enumerable.Range(1, 3000).Select(i => Said(i, "anew"))]);
        });

        Assert.True(Index.IsLost);
        Assert.Equal(1, told);
        Assert.Empty(Found("um"));
        Index.Clear();
        Apply(Said(1, "um"));
        Assert.Equal([1], Found("um"));
    }

    [Theory]
    [InlineData("a folder")]
    [InlineData("a file as its folder")]
    [InlineData("another version")]
    public void What_cannot_be_opened_is_begun_anew_with_one_line_whatever_it_is(string what)
    {
        Apply(Said(1, "um"));
        Index.Dispose();
        var path = Path.Combine(Folder, "index.db");
        switch (what)
        {
            case "a folder":
                File.Delete(path);
                Directory.CreateDirectory(Path.Combine(path, "with", "more"));
                break;
            case "a file as its folder":
                Directory.Delete(Folder, recursive: true);
                File.WriteAllText(Folder, "no folder");
                break;
            default:
                using (FileStream file = new(path, FileMode.Open))
                {
                    // The version that its owner gives a database.
                    file.Seek(60, SeekOrigin.Begin);
                    file.Write([0, 0, 0, 99]);
                }

                break;
        }

        LogLines lines = new();
        using var index = FtsSearchIndex.Open(Folder, lines);

        Assert.Single(lines.All);
        Assert.True(index.IsLost);
        index.Clear();
        index.Apply([Said(2, "um")]);
        Assert.False(index.IsLost);
        Assert.Single(index.Find(new SearchQuestion([new SearchWord("um")], _ => true, 10), CancellationToken.None).Stretches);
    }

    [Fact]
    public void Where_nothing_can_be_made_it_is_lost_and_opened_all_the_same()
    {
        Index.Dispose();
        Directory.Delete(Folder, recursive: true);

        // No folder can be made below a file.
        var file = Folder;
        File.WriteAllText(file, "no folder");
        using var index = FtsSearchIndex.Open(Path.Combine(file, "search"), NullLogger.Instance);

        Assert.True(index.IsLost);
        Assert.Empty(index.Find(new SearchQuestion([new SearchWord("um")], _ => true, 10), CancellationToken.None).Stretches);
        Assert.ThrowsAny<IOException>(index.Clear);
        Assert.False(index.Clean(ofTables: true, out _));
        File.Delete(file);
        index.Clear();
        Assert.False(index.IsLost);
    }

    [Fact]
    public void A_flood_of_tiny_edits_writes_little_for_each_however_large_the_table_is()
    {
        Apply([.. Enumerable.Range(1, 30_000).Select(i => Said(i, $"um word{i} another{i * 7} third{i * 13}"))]);
        Clean();
        var index = (FtsSearchIndex)Index;
        var before = index.PagesWritten;
        Apply(Said(29_999, "one edit of the newest table"));
        Assert.InRange(index.PagesWritten - before, 1, 50);
        before = index.PagesWritten;
        index.Clean(ofTables: true, out _);
        var ofCleaning = index.PagesWritten - before;

        before = index.PagesWritten;
        for (var edit = 0; edit < 200; edit++)
        {
            Apply(Said(1 + (edit * 97), $"tiny edit {edit}"));
        }

        // Each by itself: all of them write less than cleaning after each would, by far.
        var ofEdits = index.PagesWritten - before;
        Assert.True(ofEdits < 200 * 40, $"{ofEdits} pages for 200 edits, {ofCleaning} for cleaning a table");
        Assert.Equal(200, Found("tiny").Count);
        before = index.PagesWritten;
        Clean();
        Assert.True(index.PagesWritten - before < 4 * Math.Max(ofCleaning, 500), $"{index.PagesWritten - before} pages, {ofCleaning} for one table");
        Assert.Equal(200, Found("tiny").Count);
    }

    [Fact]
    public void However_long_the_messages_are_cleaning_after_one_edit_writes_a_table_of_a_few_megabytes_and_not_all()
    {
        Random random = new(1);
        for (var part = 0; part < 5; part++)
        {
            Apply([.. Enumerable.Range(1, 1_000).Select(i =>
                Said((part * 1_000) + i, string.Join(' ', Enumerable.Range(0, 600).Select(_ => $"w{random.Next(1_000_000)}"))))]);
        }

        Clean();
        Assert.False(Index.Clean(ofTables: true, out var written));
        Assert.Equal(0, written);

        // Some 22 MB of words: it is an entry in the midst of them.
        Apply(Said(2_500, "one edit"));
        Assert.True(Index.Clean(ofTables: false, out written));
        Assert.Equal(0, written);
        Index.Clean(ofTables: true, out written);

        Assert.InRange(written, 1, 30L * 1024 * 1024);
        Assert.Equal([2_500], Found("edit"));
    }

    [Fact]
    public void Of_short_messages_it_takes_no_more_than_a_fifth_beyond_their_text()
    {
        Random random = new(1);
        string[] vocabulary = [.. Enumerable.Range(0, 20_000).Select(_ => string.Concat(Enumerable.Range(0, random.Next(2, 8)).Select(_ => (char)('a' + random.Next(26)))))];
        var text = 0L;
        for (var part = 0; part < 6; part++)
        {
            Index.Apply([.. Enumerable.Range(1, 5_000).Select(i =>
            {
                var words = string.Join(' ', Enumerable.Range(0, random.Next(2, 16)).Select(_ => vocabulary[(int)(20_000 * Math.Pow(random.NextDouble(), 4))]));
                text += words.Length;
                return Said((part * 5_000) + i, words + $" \uE000author{random.Next(50)}");
            })]);
        }

        // As a making anew ends.
        Index.Shrink();
        Assert.InRange((double)Index.Bytes / text, 0.1, 1.2);
    }
}
