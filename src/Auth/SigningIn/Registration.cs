using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.SigningIn;

/// <summary>How accounts come to be: registered with a password, or entered as a guest.</summary>
public sealed class Registration
{
    private readonly AccountDirectory _accounts;
    private readonly PasswordHasher _hasher;
    private readonly AttemptLimits _limits;
    private readonly AuthOptions _options;
    private readonly FirstAccountCode _firstCode;

    internal Registration(
        AccountDirectory accounts, PasswordHasher hasher, AttemptLimits limits, AuthOptions options, FirstAccountCode firstCode) =>
        (_accounts, _hasher, _limits, _options, _firstCode) = (accounts, hasher, limits, options, firstCode);

    /// <summary>
    /// What somebody elsewhere must know to register the first account, for the operator's eyes. Null: there has been an account, or
    /// nobody can register.
    /// </summary>
    public string? FirstCode => _options.RegistrationEnabled && _accounts.AwaitsFirstPerson ? _firstCode.Text : null;

    /// <summary>
    /// The first account with a password that is ever registered is the administrator: from elsewhere it takes <see cref="FirstCode"/>.
    /// </summary>
    /// <param name="current">Who asks, if somebody is signed in there: a guest may go on under the nickname.</param>
    /// <param name="isLocal">Who asks is at the server's own machine.</param>
    /// <param name="firstCode">Null: none was given. Looked at only before there is an account.</param>
    public async Task<Outcome<Account>> RegisterAsync(
        string? email, string? userName, string? displayName, string? password, IPAddress? address, Account? current = null,
        bool isLocal = false, string? firstCode = null)
    {
        if (!_options.RegistrationEnabled)
        {
            return new Refusal.SwitchedOff();
        }

        List<FieldError?> errors =
        [
            AccountFields.CheckEmail(email, out var newEmail),
            AccountFields.CheckUserName(userName, out var newUserName),
            AccountFields.CheckDisplayName("displayName", displayName, out var newDisplayName),
            PasswordPolicy.Check("password", password, newUserName, newEmail, out var newPassword),
        ];
        if (AccountFields.Refused(errors) is { } refused)
        {
            return refused;
        }

        var mustKnowCode = /* guard: first account: the code is asked for */ _accounts.AwaitsFirstPerson && !isLocal;
        if (mustKnowCode && string.IsNullOrWhiteSpace(firstCode))
        {
            return new Refusal.Fields(
                "firstCode", FieldCodes.Required,
                "The first account of this server takes the code that was printed where the server was started.");
        }

        // Counted from here on, for from here on the answer tells whether a name or address is taken.
        if (_limits.TakeRegistration(address) is { } wait)
        {
            return new Refusal.TooManyAttempts(wait);
        }

        if (mustKnowCode && /* guard: first account: the code is the right one */ !_firstCode.Is(firstCode))
        {
            return new Refusal.Fields(
                "firstCode", FieldCodes.Wrong,
                "This is not the code that was printed where the server was started. It changes with each start.");
        }

        var guest = current is { IsGuest: true } ? current : null;
        return await _hasher.HashAsync(newPassword) is { } credential
            ? await _accounts.AddPersonAsync(newUserName, newDisplayName, newEmail, credential, guest)
            : new Refusal.Busy();
    }

    public async Task<Outcome<Account>> EnterAsGuestAsync(string? nickname, IPAddress? address)
    {
        if (!_options.GuestsEnabled)
        {
            return new Refusal.SwitchedOff();
        }

        if (AccountFields.Refused([AccountFields.CheckDisplayName("nickname", nickname, out var name)]) is { } refused)
        {
            return refused;
        }

        return _limits.TakeGuest(address) is { } wait ? new Refusal.TooManyAttempts(wait) : await _accounts.AddGuestAsync(name);
    }
}
