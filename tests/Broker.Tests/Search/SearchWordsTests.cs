using WebMessenger.Broker.Search;

namespace WebMessenger.Broker.Tests.Search;

/// <summary>How texts are taken apart into words.</summary>
public sealed class SearchWordsTests
{
    [Theory]
    [InlineData("Amanhã às 8h, no pátio!", "amanha as 8h no patio")]
    [InlineData("don't snake_case a-b", "don t snake case a b")]
    [InlineData("STRASSE Straße", "strasse strasse")]
    [InlineData("東京タワー", "東 京 タ ワ ー")]
    [InlineData("поехали Ёлка", "поехали елка")]
    [InlineData("hi😀😀 x", "hi 😀 😀 x")]
    [InlineData("*** -- \" ( ) : ^", "")]
    [InlineData("\uE000abc \uE001link", "abc link")]
    [InlineData("e\u0301te\u0301", "ete")]
    [InlineData("สวัสดี", "ส ว ส ด")]
    [InlineData("", "")]
    public void A_text_has_these_words(string text, string words) =>
        Assert.Equal(words, string.Join(' ', SearchWords.Of(text).Select(word => word.Folded)));

    [Fact]
    public void Words_know_where_they_stand()
    {
        const string text = "Olá 😀, mundo 東京";

        Assert.Equal(["Olá", "😀", "mundo", "東", "京"], SearchWords.Of(text).Select(word => text.Substring(word.Start, word.Length)));
    }

    [Fact]
    public void A_lone_half_of_a_character_and_whatever_else_is_no_failure()
    {
        Random random = new(7);
        for (var i = 0; i < 2_000; i++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(40)).Select(_ => (char)random.Next(0x10000))]);

            Assert.All(SearchWords.Of(text), word => Assert.InRange(word.Start + word.Length, 1, text.Length));
        }
    }

    [Fact]
    public void A_message_is_found_by_all_its_words_and_its_author()
    {
        Random random = new(8);
        foreach (var text in (string[])["", "a-b_C", "Olá, mundo", .. Enumerable.Range(0, 500).Select(_ => Text(random))])
        {
            var words = SearchWords.OfMessage("author", text).Split(' ');

            Assert.Equal([.. SearchWords.Of(text).Select(word => word.Folded), "author"], words);
        }

        Assert.Equal("see https example org author " + SearchWords.Link, SearchWords.OfMessage("author", "See https://example.org!"));

        // Now and then with a letter that is none of ASCII.
        static string Text(Random random) => new([.. Enumerable.Range(0, random.Next(40)).Select(_ => (char)random.Next(32, random.Next(10) == 0 ? 256 : 127))]);
    }
}
