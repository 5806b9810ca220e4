using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Operator;

/// <summary>One file of a backup, its path relative to the backup's folder and with forward slashes.</summary>
internal sealed record BackupFile(string Path, long Bytes, string Sha256);

/// <summary>What a backup holds: written last, so that a folder without it is no backup, or one that was not finished.</summary>
/// <param name="Format">Of this file and of the folder. 1.</param>
/// <param name="Program">Version of the program that made it.</param>
/// <param name="EventsFormat">Of the event log's store.</param>
/// <param name="Begun">All that was acknowledged before is in the backup.</param>
internal sealed partial record BackupManifest(int Format, string Program, int EventsFormat, DateTimeOffset Begun, DateTimeOffset Finished, IReadOnlyList<BackupFile> Files)
{
    public const int CurrentFormat = 1;

    private const string FileName = "manifest.json";

    private static readonly string[] _needed = ["accounts.db", "accounts.db.log", "rooms/CURRENT"];

    public static string ProgramVersion { get; } = typeof(BackupManifest).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public long Bytes => Files.Sum(file => file.Bytes);

    /// <summary>As people say it: `4.1 kB`, `44.0 MB`.</summary>
    public static string Sized(long bytes) =>
        bytes < 1_000_000
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:F1} kB")
            : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F1} MB");

    public static BackupManifest Of(DateTimeOffset begun, DateTimeOffset finished, IReadOnlyList<BackupFile> files) =>
        new(CurrentFormat, ProgramVersion, LogRecords.Format, begun, finished, files);

    public void Write(string folder)
    {
        using (FileStream file = new(Path.Combine(folder, FileName), FileMode.CreateNew))
        {
            JsonSerializer.Serialize(file, this, ManifestJson.Default.BackupManifest);
            file.Flush(flushToDisk: true);
        }

        FolderSync.Run(folder);
    }

    /// <exception cref="CommandException">The folder is no backup that this program can restore.</exception>
    public static BackupManifest Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        BackupManifest manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(File.ReadAllBytes(path), ManifestJson.Default.BackupManifest)
                ?? throw new CommandException($"{path} is damaged. Use another backup.");
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandException($"{folder} is no backup, or one that was not finished: it has no {FileName}.", error);
        }
        catch (JsonException error)
        {
            throw new CommandException($"{path} is damaged. Use another backup.", error);
        }

        if (manifest.Format > CurrentFormat || manifest.EventsFormat > LogRecords.Format)
        {
            throw new CommandException($"{folder} was made by version {manifest.Program} of this program, which is newer than this one ({ProgramVersion}). Restore it with that version.");
        }

        var isWhole = manifest.Format == CurrentFormat
            && manifest.Files.All(file => KnownPath().IsMatch(file.Path) && file.Sha256 is not null)
            && manifest.Files.DistinctBy(file => file.Path).Count() == manifest.Files.Count
            && _needed.All(needed => manifest.Files.Any(file => file.Path == needed));
        return isWhole ? manifest : throw new CommandException($"{path} is damaged. Use another backup.");
    }

    /// <summary>What a backup may put into a data folder, whatever its manifest says.</summary>
    [GeneratedRegex(@"^(accounts\.db|accounts\.db\.log|rooms/[A-Za-z0-9_-][A-Za-z0-9._-]*)\z")]
    private static partial Regex KnownPath();
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(BackupManifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;
