using System.Reflection;
using System.Text.RegularExpressions;

namespace WebMessenger.Broker.Tests.Architecture;

/// <summary>Rules that only the source shows.</summary>
public sealed partial class SourceTests
{
    private static readonly string _client = Path.Combine(Root(), "src", "WebClient", "src");

    [Fact]
    public void One_file_of_the_web_client_imports_mqtt() =>
        Assert.Single(Files(_client, ".ts", ".svelte", ".js"), file => ImportOfMqtt().IsMatch(File.ReadAllText(file)));

    [Theory]
    [InlineData("{@html")]
    [InlineData("innerHTML")]
    [InlineData("insertAdjacentHTML")]
    [InlineData("document.write")]
    public void What_people_wrote_is_never_made_HTML(string forbidden) =>
        Assert.DoesNotContain(Files(_client, ".ts", ".svelte", ".js"), file => File.ReadAllText(file).Contains(forbidden, StringComparison.Ordinal));

    [GeneratedRegex("""(from|import)\s*\(?\s*['"]mqtt(/[^'"]*)?['"]""")]
    private static partial Regex ImportOfMqtt();

    private static List<string> Files(string folder, params string[] endings)
    {
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => endings.Any(file.EndsWith)).ToList();
        Assert.NotEmpty(files);
        return files;
    }

    private static string Root() => typeof(SourceTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .First(attribute => attribute.Key == "Root").Value!;
}
