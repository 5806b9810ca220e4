using System.Reflection;
using LiteDB;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>Mends LiteDB's buffer pool, which damage breaks for the whole process.</summary>
/// <remarks>
/// LiteDB 5.0.20, ArrayPool.cs: when a bucket is empty, Rent makes an array of just the size asked for, and Return puts it among the larger
/// ones; who is given it later fails with "output byte buffer is too small".
/// A bucket has eight arrays, and a page that cannot be read loses one (BufferReader returns none when it throws).
/// A process with one store has stopped writing by then; a test process goes on to the next store.
/// </remarks>
internal static class LiteDbPool
{
    public static void Mend()
    {
        const BindingFlags hidden = BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance;
        var type = typeof(LiteDatabase).Assembly.GetType("LiteDB.Engine.BufferPool", throwOnError: true)!;
        var pool = type.GetField("_bytePool", hidden)!.GetValue(null)!;
        var buckets = pool.GetType().GetField("_buckets", hidden)!;
        var fresh = buckets.GetValue(Activator.CreateInstance(pool.GetType()))!;
        lock (type.GetField("_lock", hidden)!.GetValue(null)!)
        {
            buckets.SetValue(pool, fresh);
        }
    }
}
