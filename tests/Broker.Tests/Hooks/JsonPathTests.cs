using System.Text.Json;
using WebMessenger.Broker.Hooks;

namespace WebMessenger.Broker.Tests.Hooks;

/// <summary>A path leads to what is there, and to nothing where nothing is.</summary>
public sealed class JsonPathTests
{
    [Theory]
    [InlineData("a", """{"a":5}""", "5")]
    [InlineData("a.b[1]", """{"a":{"b":[1,"two"]}}""", "two")]
    [InlineData("a.b", """{"a":7}""", "")]
    [InlineData("a[2]", """{"a":[1]}""", "")]
    [InlineData("value", """{"value":"\ud800"}""", "")]
    [InlineData("value", """{"v\u0061lue":"x"}""", "x")]
    // No Unicode text, and JSON all the same: a name that nothing can be compared with.
    [InlineData("value", """{"\ud800":1}""", "")]
    [InlineData("value", """{"value":3,"\udc00":1}""", "")]
    [InlineData("a.value", """{"a":{"v\ud800":1}}""", "")]
    public void A_path_finds_what_it_leads_to(string path, string json, string found)
    {
        Assert.True(JsonPath.TryParse(path, out var parsed));
        using var document = JsonDocument.Parse(json);

        Assert.Equal(found, parsed.Read(document.RootElement));
    }
}
