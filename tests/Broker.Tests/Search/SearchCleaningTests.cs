using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Search;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Tests.Search;

/// <summary>How much is written to take removed words out of the index.</summary>
public sealed class SearchCleaningTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("search").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void One_tiny_edit_a_second_of_long_messages_has_the_index_write_half_a_megabyte_a_second_and_no_more()
    {
        using var index = FtsSearchIndex.Open(_folder, NullLogger.Instance);
        index.Clear();
        Random random = new(1);
        index.Apply([.. Enumerable.Range(1, 1_500).Select(i =>
            Said(i, string.Join(' ', Enumerable.Range(0, 600).Select(_ => $"w{random.Next(1_000_000)}"))))]);
        FakeTimeProvider time = new();
        SearchCleaning cleaning = new(index, time);

        // The first is cleaned at once, as ever.
        var first = Edit(0);
        Assert.InRange(first, 1024 * 1024, long.MaxValue);
        const int Seconds = 120;
        var written = Enumerable.Range(1, Seconds).Sum(Edit);

        // One more than had time to be rested for, at most.
        Assert.InRange(written, 1, ((long)Seconds * SearchCleaning.BytesPerSecond) + (2 * first));
        for (var i = 0; i < 600; i++)
        {
            time.Advance(SearchCleaning.Period);
            cleaning.Clean();
        }

        Assert.False(index.Clean(ofTables: true, out _));

        long Edit(int number)
        {
            index.Apply([Said(1 + (number * 7), $"tiny edit {number}")]);
            time.Advance(SearchCleaning.Period);
            return cleaning.Clean();
        }
    }

    private static IndexChange.Put Said(long seq, string words) =>
        new(LogName.OfRoom("yard"), seq, DateTimeOffset.UnixEpoch.AddSeconds(seq), words);
}
