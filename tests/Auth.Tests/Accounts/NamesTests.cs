using WebMessenger.Auth.Names;

namespace WebMessenger.Auth.Tests.Accounts;

public sealed class NamesTests
{
    [Theory]
    [InlineData("Ana", "Ana")]
    [InlineData("  Ana   Maria ", "Ana Maria")]
    [InlineData("Ana\u00A0Maria", "Ana Maria")]
    [InlineData("Joa\u0303o", "João")]
    [InlineData("山田　太郎", "山田 太郎")]
    [InlineData("🦊", "🦊")]
    [InlineData("👩‍🔬 Ana", "👩‍🔬 Ana")]
    [InlineData("❤️", "❤️")]
    [InlineData("<b>", "<b>")]
    public void Display_names_carry_everything_that_is_visible(string text, string expected)
    {
        Assert.True(DisplayName.TryParse(text, out var name));
        Assert.Equal(expected, name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("\u3164")]
    [InlineData("\u2800")]
    [InlineData("a\nb")]
    [InlineData("a\u001b[31mb")]
    [InlineData("a\u0085b")]
    [InlineData("a\u2028b")]
    [InlineData("a\u202Eb")]
    [InlineData("a\u2066b")]
    [InlineData("a\u200Bb")]
    [InlineData("a\u200Db")]
    [InlineData("a\uFE0Fb")]
    [InlineData("a\uFEFFb")]
    [InlineData("a\u00ADb")]
    [InlineData("a\uE000b")]
    [InlineData("\u0301")]
    [InlineData("a\u0301\u0301\u0301\u0301\u0301\u0301")]
    [InlineData("a\U000E0041b")]
    public void Attack_77_Controls_bidi_and_invisible_characters_are_refused(string text)
    {
        Assert.True(DisplayName.TryParse("a b", out _));
        Assert.False(DisplayName.TryParse(text, out _));
    }

    // Not as InlineData: an attribute cannot carry a lone surrogate.
    [Fact]
    public void Attack_11_A_lone_surrogate_is_in_no_name()
    {
        Assert.False(DisplayName.TryParse("a\uD800b", out _));
        Assert.False(UserName.TryParse("\uD800na", out _));
        Assert.False(EmailAddress.TryParse("ana\uD800@example.org", out _));
    }

    [Fact]
    public void A_display_name_has_64_scalar_values_at_most()
    {
        Assert.True(DisplayName.TryParse(string.Concat(Enumerable.Repeat("🦊", 64)), out _));
        Assert.False(DisplayName.TryParse(string.Concat(Enumerable.Repeat("🦊", 65)), out _));
        Assert.False(DisplayName.TryParse(new string('a', 100_000), out _));
    }

    [Theory]
    [InlineData("Ana", "ana")]
    [InlineData("Ana", "АNА")]
    [InlineData("Ana", "Αnα")]
    [InlineData("Ana", "Ａｎａ")]
    [InlineData("Ana", "A n a")]
    [InlineData("Ana", "Aná")]
    [InlineData("Ana", "@Ana")]
    [InlineData("Ana", "𝐀𝐧𝐚")]
    [InlineData("Paul", "PauI")]
    [InlineData("Paul", "Pau1")]
    [InlineData("Bob", "B0b")]
    [InlineData("scope", "ѕсоре")]
    [InlineData("HOBEP", "НОВЕР")]
    public void Attack_34_Names_drawn_alike_have_one_look(string one, string other) =>
        Assert.NotEmpty(Looks.OfName(one).Intersect(Looks.OfName(other)));

    [Theory]
    [InlineData("Ana", "Anna")]
    [InlineData("Иван", "Ivan")]
    [InlineData("山田", "太郎")]
    [InlineData("...", "!!!")]
    [InlineData("🦊", "🐻")]
    public void Names_that_are_told_apart_have_looks_of_their_own(string one, string other) =>
        Assert.Empty(Looks.OfName(one).Intersect(Looks.OfName(other)));

    [Fact]
    public void A_name_of_plain_letters_has_the_same_looks_whether_or_not_it_is_taken_apart()
    {
        // A start does not take them apart. What is not seen makes that it is done all the same.
        const string Letters = "abcimnwNIlL019 .-_'/\\|()MVW";
        Random random = new(20261129);
        for (var i = 0; i < 20_000; i++)
        {
            var name = new string(random.GetItems<char>(Letters, random.Next(1, 9)));

            Assert.Equal(Looks.OfName(name + "\u200B"), Looks.OfName(name));
        }
    }

    [Theory]
    [InlineData("ana@example.org", "ana@example.org")]
    [InlineData("Ana.B+c@Example.ORG", "ana.b+c@example.org")]
    [InlineData("ana@localhost", "ana@localhost")]
    [InlineData("ana@bücher.example", "ana@xn--bcher-kva.example")]
    [InlineData("jörg@example.org", "jörg@example.org")]
    public void Email_addresses_have_one_key_whatever_their_case(string text, string key)
    {
        Assert.True(EmailAddress.TryParse(text, out var email));
        Assert.Equal(key, email.Key);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ana")]
    [InlineData("@example.org")]
    [InlineData("ana@")]
    [InlineData("a b@example.org")]
    [InlineData("ana@exam ple.org")]
    [InlineData("ana@@example.org")]
    [InlineData(".ana@example.org")]
    [InlineData("a..b@example.org")]
    [InlineData("ana@-x.org")]
    [InlineData("ana@example..org")]
    [InlineData("ana@example.org.")]
    [InlineData("ana\n@example.org")]
    [InlineData("<ana@example.org>")]
    [InlineData("\"ana\"@example.org")]
    [InlineData("ana\u202E@example.org")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.org")]
    public void What_is_no_email_address_is_refused(string? text) => Assert.False(EmailAddress.TryParse(text, out _));
}
