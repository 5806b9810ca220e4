using System.Runtime.InteropServices;
using System.Text;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>How much of the store's files is of one log.</summary>
internal static class RocksSizes
{
    /// <summary>See <see cref="ILogSpace.SizeOf"/>.</summary>
    public static long Of(RocksDb db, LogName log)
    {
        DiskReads.Assert();
        var name = Encoding.ASCII.GetBytes(log.Value);
        using Pinned from = new(LogRecords.Prefix(name)), end = new(LogRecords.End(name));
        using Pinned starts = new(new[] { from.Address }), ends = new(new[] { end.Address });
        using Pinned startLengths = new(new[] { (nint)from.Length }), endLengths = new(new[] { (nint)end.Length });
        var sizes = new long[1];
        using Pinned answer = new(sizes);
        Native.Instance.rocksdb_approximate_sizes(
            db.Handle, 1, starts.Address, startLengths.Address, ends.Address, endLengths.Address, answer.Address, out var error);
        if (error != 0)
        {
            Native.Instance.rocksdb_free(error);
            throw new IOException("The event log does not tell how large it is.");
        }

        return sizes[0];
    }

    private sealed class Pinned(Array array) : IDisposable
    {
        private GCHandle _handle = GCHandle.Alloc(array, GCHandleType.Pinned);

        public nint Address => _handle.AddrOfPinnedObject();

        public int Length => array.Length;

        public void Dispose() => _handle.Free();
    }
}
