using System.Text.Json.Serialization;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Accounts;

/// <summary>
/// Accounts as documents. What must be one person's alone is claimed in the commit that stores the account: user names, their looks, the
/// e-mail address, and to have been the first.
/// </summary>
/// <param name="userNamesPerAccount">How many one account may have and have had; 0: any number.</param>
internal sealed class AccountStore(IDocuments documents, int userNamesPerAccount = 0) : IAccountStore
{
    /// <summary>Of the documents.</summary>
    public const string Accounts = "accounts";

    // Claimed for ever, so that an erased administrator does not make the next stranger one.
    private const string Firsts = "first";
    private const string FirstPerson = "person";

    // What an account is called, and was: these outlive it.
    private const string UserNames = "userName";
    private const string NameLooks = "look";

    private const string Emails = "email";

    // Each time somebody else was quicker; that many are none who ask, but a fault of ours.
    private const int Tries = 32;

    // It never becomes false again.
    private volatile bool _hasHadPersons;

    public IAsyncEnumerable<AccountRecord> ReadAllAsync() => documents.AllAsync(Accounts, Read);

    /// <exception cref="InvalidDataException">It is none of these.</exception>
    public static AccountRecord Read(Document document) => Read(document.Id, document.As(AccountJson.Default.StoredAccount));

    public async Task<bool> HasHadPersonsAsync() => _hasHadPersons = _hasHadPersons || await documents.OwnerAsync(Firsts, FirstPerson) is not null;

    public async Task<Claim> AddAsync(AccountRecord account, Conflicts known)
    {
        if (account.Kind == AccountKind.Guest)
        {
            return known == Conflicts.None ? await AddAsync(account, []) : new Claim(known, null);
        }

        if (known != Conflicts.None)
        {
            return new Claim(known | await TakenAsync(account), null);
        }

        for (var tries = 0; tries < Tries; tries++)
        {
            // Looks nothing up before it writes: those who register at once share a sync, and a look would wait for it.
            var isFirst = !_hasHadPersons;
            var claim = await AddAsync(account with { Profile = account.Profile with { IsAdministrator = /* guard: who is administrator (1) */ isFirst } }, [LookOf(account)]);
            if (claim.Stored is null && claim.Conflicts != Conflicts.None)
            {
                return claim;
            }

            _hasHadPersons = true;
            if (claim.Stored is not null)
            {
                return claim;
            }
        }

        throw Unsettled();
    }

    public async Task<Claim> ReplaceAsync(AccountRecord account, Conflicts known)
    {
        for (var tries = 0; tries < Tries; tries++)
        {
            var document = await documents.GetAsync(Accounts, account.Id) ?? throw new InvalidOperationException("The account is not stored.");
            var held = document.As(AccountJson.Default.StoredAccount);
            if (account.Kind == AccountKind.Guest)
            {
                if (known != Conflicts.None)
                {
                    return new Claim(known, null);
                }

                if ((await documents.CommitAsync([Put(account, document.Version, [])])).IsDone)
                {
                    return new Claim(Conflicts.None, account);
                }

                continue;
            }

            var stored = account with { Profile = account.Profile with { SignsInByEmail = /* guard: probing: another's e-mail address is taken without a word */ await IsEmailFreeAsync(account) } };
            var conflicts = known | await NameConflictsAsync(stored, held.Looks);
            if (conflicts != Conflicts.None)
            {
                return new Claim(conflicts, null);
            }

            List<DocumentChange> changes =
                [Put(stored, document.Version, [.. held.Looks.Union([LookOf(stored)])]), .. Claims(stored)];
            if (ClaimedEmail(Read(account.Id, held)) is { } oldEmail && oldEmail != ClaimedEmail(stored))
            {
                changes.Add(new DocumentChange.GiveBack(Emails, oldEmail, account.Id));
            }

            // A conflict: somebody was quicker, and all is looked at anew.
            if ((await documents.CommitAsync(changes)).IsDone)
            {
                return new Claim(Conflicts.None, stored);
            }
        }

        throw Unsettled();
    }

    public async Task RemoveAsync(IReadOnlyCollection<string> ids)
    {
        List<DocumentChange> changes;
        do
        {
            changes = [];
            foreach (var document in await Task.WhenAll(ids.Select(id => documents.GetAsync(Accounts, id))))
            {
                if (document is null)
                {
                    continue;
                }

                changes.Add(new DocumentChange.Delete(Accounts, document.Id, document.Version));
                // guard: the end of an account is finished by the next start
                changes.Add(ErasedAccounts.Note(document.Id));
                if (ClaimedEmail(Read(document.Id, document.As(AccountJson.Default.StoredAccount))) is { } email)
                {
                    changes.Add(new DocumentChange.GiveBack(Emails, email, document.Id));
                }
            }
        }
        while (changes.Count > 0 && !(await documents.CommitAsync(changes)).IsDone);
    }

    /// <returns>Without conflicts, and nothing stored: another person was first.</returns>
    private async Task<Claim> AddAsync(AccountRecord account, IReadOnlyList<string> looks)
    {
        List<DocumentChange> changes = [Put(account, expected: 0, looks), .. account.Kind == AccountKind.Guest ? [] : Claims(account)];
        if (/* guard: who is administrator (2) */ account.Profile.IsAdministrator)
        {
            changes.Add(new DocumentChange.Claim(Firsts, FirstPerson, account.Id));
        }

        var outcome = await documents.CommitAsync(changes);
        return outcome.IsDone ? new Claim(Conflicts.None, account) : new Claim(ConflictsOf(outcome), null);
    }

