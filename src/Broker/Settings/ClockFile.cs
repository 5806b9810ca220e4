using System.Globalization;

namespace WebMessenger.Broker.Settings;

/// <summary>The file `clock` of the data folder: when the server last ran, for a machine whose clock forgets it.</summary>
/// <remarks>Where some of that time is doubted, a second line says how much.</remarks>
internal static class ClockFile
{
    public const string Name = "clock";

    private const string DoubtFormat = "c";
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>Null: there is none, or it cannot be read. Then the system's clock is all there is.</summary>
    public static (DateTimeOffset Now, TimeSpan Doubted)? Read(string dataFolder)
    {
        try
        {
            var lines = File.ReadAllLines(PathIn(dataFolder));
            if (lines is not [var now, ..]
                || !DateTimeOffset.TryParseExact(now, Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            {
                return null;
            }

            return lines is [_, var second, ..]
                && TimeSpan.TryParseExact(second, DoubtFormat, CultureInfo.InvariantCulture, out var doubted)
                && doubted > TimeSpan.Zero
                ? (time, doubted)
                : (time, TimeSpan.Zero);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Not synced, and nothing when the disk is full: a time that is a minute or a day old does as well.</summary>
    public static void Write(string dataFolder, DateTimeOffset now, TimeSpan doubted = default)
    {
        try
        {
            var path = PathIn(dataFolder);
            var time = now.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture) + "\n";
            var doubt = doubted > TimeSpan.Zero ? doubted.ToString(DoubtFormat, CultureInfo.InvariantCulture) + "\n" : "";
            File.WriteAllText(path + ".new", time + doubt);
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // See above.
        }
    }

    private static string PathIn(string dataFolder) => Path.Combine(dataFolder, Name);
}
