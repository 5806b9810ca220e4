using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using WebMessenger.Broker.Host;
using WebMessenger.Storage;

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

    [Fact]
    public void Fault_B9_A_moment_in_the_log_is_written_in_one_way_whatever_the_machine()
    {
        var moments =
            from assembly in new[] { typeof(Auth.Accounts.Ban).Assembly, typeof(WebMessengerProgram).Assembly, typeof(FolderSync).Assembly }
            from type in assembly.GetTypes()
            from method in type.GetMethods(BindingFlags.DeclaredOnly | BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            let said = method.GetCustomAttribute<LoggerMessageAttribute>()?.Message
            where said is not null
            from parameter in method.GetParameters()
            where parameter.ParameterType == typeof(DateTimeOffset) || parameter.ParameterType == typeof(DateTime)
            select (said, parameter.Name);

        Assert.NotEmpty(moments);
        Assert.All(moments, moment => Assert.Contains($"{{{moment.Name}:u}}", moment.said, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void One_place_works_out_what_has_come_back_to_a_bucket()
    {
        var refilling = new[] { "Storage", "Auth", "Broker" }
            .SelectMany(project => Directory.EnumerateFiles(Path.Combine(Root(), "src", project), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Where(file => TimeTimesRate().IsMatch(File.ReadAllText(file))).Select(Path.GetFileName);

        Assert.Equal(["TokenBucket.cs"], refilling);
    }

    // A stretch of time that is multiplied by a field, a property or a parameter: what comes back in it. Not by a number.
    [GeneratedRegex("""(Elapsed\w*\(|\.Total(Milliseconds|Seconds|Minutes|Hours|Days)\b|- at\) / )[^;{}]*\*\s*[A-Za-z_]""")]
    private static partial Regex TimeTimesRate();

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
