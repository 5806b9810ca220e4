using System.Globalization;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Search;

/// <summary>What is done to an index, in order.</summary>
public abstract record IndexChange(LogName Log)
{
    /// <summary>The entry of this seq is found by these words from now on, and by no others.</summary>
    /// <param name="At">Of the entry; within one log never before that of a lower seq.</param>
    /// <param name="Words">Separated by blanks. A word has letters, digits, symbols and private use characters.</param>
    public sealed record Put(LogName Log, long Seq, DateTimeOffset At, string Words) : IndexChange(Log);

    /// <summary>The entries of these seqs, both among them, are found by nothing any more.</summary>
    public sealed record Remove(LogName Log, long From, long To) : IndexChange(Log);
}

/// <summary>A word that is looked for. Accents and case do not matter.</summary>
/// <param name="Text">One word; what is several finds nothing.</param>
/// <param name="IsPrefix">Words that begin so are found as well.</param>
public readonly record struct SearchWord(string Text, bool IsPrefix = false);

/// <summary>What is looked for: entries that have all of these words, in any order.</summary>
/// <param name="Words">At least one.</param>
/// <param name="Covers">Asked once or more for each log that has hits: whether it is looked in.</param>
/// <param name="Wanted">So many are enough. More may be returned.</param>
/// <param name="Since">Older ones need not be returned.</param>
/// <param name="Until">Newer ones need not be returned.</param>
/// <param name="WithLengths">How long the entries are is wanted, too: it costs as much as finding them.</param>
/// <param name="Within">The one log that is looked in, if <paramref name="Covers"/> says so too; null: all.</param>
public sealed record SearchQuestion(
    IReadOnlyList<SearchWord> Words, Func<LogName, bool> Covers, int Wanted, DateTimeOffset? Since = null, DateTimeOffset? Until = null,
    bool WithLengths = false, LogName? Within = null)
{
    /// <summary>Each is one word to every index. For anything else it would look for several, which none of them can.</summary>
    internal bool HasWordsOnly => Words.All(word => /* guard: words are no syntax */ IsWord(word.Text));

    /// <summary>What a word is made of.</summary>
    internal static bool IsOfWord(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber or UnicodeCategory.OtherSymbol or UnicodeCategory.PrivateUse;

    private static bool IsWord(string text) => text.Length > 0 && text.EnumerateRunes().All(IsOfWord);
}

/// <summary>One entry that was found.</summary>
/// <param name="Length">How many words it has; 0: that was not asked for.</param>
public readonly record struct SearchHit(long Seq, int Length);

/// <summary>Hits of one log that lie close together.</summary>
/// <param name="Since">None is older,</param>
/// <param name="Until">and none newer.</param>
/// <param name="Hits">The newest first.</param>
public sealed record SearchStretch(LogName Log, DateTimeOffset Since, DateTimeOffset Until, IReadOnlyList<SearchHit> Hits);

/// <summary>What was found.</summary>
/// <param name="Stretches">In no order.</param>
/// <param name="WholeAfter">All that was found and is newer than this is among them; null: all of it is.</param>
/// <param name="IsCut">The time was over before <see cref="SearchQuestion.Wanted"/> were found.</param>
public sealed record SearchFindings(IReadOnlyList<SearchStretch> Stretches, DateTimeOffset? WholeAfter, bool IsCut);

/// <summary>Which index it is.</summary>
/// <param name="Identity">Another one after each <see cref="ISearchIndex.Clear"/>; empty: it is lost.</param>
/// <param name="Applied">How often it was given something since then.</param>
public readonly record struct IndexPlace(string Identity, long Applied);

/// <summary>The index was damaged, and holds nothing any more: whoever feeds it begins again.</summary>
public sealed class SearchIndexLostException(string message, Exception inner) : IOException(message, inner);

/// <summary>
/// Finds entries of logs by their words. Derived from the logs, and never the truth: who asks reads each hit from its log.
/// </summary>
/// <remarks>
/// Contract, the same for every implementation (one suite of tests runs against each):
/// <list type="bullet">
/// <item>What <see cref="Apply"/> was given is durable when it returns, all of it or nothing. Doing it again changes nothing.</item>
/// <item>What was removed, or put anew with other words, is found no more when <see cref="Apply"/> returns. Its words are in none of the
/// files when <see cref="Clean"/> has said that it is done: a change costs what it brings, however large the index is.</item>
/// <item>Questions see what is durable. They wait for the disk, and for nobody who writes.</item>
/// <item>An index that is new, or was lost by a damage or taken away, says so (<see cref="IsLost"/>) until <see cref="Clear"/>.</item>
/// <item>What cannot be read or written throws <see cref="IOException"/>; after disposal <see cref="ObjectDisposedException"/>.</item>
/// <item>Questions and <see cref="Clean"/> are thread-safe. One thread at a time changes it otherwise.</item>
/// </list>
/// </remarks>
public interface ISearchIndex : IDisposable
{
    /// <summary>It does not have what it was given: it is new, or was damaged.</summary>
    bool IsLost { get; }

    /// <summary>Called, on any thread, when it was lost while it was open.</summary>
    event Action? Lost;

    /// <summary>What its files take on the disk, in bytes.</summary>
    long Bytes { get; }

    /// <summary>Which it is, and how far it has come: what an older file in its place would not have.</summary>
    IndexPlace Place { get; }

    /// <summary>Forgets everything, and is not lost any more.</summary>
    void Clear();

    /// <summary>Does these, in order.</summary>
    void Apply(IReadOnlyList<IndexChange> changes);

    /// <summary>
    /// Takes words that were removed out of the files, as many as in some 50 ms. False: there are none left.
    /// Also finds out that the files have gone.
    /// </summary>
    /// <param name="ofTables">
    /// False: only what was begun is brought to its end. Cleaning costs as much as lies beside the words, however few they are: whoever
    /// calls it over and over waits in proportion to <paramref name="written"/>.
    /// </param>
    /// <param name="written">Bytes that this has written.</param>
    bool Clean(bool ofTables, out long written);

    /// <summary>Gives back to the disk what is free in the files.</summary>
    void Shrink();

    /// <summary>Looks for something, the newest first, until there is enough or the time is over.</summary>
    SearchFindings Find(SearchQuestion question, CancellationToken timeIsOver);
}
