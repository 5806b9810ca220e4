using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Archives;

/// <summary>Who those are whom a file names, in the room that is made of it.</summary>
/// <remarks>
/// Who is no account here has a user name that no account can have (`~ana`): so no client takes him for one, however old it is, and nobody
/// puts words into another's mouth.
/// </remarks>
/// <param name="accounts">Whoever has the same user name here is the same; null: nobody in the file is anybody here.</param>
internal sealed class ImportedPeople(AccountDirectory? accounts)
{
    private const int LongestUser = 64;
    private const int LongestName = 100;

    // No account's id begins so.
    private const string NoAccount = "imported:";

    /// <summary>Null: it is no person.</summary>
    public Author? Of(JsonElement person) =>
        person.ValueKind == JsonValueKind.Object && Text(person, "user") is { } user && Text(person, "name") is { } name
            ? Of(user, name, Text(person, "kind") ?? "") : null;

    public Author? Of(ArchivedPerson person) => Of(person.User, person.Name, person.Kind);

    /// <summary>The account of somebody; null: he has none.</summary>
    public Account? AccountOf(string user) =>
        accounts?.FindByUserName(user) is { IsErased: false, IsGuest: false } account && account.Profile.UserName == user ? account : null;

    /// <summary>How somebody is called who is named in a text.</summary>
    public string? UserOf(string user) => Of(user, user, "")?.User;

    private Author? Of(string user, string name, string kind)
    {
        if (user.Length > LongestUser || user.AsSpan().ContainsAnyExceptInRange('!', '~') || name.Length > LongestName)
        {
            return null;
        }

        kind = kind is "guest" or "bot" ? kind : "person";
        if (AccountOf(user) is { } account)
        {
            return new Author(account.Id, user, PlainLine.Of(name), kind);
        }

        // Of nobody nothing is told. One that was imported before is called as it was there.
        user = user.Length == 0 || user.StartsWith('~') ? user : /* guard: who is no account is called as none */ '~' + user;
        return new Author(NoAccount + user, user, PlainLine.Of(name), kind);
    }

    private static string? Text(JsonElement of, string name) =>
        of.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
}
