using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace WebMessenger.Broker.Tests.Architecture;

/// <summary>`tests/guards.json` fits the sources: what `./test.sh --guards` would take out is there, and so are the tests that must turn red.</summary>
public sealed class GuardTableTests
{
    private static readonly string _root = Path.GetFullPath(typeof(GuardTableTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(item => item.Key == "Root").Value!);

    public static TheoryData<string> Guards => [.. Table().Select(guard => guard.GetProperty("guard").GetString()!)];

    [Theory]
    [MemberData(nameof(Guards))]
    public void A_guard_stands_once_in_the_sources_and_its_tests_exist(string name)
    {
        var guard = Table().Single(guard => guard.GetProperty("guard").GetString() == name);
        foreach (var edit in guard.GetProperty("edits").EnumerateArray())
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
        var sources = string.Concat(files.Order().Select(File.ReadAllText));
        foreach (var pattern in guard.GetProperty("tests").EnumerateArray())
        {
            var method = Regex.Match(pattern.GetString()!, @"[A-Z]\w+(?=\*?$)");
            Assert.True(method.Success && Regex.IsMatch(sources, $@"\b{method.Value}\w*\("), $"No test is named {pattern}.");
        }
    }

    /// <summary>All switches are put into one copy of the sources: where one lies over another, none is proved.</summary>
    [Fact]
    public void No_guard_lies_over_another()
    {
        Dictionary<string, string> sources = [];
        var places = Table().SelectMany(guard => guard.GetProperty("edits").EnumerateArray())
            .Select(edit => (File: edit.GetProperty("file").GetString()!, Code: edit.GetProperty("code").GetString()!))
            .Where(edit => !edit.File.StartsWith("src/WebClient/", StringComparison.Ordinal)).Distinct();
        foreach (var (file, code) in places)
        {
            var source = sources.TryGetValue(file, out var switched) ? switched : File.ReadAllText(Path.Combine(_root, file));
            var parts = code.Split('«', '»');
            var plain = string.Concat(parts);
            Assert.True(source.Split(plain).Length == 2, $"Another guard lies over {file}: {code}");
            sources[file] = source.Replace(plain, $"{parts[0]}Switched({parts[1]}){parts[2]}", StringComparison.Ordinal);
        }
    }

    private static JsonElement[] Table() => [.. JsonDocument.Parse(File.ReadAllText(Path.Combine(_root, "tests", "guards.json"))).RootElement.EnumerateArray()];
}
