using WebMessenger.Load.Crash;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>A long crash run goes in parts, and goes on from its file.</summary>
public sealed class CrashPartsTests
{
    [Fact]
    public void What_is_done_is_read_back_a_part_that_was_stopped_is_done_again_and_the_figures_are_those_of_one_run()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("webmessenger-").FullName, "crash.json");
        Assert.Null(CrashParts.Read(file));
        CrashParts parts = new(Seed: 5, Wanted: 120, PartKills: 50, [], null);
        parts = parts.With(Part(parts, start: 100, longest: 900)).With(Part(parts, start: 300, longest: 700));
        (parts with { UnderWay = new CrashPartUnderWay(parts.NextSeed, 7, 1234) }).Write(file);

        var again = CrashParts.Read(file)!;
        Assert.Equal((100, 20, 20, parts.NextSeed), (again.Done, again.Left, again.NextKills, again.NextSeed));
        again = again.With(Part(again, start: 200, longest: 800) with { Problems = ["lost"] });

        Assert.Equal((120, 0), (again.Done, again.Left));
        Assert.Equal([120, 200, 900], again.Sum().Figures.Select(figure => figure.Value));
        Assert.Equal(["lost"], again.Sum().Problems);
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    private static CrashPart Part(CrashParts parts, double start, double longest) => new(
        parts.NextSeed, parts.NextKills, [new("SIGKILL", "times", parts.NextKills), new("start, p50", "ms", start), new("start, longest", "ms", longest)], []);
}
