using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Tests.Architecture;

/// <summary>What operators are told of limits is what the program does, and what is said to be tested is.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string _root = Path.GetFullPath(typeof(DocumentationTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .First(item => item.Key == "Root").Value!);

    private static readonly Assembly[] _product =
        [typeof(WebMessenger.Storage.FolderSync).Assembly, typeof(Auth.Accounts.Account).Assembly, typeof(WebMessenger.Cluster.ClusterHouse).Assembly, typeof(BrokerLimits).Assembly];

    private static readonly string[] _files =
    [
        .. new[] { "Storage", "Cluster", "Auth", "Broker" }
            .SelectMany(project => Directory.EnumerateFiles(Path.Combine(_root, "src", project), "*.cs", SearchOption.AllDirectories)),
    ];

    private static readonly PropertyInfo[] _limits = [.. typeof(BrokerLimits).GetProperties().Where(property => property.CanWrite)];

    /// <summary>The rows of "What anybody can hold", without its head.</summary>
    private static string[] Held => [.. Section("security.md", "## What anybody can hold").Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1)];

    [Fact]
    public void Each_limit_is_in_the_table_once_with_its_default()
    {
        var said = Section("operating.md", "## Limits").Select(line => Setting().Match(line)).Where(match => match.Success)
            .Select(match => $"{match.Groups[1].Value} {match.Groups[2].Value}").Order(StringComparer.Ordinal);

        BrokerLimits defaults = new();
        Assert.Equal(
            _limits.Select(property => string.Create(CultureInfo.InvariantCulture, $"{property.Name} {property.GetValue(defaults)}")).Order(StringComparer.Ordinal),
            said);
    }

    [Fact]
    public void Each_limit_is_in_the_file_that_ships()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Path.Combine(_root, "appsettings.json")));

        Assert.Equal(
            _limits.Select(property => property.Name).Order(StringComparer.Ordinal),
            file.RootElement.GetProperty("WebMessenger").GetProperty("Limits").EnumerateObject().Select(limit => limit.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Whatever_anybody_can_hold_has_a_bound_that_is_tested()
    {
        var sources = string.Concat(Directory.EnumerateFiles(Path.Combine(_root, "tests"), "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        Assert.True(Held.Length > 50);
        Assert.All(Held, row =>
        {
            var cells = row.Split('|', StringSplitOptions.TrimEntries);
            Assert.True(cells.Length == 8, row);
            Assert.All(Quoted(cells[5]), name => Assert.Contains(_limits, property => property.Name == name));
            var tests = Quoted(cells[6]);
            Assert.True(tests.Length > 0, $"No test: {row}");
            Assert.All(tests, name => Assert.True(
                name.Split('.') is [.., var method] && Regex.IsMatch(sources, $@"\b{method.TrimEnd('*')}{(method.EndsWith('*') ? "\\w*" : "")}\("),
                $"There is no test {name}."));
        });
    }

    [Fact]
    public void The_way_of_a_message_reads_downwards_through_fifteen_files()
    {
        var way = string.Join(' ', Section("architecture.md", "## The way of a message").SkipWhile(line => line.Length == 0).TakeWhile(line => line.Length > 0));
        var classes = Quoted(way);

        Assert.InRange(classes.Length, 8, 15);
        Assert.Distinct(classes);
        Assert.All(classes, name => Assert.Contains(_files, file => Path.GetFileName(file) == name + ".cs"));
    }

    [Fact]
    public void Each_class_that_the_architecture_names_exists_and_has_the_member_that_it_names()
    {
        var types = _product.SelectMany(assembly => assembly.GetTypes()).GroupBy(type => type.Name.Split('`')[0]).ToDictionary(types => types.Key);
        var folders = _files.Select(file => Path.GetFileName(Path.GetDirectoryName(file)!)).ToHashSet();
        var others = _limits.Select(limit => limit.Name).Append(nameof(LayerTests)).ToHashSet();
        var page = Section("architecture.md", "## The page").ToList();
        var named = File.ReadLines(Path.Combine(_root, "docs", "architecture.md")).Except(page)
            .SelectMany(line => NamedClass().Matches(line)).Select(match => (Class: match.Groups[1].Value, Member: match.Groups[2].Value)).ToHashSet();

        Assert.True(named.Count > 80);
        Assert.All(named, one =>
        {
            if (one.Member == "cs")
            {
                Assert.Contains(_files, file => Path.GetFileName(file) == one.Class + ".cs");
            }
            else if (!folders.Contains(one.Class) && !others.Contains(one.Class))
            {
                Assert.True(types.TryGetValue(one.Class, out var having), $"There is no {one.Class}.");
                Assert.True(one.Member == "" || having.Any(type => Has(type, one.Member)), $"{one.Class} has no {one.Member}.");
            }
        });
    }

    private static bool Has(Type? type, string member) => type is not null && (type.GetMembers(
        BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic).Any(one => one.Name == member) || Has(type.BaseType, member));

    private static string[] Quoted(string cell) => [.. cell.Split('`').Where((_, index) => index % 2 == 1)];

    private static IEnumerable<string> Section(string file, string heading) => File.ReadLines(Path.Combine(_root, "docs", file))
        .SkipWhile(line => line != heading).Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal));

    /// <summary>`Writer`, `Writer.Gate`, `Buckets._gate`, `IEventLog.SettleAsync`; not `DELETE /api/session`.</summary>
    [GeneratedRegex("`([A-Z][A-Za-z0-9]+)(?:\\.(\\w+))?`")]
    private static partial Regex NamedClass();

    [GeneratedRegex("^\\| `(\\w+)` \\| (\\d+) \\|")]
    private static partial Regex Setting();
}
