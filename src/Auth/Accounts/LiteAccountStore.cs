using LiteDB;
using WebMessenger.Auth.Passwords;
using WebMessenger.Auth.Storage;

namespace WebMessenger.Auth.Accounts;

/// <summary>Accounts in the document store. Atomic because every write is one transaction on the store's one thread.</summary>
internal sealed class LiteAccountStore(DocumentStore store) : IAccountStore
{
    private const string Accounts = "accounts";
    private const string UserNames = "userNames";
    private const string Emails = "emails";

    public Task<IReadOnlyList<AccountRecord>> ReadAllAsync() =>
        store.ReadAsync<IReadOnlyList<AccountRecord>>(database => database.GetCollection(Accounts).FindAll().ToList().ConvertAll(Read));

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
        var conflicts = ClaimNames(database, account, before, known);
        if (conflicts != Conflicts.None)
        {
            return new Claim(conflicts, null);
        }

        accounts.Update(Write(account));
        return new Claim(Conflicts.None, account);
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

            if (EmailKey(Read(document)) is { } key)
            {
                database.GetCollection(Emails).Delete(key);
            }

            accounts.Delete(id);
            ErasedAccounts.Note(database, id);
        }
    });

    /// <summary>Looks at everything before it writes anything: with a conflict nothing has changed, and there is nothing to undo.</summary>
    private static Conflicts ClaimNames(ILiteDatabase database, AccountRecord account, AccountRecord? before, Conflicts known)
    {
        if (account.Kind == AccountKind.Guest)
        {
            return known;
        }

        var userNames = database.GetCollection(UserNames);
        var emails = database.GetCollection(Emails);
        var look = Looks.OfUserName(account.Profile.UserName);
        var (emailKey, oldEmailKey) = (EmailKey(account), before is null ? null : EmailKey(before));
        var conflicts = known;
        var holder = userNames.FindById(look);
        if (holder is not null && holder["account"].AsString != account.Id)
        {
            conflicts |= holder["name"].AsString == account.Profile.UserName ? Conflicts.UserName : Conflicts.Look;
        }

        if (emailKey is not null && emails.FindById(emailKey) is { } owner && owner["account"].AsString != account.Id)
        {
            conflicts |= Conflicts.Email;
        }

        if (conflicts != Conflicts.None)
        {
            return conflicts;
        }

        userNames.Upsert(new BsonDocument { ["_id"] = look, ["name"] = account.Profile.UserName, ["account"] = account.Id });
        if (oldEmailKey is not null && oldEmailKey != emailKey)
        {
            emails.Delete(oldEmailKey);
        }

        if (emailKey is not null)
        {
            emails.Upsert(new BsonDocument { ["_id"] = emailKey, ["account"] = account.Id });
        }

        return Conflicts.None;
    }

    private static string? EmailKey(AccountRecord account) => EmailAddress.TryParse(account.Profile.Email, out var email) ? email.Key : null;

    private static BsonDocument Write(AccountRecord account) => new()
    {
        ["_id"] = account.Id,
        ["kind"] = account.Kind == AccountKind.Guest ? "guest" : "person",
        ["created"] = account.CreatedAt.ToUnixTimeMilliseconds(),
        ["userName"] = account.Profile.UserName,
        ["displayName"] = account.Profile.DisplayName,
        ["email"] = account.Profile.Email is { } email ? email : BsonValue.Null,
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
            document["administrator"].AsBoolean),
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
