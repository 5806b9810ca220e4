using System.Text;

namespace WebMessenger.Load.Search;

/// <summary>
/// What is said in a made data folder: always the same under one number, with words as seldom and as often as in a language.
/// </summary>
internal static class SpokenText
{
    private const int Vocabulary = 30_000;
    private const int Syllables = 40;

    private static readonly string[] s_words = Words();

    public static string Of(long number)
    {
        Random random = new((int)(number % int.MaxValue));
        StringBuilder text = new();
        for (var left = random.Next(2, 20); left > 0; left--)
        {
            text.Append(text.Length == 0 ? "" : " ").Append(Word(random));
        }

        return text.ToString();
    }

    /// <summary>One of the words, often or seldom as they are.</summary>
    public static string Word(Random random) => s_words[(int)(Vocabulary * Math.Pow(random.NextDouble(), 5))];

    /// <summary>One of those that nearly every message may have.</summary>
    public static string Common(Random random) => s_words[random.Next(20)];

    /// <summary>One of the half that is said least.</summary>
    public static string Rare(Random random) => s_words[random.Next(Vocabulary / 2, Vocabulary)];

    private static string[] Words()
    {
        Random random = new(20_261_129);
        string[] syllables = [.. Enumerable.Range(0, Syllables).Select(i => $"{"bcdfglmnprstv"[i % 13]}{"aeiou"[i % 5]}{(i % 3 == 0 ? "n" : "")}")];
        HashSet<string> words = [];
        while (words.Count < Vocabulary)
        {
            // The words that are said most are short.
            words.Add(string.Concat(Enumerable.Range(0, words.Count < 200 ? random.Next(1, 3) : random.Next(2, 5)).Select(_ => syllables[random.Next(Syllables)])));
        }

        return [.. words];
    }
}