    private static Conflicts ConflictsOf(CommitOutcome outcome)
    {
        var conflicts = Conflicts.None;
        foreach (var conflict in outcome.Conflicts)
        {
            conflicts |= conflict.Change switch
            {
                DocumentChange.Claim { Scope: UserNames } => Conflicts.UserName,
                DocumentChange.Claim { Scope: NameLooks } => Conflicts.Look,
                DocumentChange.Claim { Scope: Emails } => Conflicts.Email,
                DocumentChange.Claim { Scope: Firsts } => Conflicts.None,
                _ => throw new InvalidOperationException("An account of this id is stored already."),
            };
        }

        // Whose very name it is, is called so as well.
        return conflicts.HasFlag(Conflicts.UserName) ? conflicts & ~Conflicts.Look : conflicts;
    }

    private static List<DocumentChange> Claims(AccountRecord account)
    {
        List<DocumentChange> claims =
            [new DocumentChange.Claim(UserNames, account.Profile.UserName, account.Id), new DocumentChange.Claim(NameLooks, LookOf(account), account.Id)];
        if (ClaimedEmail(account) is { } email)
        {
            claims.Add(new DocumentChange.Claim(Emails, email, account.Id));
        }

        return claims;
    }

    private async Task<Conflicts> TakenAsync(AccountRecord account) =>
        await NameConflictsAsync(account, ownLooks: null) | (await IsEmailFreeAsync(account) ? Conflicts.None : Conflicts.Email);

    /// <param name="ownLooks">Those that the account has, and had; null: it is a new one.</param>
    private async Task<Conflicts> NameConflictsAsync(AccountRecord account, IReadOnlyList<string>? ownLooks)
    {
        var owners = await Task.WhenAll(documents.OwnerAsync(UserNames, account.Profile.UserName), documents.OwnerAsync(NameLooks, LookOf(account)));
        return owners switch
        {
            [{ } owner, _] when owner != account.Id => Conflicts.UserName,
            [_, { } owner] when owner != account.Id => Conflicts.Look,
            [_, null] when ownLooks is not null && (/* guard: names: user names for ever */ HasAllUserNames(ownLooks)) => Conflicts.TooManyUserNames,
            _ => Conflicts.None,
        };
    }

    private bool HasAllUserNames(IReadOnlyList<string> looks) => userNamesPerAccount > 0 && looks.Count >= userNamesPerAccount;

    private async Task<bool> IsEmailFreeAsync(AccountRecord account) =>
        EmailKey(account) is not { } key || await documents.OwnerAsync(Emails, key) is not { } owner || owner == account.Id;

    private static string LookOf(AccountRecord account) => /* guard: user names are compared by their look */ Looks.OfUserName(account.Profile.UserName);

    private static string? ClaimedEmail(AccountRecord account) => account.Profile.SignsInByEmail ? EmailKey(account) : null;

    private static string? EmailKey(AccountRecord account) => EmailAddress.TryParse(account.Profile.Email, out var email) ? email.Key : null;

    private static InvalidOperationException Unsettled() => new("The claims of an account say other than its document.");

    private static DocumentChange Put(AccountRecord account, long expected, IReadOnlyList<string> looks) => DocumentsReading.Put(
        Accounts,
        account.Id,
        expected,
        new StoredAccount(
            account.Kind == AccountKind.Guest ? "guest" : "person",
            account.CreatedAt.ToUnixTimeMilliseconds(),
            account.Profile.UserName,
            account.Profile.DisplayName,
            account.Profile.Email,
            account.Profile.SignsInByEmail,
            account.Profile.IsAdministrator,
            account.Credential?.Encoded,
            account.Standing.TimesBanned,
            account.Standing.Ban is { } ban ? new StoredBan(ban.At.ToUnixTimeMilliseconds(), ban.Reason, ban.Until?.ToUnixTimeMilliseconds()) : null,
            looks),
        AccountJson.Default.StoredAccount);

    private static AccountRecord Read(string id, StoredAccount stored) => new(
        id,
        stored.Kind == "guest" ? AccountKind.Guest : AccountKind.Person,
        DateTimeOffset.FromUnixTimeMilliseconds(stored.Created),
        new Profile(stored.UserName, stored.DisplayName, stored.Email, stored.Administrator) { SignsInByEmail = stored.SignsInByEmail },
        stored.Password is { } password ? PasswordHash.Parse(password) : null)
    {
        Standing = new Standing(stored.Ban is { } ban ? new Ban(Time(ban.At), ban.Reason, ban.Until is { } until ? Time(until) : null) : null, stored.TimesBanned),
    };

    private static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}

/// <summary>A document of the collection `accounts`, by account id. Times are milliseconds since 1970.</summary>
/// <param name="Kind">`person` or `guest`.</param>
/// <param name="Looks">Of all user names that the account has, and had: as many as are claimed for it.</param>
internal sealed record StoredAccount(
    string Kind, long Created, string UserName, string DisplayName, string? Email, bool SignsInByEmail, bool Administrator, string? Password, int TimesBanned,
    StoredBan? Ban, IReadOnlyList<string> Looks);

/// <param name="At">Milliseconds since 1970, as <paramref name="Until"/>.</param>
internal sealed record StoredBan(long At, string? Reason, long? Until = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = false)]
[JsonSerializable(typeof(StoredAccount))]
internal sealed partial class AccountJson : JsonSerializerContext;
