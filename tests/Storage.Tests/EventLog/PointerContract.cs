using System.Buffers.Binary;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>What every implementation of <see cref="IEventLog"/> keeps to where an event has entries in other logs that name it.</summary>
public abstract class PointerContract : LogSuite
{
    private static readonly LogName _one = LogName.OfAccount("one");
    private static readonly LogName _two = LogName.OfAccount("two");
    private static readonly LogName _both = LogName.OfConversation("two", "one");

    [Fact]
    public async Task An_event_and_its_pointers_are_stored_together_each_with_a_number_of_its_log()
    {
        await Say("what was said before", log: _two);
        Said said = new(_both, Bytes("hello"), [new(_one, Bytes("a ")), new(_two, Bytes("b "))]);
        Said next = new(_both, Bytes("again"), [new(_one, Bytes("a "))]);
        Log.Append(said);
        Log.Append(next);
        await next.Done;

        Assert.Equal((AppendOutcome.Stored, 1L, 1L, 2L), (said.Outcome, said.Seq, said.Pointers[0].Seq, said.Pointers[1].Seq));
        for (var look = 0; look < 2; look++)
        {
            Assert.Equal([("a ", 1L), ("a ", 2L)], Pointers(_one));
            Assert.Equal(("b ", 1L), Pointers(_two)[^1]);
            Assert.Equal(["ana", "ana"], Log.ReadAfter(_one, 0, 10).Entries.Select(entry => entry.Author));
            Assert.Equal(Log.Head(_two).Epoch, said.Pointers[1].Epoch);
            await ReopenAsync();
        }
    }

    [Fact]
    public async Task What_is_not_stored_has_no_pointers()
    {
        Said first = new(_both, Bytes("hello"), [new(_one, Bytes("a "))], "id");
        Said again = new(_both, Bytes("hello"), [new(_one, Bytes("a "))], "id");
        Said nowhere = new(_both, Bytes("hello"), [new(_one, Bytes("a "), inPlaceOf: 99)]);
        foreach (var one in new[] { first, again, nowhere })
        {
            Log.Append(one);
            await one.Done;
        }

        Assert.Equal([AppendOutcome.Stored, AppendOutcome.Duplicate, AppendOutcome.Conflict], new[] { first, again, nowhere }.Select(one => one.Outcome));
        Assert.Single(Pointers(_one));
        Assert.Equal(1, Log.Head(_both).Head);
    }

    [Fact]
    public async Task A_pointer_takes_the_place_of_an_entry_which_keeps_all_but_its_body_and_the_event_its_time()
    {
        var before = await Say("text", "m1", log: _one);
        Time.Advance(TimeSpan.FromHours(1));
        Said moved = new(_both, Bytes("text"), [new(_one, Bytes("a "), inPlaceOf: 1)]) { SaidAt = before.At };
        Log.Append(moved);
        await moved.Done;

        for (var look = 0; look < 2; look++)
        {
            Assert.Equal([("a ", 1L)], Pointers(_one));
            var entry = Log.ReadAfter(_one, 0, 1).Entries[0];
            Assert.Equal((1L, before.At, "ana", 0L), (entry.Seq, entry.At, entry.Author, entry.ChangedBy));
            Assert.Equal(before.At, Log.ReadAfter(_both, 0, 1).Entries[0].At);
            Assert.Equal((before.Epoch, 1L), (Log.Head(_one).Epoch, Log.Head(_one).Head));
            await ReopenAsync();
        }
    }

    private List<(string Beginning, long Seq)> Pointers(LogName log) =>
    [
        .. Log.ReadAfter(log, 0, 10).Entries.Select(entry => (
            System.Text.Encoding.UTF8.GetString(entry.Body.Span[..^8]), BinaryPrimitives.ReadInt64BigEndian(entry.Body.Span[^8..]))),
    ];

    private sealed class Said : PendingAppend
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Said(LogName log, byte[] body, EventPointer[] pointers, string? id = null)
            : base(log, "ana", id, default, body) => Pointers = pointers;

        public Task Done => _done.Task;

        protected override void Completed() => _done.SetResult();
    }
}
