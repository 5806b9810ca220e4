using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace WebMessenger.Broker.Tests.Architecture;

/// <summary>
/// `tests/guards.json` fits the sources: what `./test.sh --guards` would take out is there, and so are the tests that must turn red.
/// </summary>
public sealed class GuardTableTests
{
    private static readonly string _root = Path.GetFullPath(typeof(GuardTableTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(item => item.Key == "Root").Value!);

    private static readonly string[] _markers =
    [
        .. Directory.EnumerateFiles(Path.Combine(_root, "src"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Regex.Matches(File.ReadAllText(file), @"/\* guard: (.+?) \*/ |// guard: (.+)"))
            .Select(found => (found.Groups[1].Success ? found.Groups[1] : found.Groups[2]).Value.TrimEnd()),
    ];

    public static TheoryData<string> Guards => [.. Table().Select(guard => guard.GetProperty("guard").GetString()!)];

    [Theory]
    [MemberData(nameof(Guards))]
    public void A_guard_stands_once_in_the_sources_and_its_tests_exist(string name)
    {
        var guard = Table().Single(guard => guard.GetProperty("guard").GetString() == name);
        var places = guard.TryGetProperty("edits", out var edits) ? edits.GetArrayLength() : guard.TryGetProperty("off", out _) || guard.TryGetProperty("instead", out _) ? 1 : 0;
        string[] names = places == 1 ? [name] : [.. Enumerable.Range(1, places).Select(number => $"{name} ({number})")];
        Assert.All(names, marked => Assert.Single(_markers, marked.Equals));
        var pages = guard.TryGetProperty("pages", out var ofPages) ? ofPages.EnumerateArray().ToArray() : [];
        Assert.NotEqual(0, places + pages.Length);
        foreach (var edit in pages)
        {
            var file = edit.GetProperty("file").GetString()!;
            var marked = edit.GetProperty("code").GetString()!;
            var times = File.ReadAllText(Path.Combine(_root, file)).Split(marked.Replace("«", "", StringComparison.Ordinal).Replace("»", "", StringComparison.Ordinal)).Length - 1;
            Assert.True(times == 1, $"{file} has {times} times: {marked}");
            Assert.Matches("^[^«»]*«[^«»]+»[^«»]*$", marked);
        }

        var folder = Path.Combine(_root, "tests", guard.GetProperty("project").GetString()!);
        // Suites that every implementation passes have their tests in a contract.
        var files = Directory.EnumerateFiles(folder, "*Tests.cs", SearchOption.AllDirectories).Concat(Directory.EnumerateFiles(folder, "*Contract.cs", SearchOption.AllDirectories));
        if (guard.GetProperty("project").GetString() == "Cluster.Tests")
        {
            files = files.Concat(Directory.EnumerateFiles(Path.Combine(_root, "tests", "Storage.Tests"), "*Contract.cs", SearchOption.AllDirectories));
        }

        var sources = string.Concat(files.Order().Select(File.ReadAllText));
        foreach (var pattern in guard.GetProperty("tests").EnumerateArray())
        {
            var method = Regex.Match(pattern.GetString()!, @"[A-Z]\w+(?=\*?$)");
            Assert.True(method.Success && Regex.IsMatch(sources, $@"\b{method.Value}\w*\("), $"No test is named {pattern}.");
        }
    }

    [Fact]
    public void Every_guard_of_the_sources_is_in_the_table()
    {
        var known = Table().Select(guard => guard.GetProperty("guard").GetString()).ToHashSet();

        Assert.NotEmpty(_markers);
        Assert.All(_markers, marked => Assert.Contains(Regex.Replace(marked, @" \(\d+\)$", ""), known));
    }

    private static JsonElement[] Table() => [.. JsonDocument.Parse(File.ReadAllText(Path.Combine(_root, "tests", "guards.json"))).RootElement.EnumerateArray()];
}
