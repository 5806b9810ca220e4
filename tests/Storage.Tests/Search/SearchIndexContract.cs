using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Search;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Storage.Tests.Search;

/// <summary>What every search index does (see <see cref="ISearchIndex"/>).</summary>
public abstract class SearchIndexContract : IDisposable
{
    internal static readonly LogName Yard = LogName.OfRoom("yard"), Attic = LogName.OfRoom("attic");

    private readonly TempFolder _folder = new();
    private ISearchIndex? _index;

    internal string Folder => _folder.In("search");

    internal ISearchIndex Index => _index ??= Opened();

    public void Dispose()
    {
        _index?.Dispose();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens it in a folder, which may have one.</summary>
    private protected abstract ISearchIndex Open(string folder);

    /// <summary>What was removed is in the files until they are cleaned: else they are not the index's own to clean.</summary>
    private protected virtual bool IsCleaned => true;

    [Fact]
    public void A_word_is_found_without_accents_and_case_and_by_its_beginning_where_that_is_asked_for()
    {
        Apply(Said(1, "Música ÀS oito"), Said(2, "musical"), Said(3, "tarde"));

        Assert.Equal([1], Found("MUSICA"));
        Assert.Equal([1, 2], Found(new SearchWord("musi", IsPrefix: true)));
        Assert.Empty(Found("musi"));
        Assert.Equal([1], Found("oito", "as"));
        Assert.Empty(Found("oito", "tarde"));
    }

    [Theory]
    [InlineData("\"")]
    [InlineData("a\" OR \"oito")]
    [InlineData("NEAR(oito as)")]
    [InlineData("oito*")]
    [InlineData("words:oito")]
    [InlineData("-oito")]
    [InlineData("^oito")]
    [InlineData("oito AND as")]
    [InlineData("")]
    public void What_is_looked_for_is_no_syntax(string text)
    {
        Apply(Said(1, "oito as"), Said(2, "a"));

        // It is a word at most, which is there or is not; nothing fails.
        Assert.DoesNotContain(2, Found(text));
        Assert.Equal([1], Found("oito"));
    }

    [Fact]
    public void Put_again_an_entry_is_found_by_the_new_words_alone_and_what_is_removed_by_none()
    {
        Apply(Said(1, "canarybird um"), Said(2, "canarybird dois"), Said(300, "canarybird tres"));
        Assert.Equal([1, 2, 300], Found("canarybird"));

        Apply(Said(1, "parrot um"), new IndexChange.Remove(Yard, 2, 2));

        Assert.Equal([300], Found("canarybird"));
        Assert.Equal([1], Found("parrot"));
        Apply(new IndexChange.Remove(Yard, 0, long.MaxValue));
        Assert.Empty(Found("parrot"));
        Assert.Empty(Found("canarybird"));
        Apply(Said(1, "canarybird anew"));
        Assert.Equal([1], Found("canarybird"));
    }

    [Fact]
    public void What_was_removed_or_replaced_is_in_no_file()
    {
        // Of words that begin alike a file may have only how they go on.
        string[] canaries = ["canarybird", "zebrafish", "xylophone"];
        Apply([.. Enumerable.Range(1, 500).Select(i => Said(i, $"line {(i is >= 77 and < 80 ? canaries[i - 77] : "word")} of many"))]);
        Assert.All(canaries, word => Assert.Contains(word, InFiles(), StringComparison.Ordinal));

        Apply(new IndexChange.Remove(Yard, 77, 77), Said(78, "replaced"));
        Clean();

        Assert.DoesNotContain("canarybird", InFiles(), StringComparison.Ordinal);
        Assert.DoesNotContain("zebrafish", InFiles(), StringComparison.Ordinal);
        Assert.Contains("xylophone", InFiles(), StringComparison.Ordinal);
        Apply(new IndexChange.Remove(Yard, 0, long.MaxValue));
        Clean();
        Assert.False(Index.Clean(ofTables: true, out _));
        Assert.DoesNotContain("xylophone", InFiles(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_given_survives_and_giving_it_again_changes_nothing()
    {
        IndexChange[] changes = [Said(1, "um"), Said(2, "dois um"), new IndexChange.Remove(Yard, 1, 1), Said(700, "um", Attic)];
        Index.Clear();
        Apply(changes);
        for (var time = 0; time < 3; time++)
        {
            Assert.False(Index.IsLost);
            Assert.Equal([2, 700], Found("um"));
            Reopen();
            Apply(changes);
        }
    }

    [Fact]
    public void Of_two_logs_each_has_its_own_and_only_what_is_covered_is_found()
    {
        Apply(Said(1, "um"), Said(1, "um", Attic), Said(2, "um", Attic));

        var found = Index.Find(new SearchQuestion([new SearchWord("um")], log => log == Attic, 100), CancellationToken.None);

        Assert.All(found.Stretches, stretch => Assert.Equal(Attic, stretch.Log));
        Assert.Equal([1, 2], Seqs(found));
        Assert.Equal([1, 1, 2], Found("um"));
    }

    [Fact]
    public void Enough_is_the_newest_and_says_from_when_on_it_is_whole()
    {
        // Two rooms by turns, over several tables.
        Index.Clear();
        foreach (var part in Enumerable.Range(1, 50_000).Chunk(5_000))
        {
            Index.Apply([.. part.Select(i => (IndexChange)Said(i, i % 10 == 0 ? "ten word" : "word", i % 2 == 0 ? Yard : Attic))]);
        }

        var found = Index.Find(new SearchQuestion([new SearchWord("ten")], _ => true, 100), CancellationToken.None);

        Assert.NotNull(found.WholeAfter);
        var newest = Seqs(found).Where(seq => At(seq) > found.WholeAfter).ToList();
        Assert.True(newest.Count >= 100);
        Assert.Equal(Enumerable.Range(1, 5_000).Select(i => i * 10L).Where(seq => At(seq) > found.WholeAfter), newest);
        var all = Index.Find(new SearchQuestion([new SearchWord("ten")], _ => true, int.MaxValue), CancellationToken.None);
        Assert.Equal((null, 5_000), (all.WholeAfter, Seqs(all).Count));
        Assert.All(all.Stretches.SelectMany(stretch => stretch.Hits.Select(hit => (stretch, hit))), one =>
            Assert.InRange(At(one.hit.Seq), one.stretch.Since, one.stretch.Until));
        var old = Index.Find(new SearchQuestion([new SearchWord("ten")], _ => true, 10, Until: At(1_000)), CancellationToken.None);
        Assert.Contains(1_000, Seqs(old));
        var over = Index.Find(new SearchQuestion([new SearchWord("ten")], _ => true, 10), new CancellationToken(canceled: true));
        Assert.True(over.IsCut);
    }

    [Fact]
    public void What_was_removed_of_many_tables_leaves_the_files_one_after_the_other_also_after_it_is_opened_again()
    {
        Index.Clear();
        foreach (var part in Enumerable.Range(1, 45_000).Chunk(5_000))
        {
            Index.Apply([.. part.Select(i => Said(i, i % 15_000 == 7 ? $"canarybird{i} word" : "word"))]);
        }

        Assert.Contains("canarybird", InFiles(), StringComparison.Ordinal);
        Apply([.. new[] { 7L, 15_007, 30_007 }.Select(seq => new IndexChange.Remove(Yard, seq, seq))]);
        Assert.Equal(IsCleaned, InFiles().Contains("canarybird", StringComparison.Ordinal));

        Reopen();
        Assert.Equal(IsCleaned, InFiles().Contains("canarybird", StringComparison.Ordinal));
        var steps = 1;
        for (; Index.Clean(ofTables: true, out _); steps++)
        {
            Assert.True(steps < 10);
        }

        Assert.Equal(IsCleaned, steps > 1);
        Assert.DoesNotContain("canarybird", InFiles(), StringComparison.Ordinal);
        Assert.Equal(44_997, Found("word").Count);
        Index.Shrink();
        Assert.Equal(44_997, Found("word").Count);
    }

    [Fact]
    public void Of_what_was_removed_piece_by_piece_nothing_is_looked_for_any_more()
    {
        Index.Clear();
        foreach (var part in Enumerable.Range(1, 30_000).Chunk(5_000))
        {
            Index.Apply([.. part.Select(i => Said(i, "word"))]);
        }

        // The first table has all of these, and no piece is as large as a block.
        Apply([.. Enumerable.Range(0, 210).Select(i => new IndexChange.Remove(Yard, (i * 100) + 1, (i + 1) * 100))]);
        for (var steps = 0; Index.Clean(ofTables: true, out _); steps++)
        {
            Assert.True(steps < 10);
        }

        Assert.Equal(9_000, Found("word").Count);
        Apply(new IndexChange.Remove(Yard, 1, 21_500));
        Assert.False(Index.IsLost);
        Assert.Equal(8_500, Found("word").Count);
    }

    [Fact]
    public void Of_one_log_the_newest_are_found_wherever_the_others_lie()
    {
        // As after a making anew: one log behind the other, of one time.
        Index.Clear();
        foreach (var log in new[] { Yard, Attic })
        {
            foreach (var part in Enumerable.Range(1, 30_000).Chunk(5_000))
            {
                Index.Apply([.. part.Select(i => Said(i, i % 3 == 0 ? "three word" : "word", log))]);
            }
        }

        foreach (var within in new LogName?[] { Yard, Attic, LogName.OfRoom("never"), null })
        {
            var found = Index.Find(new SearchQuestion([new SearchWord("three")], _ => true, 100, Within: within), CancellationToken.None);

            var newest = Seqs(found).Where(seq => found.WholeAfter is not { } after || At(seq) > after).ToList();
            var logs = within is null ? 2 : within.Value.RoomKey == "never" ? 0 : 1;
            Assert.Equal(
                Enumerable.Range(1, 10_000).Select(i => i * 3L).SelectMany(seq => Enumerable.Repeat(seq, logs)).TakeLast(newest.Count), newest);
            Assert.Equal(logs == 0, newest.Count == 0);
            Assert.True(logs == 0 || newest.Count is >= 100 and < 2_000, $"{newest.Count}");
            Assert.All(found.Stretches, stretch => Assert.True(within is null || stretch.Log == within));
        }
    }

    [Fact]
    public void Which_it_is_and_how_far_it_has_come_lasts_and_another_has_another_place()
    {
        Apply(Said(1, "um"));
        var first = Index.Place;
        Assert.NotEmpty(first.Identity);
        Apply(Said(2, "um"));
        Assert.Equal(first with { Applied = first.Applied + 1 }, Index.Place);
        Reopen();
        Assert.Equal(first with { Applied = first.Applied + 1 }, Index.Place);
        Index.Clean(ofTables: true, out _);
        Assert.Equal(first with { Applied = first.Applied + 1 }, Index.Place);

        Index.Clear();

        Assert.Equal(0, Index.Place.Applied);
        Assert.NotEqual(first.Identity, Index.Place.Identity);
    }

    [Fact]
    public void Files_that_are_taken_away_while_it_is_open_are_missed_and_clearing_makes_others()
    {
        foreach (var miss in (Action[])[() => Index.Clean(ofTables: true, out _), () => Apply(Said(2, "um"))])
        {
            Index.Clear();
            Apply(Said(1, "um"));
            var told = 0;
            void Tell() => told++;
            Index.Lost += Tell;
            TakeAway();

            Assert.Throws<SearchIndexLostException>(miss);

            Assert.Equal((1, true), (told, Index.IsLost));
            Assert.False(Index.Clean(ofTables: true, out _));
            Index.Clear();
            Apply(Said(3, "um"));
            Assert.Equal([3], Found("um"));
            Index.Lost -= Tell;
            Reopen();
            Assert.Equal([3], Found("um"));
        }
    }

    [Fact]
    public void New_it_is_lost_until_it_is_cleared_and_then_has_nothing()
    {
        using var index = Open(_folder.In("another"));
        Assert.True(index.IsLost);

        index.Clear();
        index.Apply([Said(1, "um")]);

        Assert.False(index.IsLost);
        index.Clear();
        Assert.Empty(index.Find(new SearchQuestion([new SearchWord("um")], _ => true, 10), CancellationToken.None).Stretches);
        Assert.False(index.IsLost);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_is_done_it_finds_what_is_there(int seed)
    {
        Random random = new(seed);
        SortedDictionary<(string, long), string> there = [];
        Dictionary<LogName, long> heads = new() { [Yard] = 0, [Attic] = 0 };
        Index.Clear();
        for (var step = 0; step < 40; step++)
        {
            List<IndexChange> changes = [];
            for (var i = random.Next(1, 60); i > 0; i--)
            {
                var log = random.Next(2) == 0 ? Yard : Attic;
                var seq = random.Next(3) > 0 || heads[log] == 0 ? heads[log] += random.Next(1, 40) : random.NextInt64(1, heads[log] + 1);
                switch (random.Next(20))
                {
                    case 0:
                        var to = random.Next(5) == 0 ? long.MaxValue : seq;
                        var from = random.Next(2) == 0 ? 0 : seq;
                        changes.Add(new IndexChange.Remove(log, from, to));
                        foreach (var key in there.Keys.Where(key => key.Item1 == log.Value && key.Item2 >= from && key.Item2 <= to).ToList())
                        {
                            there.Remove(key);
                        }

                        break;
                    default:
                        var words = $"w{random.Next(5)} w{random.Next(5)}";
                        changes.Add(new IndexChange.Put(log, seq, At(seq), words));
                        there[(log.Value, seq)] = words;
                        break;
                }
            }

            Apply([.. changes]);
            if (random.Next(8) == 0)
            {
                Reopen();
            }

            var word = $"w{random.Next(5)}";
            Assert.Equal(
                there.Where(one => one.Value.Split(' ').Contains(word)).Select(one => one.Key.Item2).Order(),
                Found(word));
        }
    }

    private protected void Reopen()
    {
        Index.Dispose();
        _index = Open(Folder);
    }

    private protected void Apply(params IndexChange[] changes) => Index.Apply(changes);

    private protected void Clean()
    {
        while (Index.Clean(ofTables: true, out _))
        {
            // A table at a time.
        }
    }

    private protected List<long> Found(params string[] words) => Found([.. words.Select(word => new SearchWord(word))]);

    private protected List<long> Found(params SearchWord[] words) =>
        Seqs(Index.Find(new SearchQuestion(words, _ => true, int.MaxValue), CancellationToken.None));

    private protected static IndexChange Said(long seq, string words, LogName? log = null) => new IndexChange.Put(log ?? Yard, seq, At(seq), words);

    /// <summary>Takes the files of the index that is open.</summary>
    private protected virtual void TakeAway() => Directory.Delete(Folder, recursive: true);

    /// <summary>What can be read in its files, in bytes or words.</summary>
    private protected virtual string InFiles() => string.Concat(Directory.EnumerateFiles(Folder).Select(path =>
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using MemoryStream bytes = new();
        file.CopyTo(bytes);
        return System.Text.Encoding.Latin1.GetString(bytes.ToArray());
    }));

    private protected static List<long> Seqs(SearchFindings findings) => [.. findings.Stretches.SelectMany(stretch => stretch.Hits.Select(hit => hit.Seq)).Order()];

    private static DateTimeOffset At(long seq) => DateTimeOffset.UnixEpoch.AddSeconds(seq);

    private ISearchIndex Opened()
    {
        var index = Open(Folder);
        index.Clear();
        return index;
    }
}
