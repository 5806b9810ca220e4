using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Auth.SigningIn;

/// <summary>
/// What another node has changed of an account takes effect here: what is signed in by what it was ends, and the program hears of names.
/// Nothing is written for it; whoever changed it does that.
/// </summary>
internal sealed class HeardAccounts
{
    private readonly AccountDirectory _accounts;
    private readonly LoginSessions _sessions;
    private readonly AccountEvents _events;
    private readonly IReplication _replication;

    public HeardAccounts(AccountDirectory accounts, LoginSessions sessions, AccountEvents events, NodePorts nodes)
    {
        (_accounts, _sessions, _events, _replication) = (accounts, sessions, events, nodes.Replication);
        _replication.HearDocuments(AccountStore.Accounts, Heard);
    }

    // On the thread that numbers.
    private void Heard(ReplicatedDocument document)
    {
        if (_accounts.Heard(document) is not { } heard)
        {
            return;
        }

        var (account, before) = (heard.Account, heard.Before);
        var ended = account.IsErased ? _sessions.Heard.EndAsync(account, RevocationReason.AccountErased, passwordsOnly: false)
            : account.Ban is not null ? (/* guard: a ban by another node ends all here */ _sessions.Heard.EndAsync(account, RevocationReason.Banned, passwordsOnly: false))
            : heard.HasOtherPassword ? (/* guard: a password that another node has changed ends here */ _sessions.Heard.EndAsync(account, RevocationReason.PasswordChanged, passwordsOnly: true))
            : before.IsAdministrator != account.Profile.IsAdministrator ? _sessions.Heard.EndAsync(account, RevocationReason.SignedOut, passwordsOnly: true)
            : Task.CompletedTask;
        _replication.Owe(ended);
        if (account.IsErased)
        {
            _replication.Owe(Task.Run(() => ForgetAsync(account, ended)));
        }
        else if (account.UserName != before.UserName || account.DisplayName != before.DisplayName)
        {
            _replication.Owe(Task.Run(() => TellNamesAsync(account, before)));
        }
    }

    private async Task ForgetAsync(Account account, Task ended)
    {
        await ended;
        await _events.ErasedElsewhere.RaiseAsync(account);
    }

    private async Task TellNamesAsync(Account account, Profile before)
    {
        if (account.UserName != before.UserName)
        {
            await _events.Renamed.RaiseAsync(new Renamed(account, before.UserName));
        }

        if (account.DisplayName != before.DisplayName)
        {
            await _events.DisplayNameChanged.RaiseAsync(account);
        }
    }
}
