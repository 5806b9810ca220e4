using System.Reflection;
using System.Text.RegularExpressions;

namespace WebMessenger.Broker.Tests.Architecture;

/// <summary>
/// What a reader has to hold in mind at once: the length of files and of comments' lines, and in how many files a class lies.
/// </summary>
public sealed partial class SizeTests
{
    private const int LinesOfFile = 400, ColumnsOfComment = 140, FilesOfClass = 2;

    private static readonly string _root = Path.GetFullPath(
        typeof(SizeTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(item => item.Key == "Root").Value!);

    private static IEnumerable<string> Sources => ((string[])["src", "tests"])
        .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(_root, folder), "*.cs", SearchOption.AllDirectories))
        .Select(file => Path.GetRelativePath(_root, file).Replace('\\', '/'))
        .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    [Fact]
    public void No_file_has_more_than_400_lines() =>
        Assert.DoesNotContain(Sources, file => Lines(file).Length > LinesOfFile);

    [Fact]
    public void No_comment_reaches_beyond_column_140() => Assert.Empty(Sources
        .SelectMany(file => Lines(file).Select((line, at) => (Line: line, Place: $"{file}:{at + 1}")))
        .Where(one => one.Line.Length > ColumnsOfComment && one.Line.TrimStart().StartsWith("//", StringComparison.Ordinal))
        .Select(one => one.Place));

    [Fact]
    public void No_class_lies_in_more_than_two_files()
    {
        var parts = Sources
            .SelectMany(file => PartialClass().Matches(File.ReadAllText(Path.Combine(_root, file)))
                .Select(match => (Class: $"{Path.GetDirectoryName(file)}: {match.Groups[1].Value}", File: file)))
            .ToLookup(part => part.Class, part => part.File);

        Assert.NotEmpty(parts);
        Assert.DoesNotContain(parts, files => files.Distinct().Count() > FilesOfClass);
    }

    private static string[] Lines(string file) => File.ReadAllLines(Path.Combine(_root, file));

    [GeneratedRegex(@"\bpartial (?:class|struct|record) (\w+)")]
    private static partial Regex PartialClass();
}
