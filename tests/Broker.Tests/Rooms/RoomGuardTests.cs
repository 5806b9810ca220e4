using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>What a room's guard remembers has a bound, and what it finds in a text is what a page would.</summary>
public sealed class RoomGuardTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void So_many_accounts_are_remembered_and_who_wrote_longest_ago_is_forgotten_first()
    {
        RoomGuard guard = new(_time);
        for (var account = 0; account < RoomGuard.MostAccounts; account++)
        {
            Assert.True(guard.TrySay(Named(account), 1, 2));
        }

        Assert.True(guard.TrySay(Named(0), 2, 2));
        Assert.True(guard.TrySay("one more", 1, 2));

        Assert.True(guard.TrySay(Named(1), 1, 2));
        Assert.False(guard.TrySay(Named(0), 1, 2));
        Assert.False(guard.TrySay(Named(3), 1, 2));
    }

    [Fact]
    public void Of_one_account_so_many_texts_are_remembered_and_the_first_is_forgotten_first()
    {
        RoomGuard guard = new(_time);
        for (var text = 0UL; text <= RoomGuard.MostTexts; text++)
        {
            Assert.True(guard.TrySay("bea", text, 2));
        }

        Assert.False(guard.TrySay("bea", 1, 2));
        Assert.True(guard.TrySay("bea", 0, 2));
    }

    [Fact]
    public void After_ten_minutes_nothing_is_remembered()
    {
        RoomGuard guard = new(_time);
        Assert.True(guard.TrySay("bea", 1, 2));
        _time.Advance(TimeSpan.FromMinutes(9));
        Assert.True(guard.TrySay("bea", 2, 2));
        Assert.False(guard.TrySay("bea", 1, 2));

        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.True(guard.TrySay("bea", 1, 2));
        Assert.False(guard.TrySay("bea", 2, 2));
    }

    [Fact]
    public void What_was_not_stored_was_not_said()
    {
        RoomGuard guard = new(_time);
        Assert.True(guard.TrySay("bea", 1, 2));

        guard.GiveBack("bea", 1);
        guard.GiveBack("caio", 1);

        Assert.True(guard.TrySay("bea", 1, 2));
        Assert.False(guard.TrySay("bea", 1, 2));
    }

    [Theory]
    [InlineData("https://example.org", true)]
    [InlineData("see HTTP://EXAMPLE.org.", true)]
    [InlineData("[here](https://example.org)", true)]
    [InlineData("www.example.org", true)]
    [InlineData("(www.example.org)", true)]
    [InlineData("、www.example.org", true)]
    [InlineData("www.", false)]
    [InlineData("www. is what it begins with", false)]
    [InlineData("www.example", false)]
    [InlineData("owww.example.org", false)]
    [InlineData("ana@www.example.org", false)]
    [InlineData("https://", false)]
    [InlineData("https:// example", false)]
    [InlineData("ftp://example.org", false)]
    [InlineData("ana@example.org", false)]
    [InlineData("example.org", false)]
    public void A_link_is_what_a_page_makes_one_of(string text, bool isLink) => Assert.Equal(isLink, new GuardedText(text).HasLink);

    [Theory]
    [InlineData("Buy it now", "buy  it\tnow", true)]
    [InlineData("Música", "MUSICA", true)]
    [InlineData("buy it", "bu\u200by it\u00ad", true)]
    [InlineData("buy it", "buy it!", false)]
    [InlineData("👍", "👎", false)]
    public void Case_accents_and_blanks_make_no_other_text(string one, string other, bool isSame) =>
        Assert.Equal(isSame, new GuardedText(one).Fold == new GuardedText(other).Fold);

    [Fact]
    public void Of_a_text_with_many_beginnings_of_links_each_letter_is_looked_at_once()
    {
        // By looking for its end from each of them, this would not be through within the hour.
        var beginnings = string.Concat(Enumerable.Repeat("?www.", 1_000_000));

        Assert.False(new GuardedText(beginnings).HasLink);
        Assert.True(new GuardedText(beginnings + " www.example.org").HasLink);
        Assert.True(new GuardedText("?www.?www.example.org").HasLink);
    }

    private static string Named(int account) => account.ToString(CultureInfo.InvariantCulture);
}
