using System.Globalization;
using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;

namespace WebMessenger.Broker.Rooms;

/// <summary>What the list of rooms begins with.</summary>
internal enum RoomSort
{
    /// <summary>The rooms with most people.</summary>
    People,

    /// <summary>The rooms in which something happened last.</summary>
    Activity,

    /// <summary>The first of the alphabet.</summary>
    Name,
}

/// <summary>Where a room stands in a list: by a number, the greatest first, then by a text, then by its id.</summary>
internal sealed record RoomPlace(long Value, string Text, string Id) : IComparable<RoomPlace>
{
    public int CompareTo(RoomPlace? other) =>
        other is null ? 1
        : Value != other.Value ? other.Value.CompareTo(Value)
        : string.CompareOrdinal(Text, other.Text) is not 0 and var order ? order
        : string.CompareOrdinal(Id, other.Id);

    /// <summary>A place as <see cref="ToString"/> wrote it; null: nobody wrote it.</summary>
    public static RoomPlace? Parse(string cursor)
    {
        if (cursor.Split('.') is not [var value, var text, { Length: > 0 } id]
            || !long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return null;
        }

        try
        {
            return new RoomPlace(number, Encoding.UTF8.GetString(Convert.FromHexString(text)), id);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Value}.{Convert.ToHexStringLower(Encoding.UTF8.GetBytes(Text))}.{Id}");
}

/// <summary>How many rooms that everybody sees have a tag.</summary>
/// <param name="Tag">As one of the rooms writes it.</param>
internal sealed record TagCount(string Tag, int Rooms);

/// <summary>All rooms, whoever may see them, in one order.</summary>
/// <param name="Tags">The most used ones, the most used first.</param>
/// <param name="Comings">As of which of <see cref="RoomDirectory.Comings"/>.</param>
internal sealed record SortedRooms((RoomPlace Place, Room Room)[] Rooms, TagCount[] Tags, int Comings)
{
    /// <summary>Those behind a place; null: all.</summary>
    public IEnumerable<(RoomPlace Place, Room Room)> After(RoomPlace? place)
    {
        var (from, to) = (0, place is null ? 0 : Rooms.Length);
        while (from < to)
        {
            var middle = (from + to) / 2;
            (from, to) = Rooms[middle].Place.CompareTo(place) > 0 ? (from, middle) : (middle + 1, to);
        }

        for (; from < Rooms.Length; from++)
        {
            yield return Rooms[from];
        }
    }
}

/// <summary>The rooms in the orders in which they are listed.</summary>
/// <remarks>
/// Sorted when somebody asks, but only so many times a second, as long as no room comes or goes, which accounts do a few times a day:
/// while thousands ask for pages of thousands of rooms, they get the order of a moment before. Thread-safe.
/// </remarks>
internal sealed class RoomOrders(RoomDirectory directory, TimeProvider time)
{
    /// <summary>So often a second they are sorted, whoever asks how often.</summary>
    public const int SortsPerSecond = 4;

    /// <summary>And so often at once.</summary>
    public const int SortsAtOnce = 32;

    private const int MostTags = 20;

    private readonly RateBudget _sorts = new(SortsPerSecond, SortsAtOnce, time);
    private readonly SortedRooms?[] _last = new SortedRooms?[Enum.GetValues<RoomSort>().Length];
    private long _count;

    /// <summary>How often they were sorted since the start.</summary>
    public long Count => Interlocked.Read(ref _count);

    public SortedRooms By(RoomSort sort)
    {
        var last = Volatile.Read(ref _last[(int)sort]);
        var comings = directory.Comings;
        if (last?.Comings == comings && /* guard: how often rooms are sorted */ !_sorts.TryTake(out _))
        {
            return last;
        }

        Interlocked.Increment(ref _count);
        var rooms = directory.All.Select(room => (Place: PlaceOf(room, sort), Room: room)).ToArray();
        Array.Sort(rooms, (one, other) => one.Place.CompareTo(other.Place));
        SortedRooms sorted = new(rooms, TagsOf(rooms.Select(one => one.Room)), comings);
        Volatile.Write(ref _last[(int)sort], sorted);
        return sorted;
    }

    /// <summary>Hours since 1970 in which something happened last, of a room that everybody may read; 0: nobody is told.</summary>
    public static long HourOf(Room room) => RoomPolicy.IsOpenToAll(room) ? room.Activity.Hour : 0;

    private static RoomPlace PlaceOf(Room room, RoomSort sort) => sort switch
    {
        RoomSort.Activity => new(HourOf(room), "", room.Id.Value),
        RoomSort.Name => new(0, SearchText.Of(room.Record.Title), room.Id.Value),
        _ => new(room.People, "", room.Id.Value),
    };

    private static TagCount[] TagsOf(IEnumerable<Room> rooms) =>
    [
        .. rooms
            .Where(room => /* guard: tags of private rooms */ !room.Record.IsPrivate && !room.Record.Policy.Archived)
            .SelectMany(room => room.Record.Tags)
            .GroupBy(SearchText.Of, StringComparer.Ordinal)
            .Select(tag => new TagCount(tag.Min(StringComparer.Ordinal)!, tag.Count()))
            .OrderByDescending(tag => tag.Rooms)
            .ThenBy(tag => tag.Tag, StringComparer.Ordinal)
            .Take(MostTags),
    ];
}
