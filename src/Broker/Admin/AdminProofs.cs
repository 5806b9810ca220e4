using System.Runtime.CompilerServices;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;

namespace WebMessenger.Broker.Admin;

/// <summary>
/// That an administrator has given his own password again within five minutes: what cannot be undone is not for whoever comes upon an open
/// page, or has a copy of its cookie.
/// </summary>
/// <remarks>Thread-safe. In memory, bound to the login session and gone with it: at most one for each.</remarks>
internal sealed class AdminProofs(AccountCare care, TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    private readonly ConditionalWeakTable<LoginSession, StrongBox<long>> _proven = [];

    /// <summary>Null: it is his password, and proven for five minutes from now on. A wrong one counts as wrong passwords do.</summary>
    public async Task<Refusal?> ProveAsync(AdminActor by, string? password)
    {
        if (by.Session is not { } session)
        {
            return null;
        }

        if (await care.ProveAsync(session.Account, password, by.Address) is { } refusal)
        {
            return refusal;
        }

        _proven.AddOrUpdate(session, new StrongBox<long>(time.GetTimestamp()));
        return null;
    }

    /// <summary>Null: it is proven, by what is given here or of late. The operator proves nothing: he has the data.</summary>
    public async Task<AdminRefusal?> AskAsync(AdminActor by, string? password) =>
        by.Session is not { } session || (string.IsNullOrEmpty(password) && IsProven(session)) ? null
        : string.IsNullOrEmpty(password) ? AdminRefusal.ProofNeeded
        : await ProveAsync(by, password) is { } refusal ? AdminRefusal.Of(refusal)
        : null;

    private bool IsProven(LoginSession session) => _proven.TryGetValue(session, out var at)
        && /* guard: a proof is over after five minutes */ time.GetElapsedTime(at.Value) < Lifetime;
}
