using System.Globalization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>What is said of a room's people at the end of a second, without a room.</summary>
public sealed class PeopleChangesTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 28, 20, 0, 0, TimeSpan.Zero);

    private readonly RoomPresence _presence = new();
    private readonly PeopleChanges _changes;

    public PeopleChangesTests() => _changes = new PeopleChanges(_presence);

    [Fact]
    public void Who_came_and_went_is_said_once_a_second_and_nothing_when_nothing_has_changed()
    {
        _changes.Listen(before: false, now: true);
        Come(0, 1, 2);
        Go(1);

        var said = _changes.EndOfSecond(null)!;
        Assert.Equal(["u0", "u2"], Users(said.Came));
        Assert.Equal(["u1"], said.Gone);
        Assert.Equal(2, said.Count);
        Assert.Null(_changes.EndOfSecond(null));
    }

    [Fact]
    public void Nothing_is_held_while_nobody_listens()
    {
        Come(0);
        Assert.Null(_changes.EndOfSecond(null));
        _changes.Listen(before: false, now: true);
        Assert.Null(_changes.EndOfSecond(null));
        Come(1);
        _changes.Listen(before: true, now: false);
        _changes.Listen(before: false, now: true);
        Assert.Null(_changes.EndOfSecond(null));
        Assert.Equal(["u0", "u1"], Users(_changes.Named(null)));
    }

    [Fact]
    public void Fault_R1_A_rush_is_told_a_hundred_names_a_second_and_one_beyond_measure_by_the_list()
    {
        _changes.Listen(before: false, now: true);
        Come([.. Enumerable.Range(0, 250)]);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"u{i}"), Users(_changes.EndOfSecond(null)!.Came));
        Assert.Equal(100, _changes.EndOfSecond(null)!.Came.Count);
        Assert.Equal(50, _changes.EndOfSecond(null)!.Came.Count);

        // Each comes and goes under a name of his own.
        for (var i = 1_000; i < 2_100; i++)
        {
            Come(i);
            Go(i);
        }

        var said = _changes.EndOfSecond(null)!;
        Assert.Equal((true, 0, 0, 250), (said.IsAnew, said.Came.Count, said.Gone.Count, said.Count));
        Assert.Null(_changes.EndOfSecond(null));
    }

    [Fact]
    public void Fault_R1_Of_a_crowd_only_the_owner_and_those_who_spoke_lately_are_named()
    {
        _changes.Listen(before: false, now: true);
        Come([.. Enumerable.Range(0, PeopleChanges.NamedUpTo)]);
        _changes.EndOfSecond(Id(7));
        Speak(3);
        Come(5_000);

        Assert.True(_changes.EndOfSecond(Id(7))!.IsAnew);
        Assert.Equal(["u7", "u3"], Users(_changes.Named(Id(7))));

        // They come, and are counted.
        Come([.. Enumerable.Range(5_001, 50)]);
        var counted = _changes.EndOfSecond(Id(7))!;
        Assert.Equal((0, 0, PeopleChanges.NamedUpTo + 51), (counted.Came.Count, counted.Gone.Count, counted.Count));

        // Who speaks is named, five more a second; who goes is named no more.
        Speak([.. Enumerable.Range(100, 8)]);
        Go(3);
        var spoke = _changes.EndOfSecond(Id(7))!;
        Assert.Equal(["u3"], spoke.Gone);
        Assert.Equal(5, spoke.Came.Count);
        Assert.Equal(3, _changes.EndOfSecond(Id(7))!.Came.Count);
        Assert.Null(_changes.EndOfSecond(Id(7)));

        // However many speak, fifty are named: others in the place of those who have been silent for longest.
        for (var i = 0; i < 40; i++)
        {
            Speak([.. Enumerable.Range(200 + (i * 5), 5)]);
            Assert.InRange(_changes.EndOfSecond(Id(7))!.Came.Count, 1, 5);
        }

        Assert.Equal(50, _changes.Named(Id(7)).Count);
        Assert.Contains("u7", Users(_changes.Named(Id(7))));
        Assert.DoesNotContain("u100", Users(_changes.Named(Id(7))));
    }

    [Fact]
    public void A_crowd_that_stands_at_the_bound_is_not_sent_lists_all_the_time()
    {
        _changes.Listen(before: false, now: true);
        Come([.. Enumerable.Range(0, PeopleChanges.NamedUpTo + 1)]);
        Assert.True(_changes.EndOfSecond(null)!.IsAnew);
        for (var i = 0; i < 200; i++)
        {
            Go(i);
            Assert.False(_changes.EndOfSecond(null)!.IsAnew);
        }

        Go(200);
        Assert.True(_changes.EndOfSecond(null)!.IsAnew);
        Assert.Equal(800, _changes.Named(null).Count);
    }

    private static string Id(int number) => string.Create(CultureInfo.InvariantCulture, $"id{number}");

    private static IEnumerable<string> Users(IEnumerable<PresenceWord> words) => words.Select(word => word.User);

    private void Come(params int[] numbers)
    {
        foreach (var number in numbers)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"u{number}");
            var present =
                _presence.Arrived(new Account(Id(number), AccountKind.Guest, Now, new Profile(name, name, null, false)), "guest", Now)!;
            _changes.Changed(new PresenceWord(name, present.ShownAs, Now));
        }
    }

    private void Go(int number)
    {
        var gone = _presence.Left(Id(number), atOnce: true, Now)!;
        _changes.Changed(new PresenceWord(gone.ShownAs.User, null, default));
    }

    private void Speak(params int[] numbers)
    {
        foreach (var number in numbers)
        {
            _changes.Spoke(Id(number));
        }
    }
}
