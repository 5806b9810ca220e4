using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace WebMessenger.Storage;

/// <summary>
/// Says where nobody may wait for a disk, and proves it: in the tests each read of a store asks whether it may be made there.
/// </summary>
/// <remarks>
/// A read may not be made under a lock that others need to go on (<see cref="NoneUnder"/>), nor on the thread that serves all sockets
/// (<see cref="Forbid"/>). Proving is switched on by the property <see cref="Switch"/> of the program. Without it the compiler leaves all
/// of this out.
/// </remarks>
internal static class DiskReads
{
    public const string Switch = "WebMessenger.ProveReads";

    private static readonly bool _isProving = AppContext.TryGetSwitch(Switch, out var isOn) && isOn;

    // Weak: a lock goes with the client or room that it belongs to.
    private static readonly ConditionalWeakTable<Lock, string> _locks = [];
    private static readonly ConcurrentDictionary<string, int> _wrong = new();

    [ThreadStatic]
    private static int t_forbidden;

    public static bool IsProving => _isProving;

    /// <summary>Where reads were made that may not be, each place once: why not, and the stack.</summary>
    public static ICollection<string> Wrong => _wrong.Keys;

    /// <summary>Returns the lock; from now on no read may be made under it.</summary>
    /// <param name="name">Where it was made, for whoever has to mend a wrong read.</param>
    public static Lock NoneUnder(Lock gate, [CallerFilePath] string name = "")
    {
        if (_isProving)
        {
            _locks.Add(gate, Path.GetFileNameWithoutExtension(name));
        }

        return gate;
    }

    /// <summary>From here to the end of the scope this thread may make no read.</summary>
    public static Scope Forbid()
    {
        if (_isProving)
        {
            t_forbidden++;
        }

        return default;
    }

    /// <summary>Called by a store before it reads what may be on a disk.</summary>
    /// <exception cref="InvalidOperationException">No read may be made here.</exception>
    public static void Assert()
    {
        if (_isProving && Reason() is { } reason)
        {
            _wrong.TryAdd($"{reason}\n{new StackTrace(1, fNeedFileInfo: false)}", 0);
            throw new InvalidOperationException(reason);
        }
    }

    /// <summary>For the test of the proof itself.</summary>
    public static void Forget(Func<string, bool> which)
    {
        foreach (var wrong in _wrong.Keys.Where(which))
        {
            _wrong.TryRemove(wrong, out _);
        }
    }

    private static string? Reason()
    {
        if (t_forbidden > 0)
        {
            return "A disk is read on a thread that serves all sockets.";
        }

        foreach (var (gate, name) in _locks)
        {
            if (gate.IsHeldByCurrentThread)
            {
                return $"A disk is read under the lock of {name}.";
            }
        }

        return null;
    }

    /// <summary>Until it is disposed, on the thread that it was made on.</summary>
    public readonly ref struct Scope
    {
#pragma warning disable CA1822 // Disposed as an instance.
        public void Dispose()
#pragma warning restore CA1822
        {
            if (_isProving)
            {
                t_forbidden--;
            }
        }
    }
}
