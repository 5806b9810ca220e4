using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Load.Measuring;

namespace WebMessenger.Load.Crash;

/// <summary>
/// What is done of a long run that goes in parts, as its file keeps it: whoever stops it at any moment goes on from there.
/// </summary>
/// <param name="Seed">Of the whole; each part's follows from it.</param>
/// <param name="Wanted">Kills in all.</param>
/// <param name="PartKills">Kills between two checks. A part that was stopped before its check is done again.</param>
/// <param name="Parts">Those that were checked, in order.</param>
/// <param name="UnderWay">How far the part that is not checked yet has come; null: none.</param>
internal sealed record CrashParts(int Seed, int Wanted, int PartKills, IReadOnlyList<CrashPart> Parts, CrashPartUnderWay? UnderWay)
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    [JsonIgnore]
    public int Done => Parts.Sum(part => part.Kills);

    [JsonIgnore]
    public int Left => Wanted - Done;

    [JsonIgnore]
    public int NextKills => Math.Min(PartKills, Left);

    [JsonIgnore]
    public int NextSeed => unchecked(Seed + (Parts.Count * 7919)) & int.MaxValue;

    /// <summary>Null: there is no such file yet.</summary>
    /// <exception cref="LoadException">It is no file of ours.</exception>
    public static CrashParts? Read(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<CrashParts>(File.ReadAllText(file), Format) is { PartKills: > 0, Parts: not null } parts ? parts : throw new JsonException();
        }
        catch (JsonException)
        {
            throw new LoadException($"{file} is no record of crash --resume.");
        }
    }

    public CrashParts With(CrashPart part) => this with { Parts = [.. Parts, part], UnderWay = null };

    /// <summary>All of it or what was there before: it is written beside and put in place.</summary>
    public void Write(string file)
    {
        File.WriteAllText(file + ".new", JsonSerializer.Serialize(this, Format) + "\n");
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <summary>The figures of all parts as those of one run: sums, the longest of what is longest, and of medians the median.</summary>
    public Outcome Sum() => new(
        [.. Parts[0].Figures.Select(figure => figure with { Value = Together(figure.Name, [.. Parts.Select(part => part.Figures.First(one => one.Name == figure.Name).Value)]) })],
        [.. Parts.SelectMany(part => part.Problems)]);

    private static double Together(string name, double[] values)
    {
        if (name.Contains("p50", StringComparison.Ordinal))
        {
            Array.Sort(values);
            return values[values.Length / 2];
        }

        return name.Contains("longest", StringComparison.Ordinal) ? values.Max() : values.Sum();
    }
}

/// <summary>A part that was checked: its own seed, which repeats its chances, and what came of it.</summary>
internal sealed record CrashPart(int Seed, int Kills, IReadOnlyList<Figure> Figures, IReadOnlyList<string> Problems);

/// <summary>Written after each kill.</summary>
internal sealed record CrashPartUnderWay(int Seed, int Kills, int Acknowledged);
