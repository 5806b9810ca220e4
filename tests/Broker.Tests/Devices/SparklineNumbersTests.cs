using System.Text;
using WebMessenger.Broker.Devices;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Which numbers a value says, whatever its publisher sends.</summary>
public sealed class SparklineNumbersTests
{
    [Theory]
    [InlineData("21.5", "=21.5")]
    [InlineData(" -3e2\n", "=-300")]
    [InlineData("007", "=7")]
    [InlineData("""{"temperature":21.5,"humidity":40,"state":"ON","on":true,"gone":null}""", "temperature=21.5 humidity=40")]
    [InlineData("""{"a":{"b":1,"c":[1,2]},"d":[3],"e":4}""", "e=4")]
    [InlineData("""{"a":1,"b":2,"a":3}""", "a=3 b=2")]
    [InlineData("""{"caf\u00e9":1}""", "café=1")]
    [InlineData("""{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9}""", "a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8")]
    public void A_plain_number_and_the_numbers_of_an_object_are_said(string payload, string expected) => Assert.Equal(expected, NumbersOf(payload));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("ON")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("-∞")]
    [InlineData("1e999")]
    [InlineData("-1e39")]
    [InlineData("0x10")]
    [InlineData("1,5")]
    [InlineData("1 2")]
    [InlineData("1\0")]
    [InlineData("\"1\"")]
    [InlineData("[1]")]
    [InlineData("-")]
    [InlineData("{}")]
    [InlineData("""{"a":NaN}""")]
    [InlineData("""{"a":1e999}""")]
    [InlineData("""{"a":1""")]
    [InlineData("""{"a":1}}""")]
    [InlineData("""{"a":1} {"b":2}""")]
    [InlineData("""{"a":1,}""")]
    [InlineData("""{"":1}""")]
    [InlineData("""{"\ud800":1}""")]
    public void What_is_no_finite_number_says_none(string payload) => Assert.Equal("", NumbersOf(payload));

    [Fact]
    public void What_is_large_deep_or_has_names_that_are_no_text_is_not_taken()
    {
        var longest = new string('n', SparklineNumbers.LongestName);
        Assert.Equal($"{longest}=1", NumbersOf($$"""{"{{longest}}":1,"{{longest}}n":2}"""));
        Assert.Equal("a=1", NumbersOf("{\"a\":1" + new string(' ', SparklineNumbers.LongestPayload - 7) + "}"));
        Assert.Equal("", NumbersOf("{\"a\":1" + new string(' ', SparklineNumbers.LongestPayload - 6) + "}"));
        Assert.Equal("", NumbersOf(new string('1', 65)));
        Assert.Equal("", NumbersOf("{\"a\":1,\"b\":" + new string('[', 100) + new string(']', 100) + "}"));
        Assert.Equal("b=2", NumbersOf([.. "{\""u8, 0xFF, .. "\":1,\"b\":2}"u8]));
    }

    private static string NumbersOf(string payload) => NumbersOf(Encoding.UTF8.GetBytes(payload));

    private static string NumbersOf(byte[] payload)
    {
        SparklineNumbers numbers = default;
        numbers.Read(payload);
        List<string> said = [];
        for (var i = 0; i < numbers.Count; i++)
        {
            said.Add(FormattableString.Invariant($"{Encoding.UTF8.GetString(numbers.NameOf(i))}={numbers.ValueOf(i)}"));
        }

        return string.Join(' ', said);
    }
}
