using System.Globalization;

namespace WebMessenger.Load.Generator;

/// <summary>Names of the rooms that are used for measuring.</summary>
internal static class RoomTopic
{
    public static string IdOf(int room) => string.Create(CultureInfo.InvariantCulture, $"load-{room}");

    /// <summary>The opposite of <see cref="IdOf"/>.</summary>
    public static int NumberOf(ReadOnlySpan<char> id) => int.Parse(id["load-".Length..], NumberStyles.None, CultureInfo.InvariantCulture);

    public static string Of(int room) => "rooms/" + IdOf(room);
}
