using System.Globalization;

namespace WebMessenger.Broker.Settings;

/// <summary>The file `clock` of the data folder: when the server last ran, for a machine whose clock forgets it.</summary>
internal static class ClockFile
{
    public const string Name = "clock";

    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>Null: there is none, or it cannot be read. Then the system's clock is all there is.</summary>
    public static DateTimeOffset? Read(string dataFolder)
    {
        try
        {
            return DateTimeOffset.TryParseExact(
                File.ReadAllText(PathIn(dataFolder)).Trim(),
                Format,
                CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
                ? time
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Not synced, and nothing when the disk is full: a time that is a minute or a day old does as well.</summary>
    public static void Write(string dataFolder, DateTimeOffset now)
    {
        try
        {
            var path = PathIn(dataFolder);
            File.WriteAllText(path + ".new", now.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture) + "\n");
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // See above.
        }
    }

    private static string PathIn(string dataFolder) => Path.Combine(dataFolder, Name);
}
