using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Tests.Events;

public sealed class PlainLineTests
{
    [Theory]
    [InlineData("olá 👋 אב", "olá 👋 אב")]
    [InlineData("a\nb", "a ⏎ b")]
    [InlineData("a\r\nb", "a ⏎ b")]
    [InlineData("a\rb", "a ⏎ b")]
    [InlineData("a\n\rb", "a ⏎  ⏎ b")]
    [InlineData("a\u0085b\u2028c\u2029d", "a ⏎ b ⏎ c ⏎ d")]
    [InlineData("a\tb", "a b")]
    [InlineData("\u001b[31mred\u001b[0m", "[31mred[0m")]
    [InlineData("\u009b31mred", "31mred")]
    [InlineData("a\u0000\u0007\u007fb", "ab")]
    [InlineData("\u202egnp.exe\u202c", "gnp.exe")]
    [InlineData("\u2066\u2067\u2068\u2069\u200e\u200f\u061ca", "a")]
    [InlineData("\v\f", "")]
    public void Attack_77_Nothing_forges_a_line_or_colours_a_shell(string text, string line) => Assert.Equal(line, PlainLine.Of(text));
}
