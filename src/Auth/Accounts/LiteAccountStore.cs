using LiteDB;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Accounts;

/// <summary>Accounts in the document store. Atomic because every write is one transaction on the store's one thread.</summary>
/// <param name="userNamesPerAccount">How many one account may have and have had; 0: any number.</param>
internal sealed class LiteAccountStore(DocumentStore store, int userNamesPerAccount = 0) : IAccountStore
{
    private const string Accounts = "accounts";
    private const string UserNames = "userNames";
    private const string Emails = "emails";

    public Task<IReadOnlyList<AccountRecord>> ReadAllAsync() =>
        store.ReadAsync<IReadOnlyList<AccountRecord>>(database => database.GetCollection(Accounts).FindAll().ToList().ConvertAll(Read));

    // "Ever": claimed names outlive their accounts.
    public Task<bool> HasHadPersonsAsync() => store.ReadAsync(database => database.GetCollection(UserNames).Count() > 0);

    public Task<Claim> AddAsync(AccountRecord account, Conflicts known) => store.WriteAsync(database =>
    {
        // "Ever": claimed names outlive their accounts, so an erased administrator does not make the next stranger one.
        var isFirst = account.Kind == AccountKind.Person && database.GetCollection(UserNames).Count() == 0;
        var stored = account with { Profile = account.Profile with { IsAdministrator = isFirst } };
        var conflicts = ClaimNames(database, stored, before: null, known);
        if (conflicts != Conflicts.None)
        {
            return new Claim(conflicts, null);
        }

        database.GetCollection(Accounts).Insert(Write(stored));
        return new Claim(Conflicts.None, stored);
    });

    public Task<Claim> ReplaceAsync(AccountRecord account, Conflicts known) => store.WriteAsync(database =>
    {
        var accounts = database.GetCollection(Accounts);
        var before = Read(accounts.FindById(account.Id) ?? throw new InvalidOperationException("The account is not stored."));
        var stored = account with { Profile = account.Profile with { SignsInByEmail = IsEmailFree(database, account) } };
        var conflicts = ClaimNames(database, stored, before, known);
        if (conflicts != Conflicts.None)
        {
            return new Claim(conflicts, null);
        }

        accounts.Update(Write(stored));
        return new Claim(Conflicts.None, stored);
    });

    public Task RemoveAsync(IReadOnlyCollection<string> ids) => store.WriteAsync(database =>
    {
        var accounts = database.GetCollection(Accounts);
        foreach (var id in ids)
        {
            if (accounts.FindById(id) is not { } document)
            {
                continue;
            }

            if (ClaimedEmail(Read(document)) is { } key)
            {
                database.GetCollection(Emails).Delete(key);
            }

            accounts.Delete(id);
            ErasedAccounts.Note(database, id);
        }
    });

    /// <summary>Looks at everything before it writes anything: with a conflict nothing has changed, and there is nothing to undo.</summary>
    private Conflicts ClaimNames(ILiteDatabase database, AccountRecord account, AccountRecord? before, Conflicts known)
    {
        if (account.Kind == AccountKind.Guest)
        {
            return known;
        }

        var userNames = database.GetCollection(UserNames);
        var emails = database.GetCollection(Emails);
        var look = Looks.OfUserName(account.Profile.UserName);
        var (email, oldEmail) = (ClaimedEmail(account), before is null ? null : ClaimedEmail(before));
        var conflicts = known;
        var holder = userNames.FindById(look);
        if (holder is not null && holder["account"].AsString != account.Id)
        {
            conflicts |= holder["name"].AsString == account.Profile.UserName ? Conflicts.UserName : Conflicts.Look;
        }
        else if (holder is null && before is not null && HasAllUserNames(userNames, account.Id))
        {
            conflicts |= Conflicts.TooManyUserNames;
        }

        if (email is not null && !IsEmailFree(database, account))
        {
            conflicts |= Conflicts.Email;
        }

        if (conflicts != Conflicts.None)
        {
            return conflicts;
        }

        userNames.Upsert(new BsonDocument { ["_id"] = look, ["name"] = account.Profile.UserName, ["account"] = account.Id });
        if (oldEmail is not null && oldEmail != email)
        {
            emails.Delete(oldEmail);
        }

        if (email is not null)
        {
            emails.Upsert(new BsonDocument { ["_id"] = email, ["account"] = account.Id });
        }

        return Conflicts.None;
    }

    private bool HasAllUserNames(ILiteCollection<BsonDocument> userNames, string account)
    {
        if (userNamesPerAccount == 0)
        {
            return false;
        }

        // Made once; without it a change of name would look through all names on the store's one thread.
        userNames.EnsureIndex("account");
        return userNames.Count(Query.EQ("account", account)) >= userNamesPerAccount;
    }

    private static bool IsEmailFree(ILiteDatabase database, AccountRecord account) =>
        EmailKey(account) is not { } key || database.GetCollection(Emails).FindById(key) is not { } owner
        || owner["account"].AsString == account.Id;

    private static string? ClaimedEmail(AccountRecord account) => account.Profile.SignsInByEmail ? EmailKey(account) : null;

    private static string? EmailKey(AccountRecord account) => EmailAddress.TryParse(account.Profile.Email, out var email) ? email.Key : null;

    private static BsonDocument Write(AccountRecord account) => new()
    {
        ["_id"] = account.Id,
        ["kind"] = account.Kind == AccountKind.Guest ? "guest" : "person",
        ["created"] = account.CreatedAt.ToUnixTimeMilliseconds(),
        ["userName"] = account.Profile.UserName,
        ["displayName"] = account.Profile.DisplayName,
        ["email"] = account.Profile.Email is { } email ? email : BsonValue.Null,
        ["signsInByEmail"] = account.Profile.SignsInByEmail,
        ["administrator"] = account.Profile.IsAdministrator,
        ["password"] = account.Credential is { } credential ? credential.Encoded : BsonValue.Null,
        ["timesBanned"] = account.Standing.TimesBanned,
        ["ban"] = account.Standing.Ban is { } ban ? new BsonDocument { ["at"] = ban.At.ToUnixTimeMilliseconds(), ["reason"] = ban.Reason } : BsonValue.Null,
    };

    private static AccountRecord Read(BsonDocument document) => new(
        document["_id"].AsString,
        document["kind"].AsString == "guest" ? AccountKind.Guest : AccountKind.Person,
        DateTimeOffset.FromUnixTimeMilliseconds(document["created"].AsInt64),
        new Profile(
            document["userName"].AsString,
            document["displayName"].AsString,
            document["email"].IsNull ? null : document["email"].AsString,
            document["administrator"].AsBoolean)
        {
            // Until version 0.1 no two accounts had one address.
            SignsInByEmail = document["signsInByEmail"].IsNull || document["signsInByEmail"].AsBoolean,
        },
        document["password"].IsNull ? null : PasswordHash.Parse(document["password"].AsString))
    {
        Standing = ReadStanding(document),
    };

    // An account that was stored before there were bans has neither field.
    private static Standing ReadStanding(BsonDocument document) => new(
        document["ban"] is BsonDocument ban
            ? new Ban(DateTimeOffset.FromUnixTimeMilliseconds(ban["at"].AsInt64), ban["reason"].IsNull ? null : ban["reason"].AsString)
            : null,
        document["timesBanned"].IsNull ? 0 : document["timesBanned"].AsInt32);
}
