using System.Collections.Concurrent;
using System.Security.Cryptography;
using NSec.Cryptography;

namespace WebMessenger.Auth.Secrets;

internal enum Verification
{
    Match,
    NoMatch,

    /// <summary>Too many are waiting already; nothing was checked.</summary>
    Busy,
}

/// <summary>Computes Argon2id, two at a time: a flood of sign-ins must leave processor and memory to the chat (attack 66).</summary>
/// <remarks>
/// On threads of their own: the thread pool begins with one for each core,
/// and two hashes would hold all that a small machine has for 40 ms, while packets wait.
/// </remarks>
internal sealed class PasswordHasher : IDisposable
{
    private const int AtATime = 2;

    // At two in about 40 ms, the last of them waits for about a second.
    private const int MaxWaiting = 64;

    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread[] _threads;
    private readonly PasswordCost _cost;
    private readonly PasswordHash _nobodys;
    private int _waiting;
    private int _disposed;

    public PasswordHasher(PasswordCost cost)
    {
        _cost = cost;
        _nobodys = new PasswordHash(cost, RandomNumberGenerator.GetBytes(PasswordHash.SaltBytes), RandomNumberGenerator.GetBytes(PasswordHash.HashBytes));
        _threads = [.. Enumerable.Range(0, AtATime).Select(_ => new Thread(Run) { IsBackground = true, Name = "passwords" })];
        Array.ForEach(_threads, thread => thread.UnsafeStart());
    }

    public bool NeedsRehash(PasswordHash stored) => stored.Cost.IsBelow(_cost);

    /// <summary>Null: busy.</summary>
    public Task<PasswordHash?> HashAsync(Password password) => TakeTurnAsync(() =>
    {
        var salt = RandomNumberGenerator.GetBytes(PasswordHash.SaltBytes);
        return new PasswordHash(_cost, salt, Derive(_cost, salt, password));
    });

    /// <summary>With nothing stored (no such account, a guest) it takes the same time and never matches.</summary>
    public async Task<Verification> VerifyAsync(PasswordHash? stored, Password password)
    {
        var against = stored ?? _nobodys;
        var derived = await TakeTurnAsync(() => Derive(against.Cost, against.Salt, password));
        if (derived is null)
        {
            return Verification.Busy;
        }

        var equal = CryptographicOperations.FixedTimeEquals(derived, against.Hash);
        return equal && stored is not null ? Verification.Match : Verification.NoMatch;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        _work.CompleteAdding();
        Array.ForEach(_threads, thread => thread.Join());
        _work.Dispose();
    }

    private static byte[] Derive(PasswordCost cost, byte[] salt, Password password)
    {
        var argon2id = PasswordBasedKeyDerivationAlgorithm.Argon2id(
            new Argon2Parameters { MemorySize = cost.MemoryKiB, NumberOfPasses = cost.Passes, DegreeOfParallelism = 1 });
        return argon2id.DeriveBytes(password.Bytes, salt, PasswordHash.HashBytes);
    }

    private async Task<T?> TakeTurnAsync<T>(Func<T> work)
        where T : class
    {
        if (/* guard: password hashes that wait */ Interlocked.Increment(ref _waiting) > MaxWaiting + AtATime)
        {
            Interlocked.Decrement(ref _waiting);
            return null;
        }

        try
        {
            TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _work.Add(() =>
            {
                try
                {
                    done.SetResult(work());
                }
                catch (Exception error)
                {
                    // Whoever waits for it is told.
                    done.SetException(error);
                }
            });
            return await done.Task;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private void Run()
    {
        foreach (var work in _work.GetConsumingEnumerable())
        {
            work();
        }
    }
}
