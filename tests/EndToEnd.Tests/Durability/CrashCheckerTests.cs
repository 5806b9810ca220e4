using System.Globalization;
using WebMessenger.Load.Crash;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>The crash suite's checker finds each kind of fault in a record that was doctored, and nothing in one that was not.</summary>
public sealed class CrashCheckerTests
{
    private const string Epoch = "k3f9";

    [Fact]
    public void A_run_without_a_fault_has_none() => Assert.Empty(Run().Check().Faults);

    [Fact]
    public void What_was_acknowledged_and_is_not_in_the_log_is_found()
    {
        var run = Run();
        run.Acknowledge("p0-9", 9);

        run.AssertFound(FaultKind.AcknowledgedLost, "p0-9");
    }

    [Fact]
    public void The_last_event_lost_after_it_was_acknowledged_and_delivered_is_found_as_both()
    {
        var run = Run();
        run.Events.RemoveAt(run.Events.Count - 1);

        Assert.Contains(run.Check().Faults, fault => fault.Kind == FaultKind.AcknowledgedLost);
        Assert.Equal(2, run.Check().Faults.Count(fault => fault.Kind == FaultKind.DeliveredBeforeDurable));
    }

    [Theory]
    [InlineData("p0-1", "another text")]
    [InlineData("another-id", "text of p0-1")]
    public void A_message_that_is_stored_twice_is_found_by_its_id_and_by_its_text(string id, string text)
    {
        var run = Run();
        run.Events.Add(run.Events[0] with { Seq = run.Events.Count + 1, Id = id, Text = text });

        run.AssertFound(FaultKind.StoredTwice, id);
    }

    [Fact]
    public void A_hole_in_the_numbers_is_found()
    {
        var run = Run();
        run.Events.RemoveAt(2);

        run.AssertFound(FaultKind.Hole, "4 comes after 2");
    }

    [Fact]
    public void A_number_that_is_given_twice_is_found()
    {
        var run = Run();
        run.Events.Insert(2, run.Events[1]);

        run.AssertFound(FaultKind.Hole, "2 comes after 2");
    }

    [Fact]
    public void An_event_of_another_epoch_is_found()
    {
        var run = Run();
        run.Events[2] = run.Events[2] with { Epoch = "other" };

        run.AssertFound(FaultKind.Hole, "other");
    }

    [Fact]
    public void A_head_that_is_not_the_last_event_is_found()
    {
        var run = Run();
        run.Head = run.Events.Count + 1;

        run.AssertFound(FaultKind.Hole, "the head is said to be");
    }

    [Fact]
    public void A_message_that_nobody_sent_is_found()
    {
        var run = Run();
        run.Events.Add(run.Events[0] with { Seq = run.Events.Count + 1, Id = "ghost", Text = "boo" });

        run.AssertFound(FaultKind.NeverSaid, "ghost");
    }

    [Fact]
    public void A_message_that_is_stored_with_another_text_or_author_is_found()
    {
        var text = Run();
        text.Events[1] = text.Events[1] with { Text = "changed" };
        var author = Run();
        author.Events[1] = author.Events[1] with { User = "mallory" };

        text.AssertFound(FaultKind.NeverSaid, "p0-2");
        author.AssertFound(FaultKind.NeverSaid, "p0-2");
    }

    [Fact]
    public void Messages_of_one_publisher_that_changed_places_are_found()
    {
        var run = Run();
        (run.Events[0], run.Events[1]) = (run.Events[1] with { Seq = 1 }, run.Events[0] with { Seq = 2 });

        run.AssertFound(FaultKind.StoredOutOfOrder, "p0-1");
    }

    [Theory]
    [InlineData(2, Epoch)]
    [InlineData(1, "other")]
    public void An_acknowledgement_with_another_number_is_found(long seq, string epoch)
    {
        var run = Run();
        run.Record.Acknowledge(0, new Acknowledgement("p0-1", seq, epoch));

        run.AssertFound(FaultKind.WrongNumber, "p0-1");
    }

    [Theory]
    [InlineData(6, Epoch, 6)]
    [InlineData(5, Epoch, 99)]
    [InlineData(5, "other", 5)]
    public void A_delivery_that_is_not_in_the_log_like_that_is_found(long seq, string epoch, ulong content)
    {
        var run = Run();
        run.CatchUp.Moments[^1] = new Moment(MomentKind.Event, 0, seq, epoch, content);

        run.AssertFound(FaultKind.DeliveredBeforeDurable, "catch-up");
    }

    [Fact]
    public void A_catch_up_client_that_gets_an_event_twice_is_found()
    {
        var run = Run();
        run.CatchUp.Moments.Insert(3, run.CatchUp.Moments[2]);

        run.AssertFound(FaultKind.Repeated, "2 came again");
    }

    [Fact]
    public void A_catch_up_client_that_gets_an_earlier_event_is_found()
    {
        var run = Run();
        run.CatchUp.Moments.Add(run.CatchUp.Moments[2]);

        run.AssertFound(FaultKind.OutOfOrder, "2 came after 5");
    }

    [Theory]
    [InlineData(1, "2 came when 1 was next")]
    [InlineData(3, "4 came when 3 was next")]
    [InlineData(5, "everything after 4")]
    public void A_catch_up_client_that_misses_the_first_a_middle_or_the_last_event_is_found(int index, string what)
    {
        var run = Run();
        run.CatchUp.Moments.RemoveAt(index);

        run.AssertFound(FaultKind.Missed, what);
    }

