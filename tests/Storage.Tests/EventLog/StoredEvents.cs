using System.Text;
using RocksDbSharp;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>Looks at events in the files of a store that is closed.</summary>
internal static class StoredEvents
{
    /// <summary>How many events of a log have their body, from a seq on and below it.</summary>
    public static (long From, long Below) Count(string folder, LogName log, long first)
    {
        var (from, below) = (0L, 0L);
        using var store = RocksDb.OpenReadOnly(new DbOptions(), folder, false);
        using var iterator = store.NewIterator();
        var prefix = LogRecords.Prefix(Encoding.ASCII.GetBytes(log.Value));
        for (iterator.Seek(LogRecords.EventKey(prefix, 0)); iterator.Valid() && iterator.GetKeySpan().StartsWith(prefix) && iterator.GetKeySpan()[prefix.Length] == (byte)'e'; iterator.Next())
        {
            if (LogRecords.ReadEvent(iterator.GetValueSpan()).Body.IsEmpty)
            {
                continue;
            }

            (from, below) = LogRecords.SeqIn(iterator.GetKeySpan()) >= first ? (from + 1, below) : (from, below + 1);
        }

        return (from, below);
    }

    /// <summary>Whether a text is in any file of the store.</summary>
    public static bool HasBytes(string folder, string text) =>
        RocksStore.FilesIn(folder).Any(file => File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0);
}
