using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

internal static class JournalCheck
{
    /// <summary>The journal, from its beginning, tells of each event of a log once, in order, and of nothing else of it.</summary>
    public static void AssertTellsOf(IJournal journal, LogName log, long head)
    {
        var place = journal.ReadJournal(null, 1).Next with { Number = 0 };
        var told = 0L;
        while (journal.ReadJournal(place, 1_000) is { Batches.Count: > 0 } page)
        {
            Assert.False(page.IsGap);
            foreach (var change in page.Batches.SelectMany(batch => batch.Changes).Where(change => change.Log == log))
            {
                Assert.Equal((JournalKind.Append, told + 1), (change.Kind, change.From));
                told = change.To;
            }

            place = page.Next;
        }

        Assert.Equal(head, told);
    }
}