    [Fact]
    public void A_durable_client_may_get_again_what_it_had_but_all_of_it_and_in_order()
    {
        var run = Run();
        run.Durable.Moments.AddRange([Came(MomentKind.Resumed), Event(4), Event(5)]);

        var verdict = run.Check();

        Assert.Empty(verdict.Faults);
        Assert.Equal((2, 2), (verdict.Repeated, verdict.LongestRepeat));
    }

    [Fact]
    public void A_durable_client_that_does_not_get_again_what_it_had_not_acknowledged_is_found()
    {
        var run = Run();

        // It has acknowledged up to 3, and 4 does not come again.
        run.Durable.Moments.AddRange([Came(MomentKind.Resumed), Event(5)]);

        run.AssertFound(FaultKind.Missed, "5 came first");
    }

    [Fact]
    public void A_durable_client_that_misses_what_came_after_its_first_subscribe_is_found()
    {
        var run = Run();
        run.Durable.Moments.RemoveRange(2, 3);

        run.AssertFound(FaultKind.Missed, "3 came first");
    }

    [Fact]
    public void A_durable_client_with_a_gap_in_what_comes_again_is_found()
    {
        var run = Run();
        run.Durable.Moments.AddRange([Came(MomentKind.Resumed), Event(2), Event(4), Event(5)]);

        run.AssertFound(FaultKind.Missed, "4 came when 3 was next");
    }

    [Fact]
    public void A_durable_client_that_gets_events_out_of_order_in_one_connection_is_found()
    {
        var run = Run();
        run.Durable.Moments.AddRange([Came(MomentKind.Resumed), Event(4), Event(5), Event(4)]);

        run.AssertFound(FaultKind.OutOfOrder, "4 came after 5");
    }

    [Fact]
    public void A_durable_client_that_never_gets_the_last_event_is_found()
    {
        var run = Run();
        run.Durable.Moments.RemoveAt(run.Durable.Moments.Count - 1);

        run.AssertFound(FaultKind.Missed, "everything after 4");
    }

    [Fact]
    public void A_durable_client_whose_session_is_gone_is_found()
    {
        var run = Run();
        run.Durable.Moments.AddRange([Came(MomentKind.Connected), Event(4), Event(5)]);

        run.AssertFound(FaultKind.SessionLost, "durable");
    }

    [Fact]
    public void A_reset_is_found()
    {
        var run = Run();
        run.CatchUp.Moments.Insert(1, new Moment(MomentKind.Reset, 0, 5, Epoch, 0));

        run.AssertFound(FaultKind.ResetForNothing, "catch-up");
    }

    [Fact]
    public void What_was_noticed_on_the_way_is_among_the_faults()
    {
        var run = Run();
        run.Record.Notice(FaultKind.BadLife, "exit code 1");

        run.AssertFound(FaultKind.BadLife, "exit code 1");
    }

    /// <summary>
    /// Five messages, acknowledged; heard by one client that keeps its own place and by one whose place the server keeps.
    /// </summary>
    private static DoctoredRun Run()
    {
        DoctoredRun run = new();
        for (var seq = 1; seq <= 5; seq++)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"p0-{seq}");
            run.Record.Say(new Said(id, 0, "ana", 0, seq, $"text of {id}"));
            run.Acknowledge(id, seq);
            run.Events.Add(new StoredEvent(seq, Epoch, IsMessage: true, id, "ana", $"text of {id}", (ulong)seq));
        }

        run.CatchUp.Moments.AddRange([Came(MomentKind.Connected), Event(1), Event(2), Event(3), Event(4), Event(5)]);
        run.Durable.Moments.AddRange(
        [
            Came(MomentKind.Connected), new Moment(MomentKind.Subscribed, 0, 0, "", 0), Event(1), LetGo(1), Event(2), Event(3), LetGo(2), LetGo(3), Event(4), Event(5),
        ]);
        return run;
    }

    private static Moment Came(MomentKind kind) => new(kind, -1, 0, "", 0);

    private static Moment Event(long seq) => new(MomentKind.Event, 0, seq, Epoch, (ulong)seq);

    private static Moment LetGo(long seq) => new(MomentKind.Acknowledged, 0, seq, "", 0);

    private sealed class DoctoredRun
    {
        public DoctoredRun() => Record.Hearings.AddRange([CatchUp, Durable]);

        public CrashRecord Record { get; } = new();

        public List<StoredEvent> Events { get; } = [];

        public Hearing CatchUp { get; } = new("the catch-up client", IsDurable: false);

        public Hearing Durable { get; } = new("the durable client", IsDurable: true);

        /// <summary>Null: the last event.</summary>
        public long? Head { get; set; }

        public void Acknowledge(string id, long seq) => Record.Acknowledge(0, new Acknowledgement(id, seq, Epoch));

        public Verdict Check() => Checker.Check(Record, [new StoredRoom(0, Epoch, Head ?? Events[^1].Seq, Events)]);

        public void AssertFound(FaultKind kind, string what) =>
            Assert.Contains(Check().Faults, fault => fault.Kind == kind && fault.What.Contains(what, StringComparison.Ordinal));
    }
}
