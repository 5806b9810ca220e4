using WebMessenger.Auth.Names;

namespace WebMessenger.Auth.Tests.Names;

public sealed class UserNameTests
{
    [Theory]
    [InlineData("ana", "ana")]
    [InlineData("ANA", "ana")]
    [InlineData("a.b_c-9", "a.b_c-9")]
    [InlineData("9lives", "9lives")]
    [InlineData("ａｎａ", "ana")]
    [InlineData("Kelvin", "kelvin")]
    [InlineData("abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz012345")]
    public void Takes_what_the_grammar_allows_and_folds_case_and_width(string text, string expected)
    {
        Assert.True(UserName.TryParse(text, out var userName));
        Assert.Equal(expected, userName.Value);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(".ana")]
    [InlineData("-ana")]
    [InlineData("_ana")]
    [InlineData("an a")]
    [InlineData("ana+b")]
    [InlineData("ana/b")]
    [InlineData("ana#")]
    [InlineData("joão")]
    [InlineData("\u0430na")]
    [InlineData("ana\u202E")]
    [InlineData("ana\0")]
    [InlineData("ana\u200B")]
    [InlineData("abcdefghijklmnopqrstuvwxyz0123456")]
    public void Attack_34_What_is_not_ASCII_after_folding_is_no_user_name(string? text)
    {
        Assert.True(UserName.TryParse("ana", out _));
        Assert.False(UserName.TryParse(text, out _));
    }

    [Theory]
    [InlineData("admin")]
    [InlineData("Adm1n1strator", false)]
    [InlineData("system")]
    [InlineData("r00t")]
    [InlineData("everyone")]
    [InlineData("guest")]
    [InlineData("guest-ana")]
    [InlineData("guest.ana")]
    [InlineData("guest_ana")]
    [InlineData("guesthouse", false)]
    [InlineData("me")]
    [InlineData("ana", false)]
    public void Names_that_read_as_the_server_or_a_guest_are_reserved(string text, bool reserved = true)
    {
        Assert.True(UserName.TryParse(text, out var userName));
        Assert.Equal(reserved, userName.IsReserved);
    }

    [Theory]
    [InlineData("bob", "b0b")]
    [InlineData("paul", "pau1")]
    [InlineData("modern", "rnodern")]
    [InlineData("wave", "vvave")]
    [InlineData("vwx", "wvx")]
    [InlineData("ana-b", "ana_b")]
    [InlineData("ana-b", "ana..b")]
    [InlineData("ana", "ana.")]
    public void Attack_34_Look_alikes_have_one_look(string one, string other) => Assert.Equal(Looks.OfUserName(one), Looks.OfUserName(other));

    [Theory]
    [InlineData("ana", "anna")]
    [InlineData("mia", "mla")]
    [InlineData("ana-b", "anab")]
    [InlineData("ana1", "ana2")]
    public void Names_that_are_told_apart_keep_looks_of_their_own(string one, string other) => Assert.NotEqual(Looks.OfUserName(one), Looks.OfUserName(other));
}
