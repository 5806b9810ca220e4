using System.Text;
using System.Text.Json.Nodes;
using LiteDB;
using Microsoft.Extensions.Logging;

namespace WebMessenger.Storage.Documents;

/// <summary>
/// Brings a file of version 0.1, which kept LiteDB's own documents, into the format of <see cref="IDocuments"/>: copies what it holds,
/// checks it, then drops the old (ADR 0044). Whatever moment it is ended at, the next opening finishes it, and what is read is the same.
/// Who opens the file keeps a copy of it before, together with the event log's.
/// </summary>
/// <remarks>For the store's thread. Login sessions and access tokens are not its own: they stay as they are.</remarks>
internal static class FirstFormat
{
    private const int PageSize = 1_000;

    // There from the commit that copies until all is dropped.
    private const string Marker = "copied";

    private static readonly string[] _collections =
        ["accounts", "userNames", "emails", "erasedAccounts", "passwordLinks", "rooms", "members", "formerRooms", "invitations", "inviters"];

    /// <summary>Nothing is done to a file that is no more of version 0.1.</summary>
    /// <exception cref="StoreUnavailableException">The file is as it was.</exception>
    public static void Leave(DurableDatabase database, StoreFiles files, ILogger logger)
    {
        try
        {
            List<string> names = [];
            database.Read(read => names = [.. read.GetCollectionNames()]);
            var old = _collections.Intersect(names).ToList();
            if (old.Count == 0)
            {
                return;
            }

            if (database.Obstacle is { } obstacle)
            {
                throw StoreUnavailableException.From(files.Path, obstacle);
            }

            if (!names.Contains(Marker))
            {
                if (names.Any(name => name.StartsWith(LiteDocuments.Prefix, StringComparison.Ordinal)))
                {
                    throw StoreUnavailableException.OfTwoVersions(files.Path);
                }

                var count = 0;
                database.Write(write => count = Copy(write));
                database.Fence();
                logger.LeftFirstFormat(files.Path, count);
            }

            // The marker last: while it is there, what is still there of the old has been copied.
            old.ForEach(database.Drop);
            database.Drop(Marker);
            database.Fence();
        }
        catch (Exception error) when (error is not StoreUnavailableException)
        {
            throw error is IOException ? StoreUnavailableException.From(files.Path, error) : StoreUnavailableException.NotConverted(files.Path, error);
        }
    }

    private static int Copy(ILiteDatabase database)
    {
        var looks = ClaimNames(database);
        foreach (var email in All(database, "emails"))
        {
            LiteDocuments.PutClaim(database, "email", email["_id"].AsString, email["account"].AsString);
        }

        var count = CopyAll(database, "accounts", account => (account["_id"].AsString, Account(account, looks)))
            + CopyAll(database, "erasedAccounts", erased => (erased["_id"].AsString, []))
            + CopyAll(database, "passwordLinks", link => (link["_id"].AsString, new JsonObject
            {
                ["secret"] = Convert.ToBase64String(link["secret"].AsBinary), ["expires"] = link["expires"].AsInt64, ["password"] = link["password"].AsString,
            }))
            + CopyAll(database, "rooms", room => (room["_id"].AsString, Room(database, room)))
            + CopyAll(database, "members", member => (MemberId(member), member["since"].IsNull ? [] : new JsonObject { ["since"] = Time(member["since"]) }))
            + CopyAll(database, "formerRooms", former => (former["_id"].AsString, With("owner", former["owner"], new JsonObject
            {
                ["key"] = former["_id"].AsString, ["ending"] = former["ending"].AsBoolean,
            })))
            + CopyAll(database, "invitations", one => (MemberId(one), new JsonObject
            {
                ["by"] = one["by"].AsString, ["at"] = Time(one["at"]), ["declined"] = one["declined"].AsBoolean,
            }))
            + CopyAll(database, "inviters", one => (one["_id"].AsString, new JsonObject { ["left"] = one["left"].AsDouble, ["at"] = Time(one["at"]) }));
        database.GetCollection(Marker).Upsert(new BsonDocument { ["_id"] = 1 });
        return count;
    }

    /// <returns>The looks of each account's names, by its id.</returns>
    private static Dictionary<string, List<string>> ClaimNames(ILiteDatabase database)
    {
        Dictionary<string, List<string>> looks = [];
        foreach (var name in All(database, "userNames"))
        {
            var (look, account) = (name["_id"].AsString, name["account"].AsString);
            if (looks.Count == 0)
            {
                // Who was the first does not matter any more: there has been one.
                LiteDocuments.PutClaim(database, "first", "person", account);
            }

            looks.TryAdd(account, []);
            looks[account].Add(look);
            LiteDocuments.PutClaim(database, "look", look, account);
            if (LiteDocuments.OwnerOf(database, "userName", name["name"].AsString) is null)
            {
                LiteDocuments.PutClaim(database, "userName", name["name"].AsString, account);
            }
        }

        return looks;
    }

    private static JsonObject Account(BsonDocument account, Dictionary<string, List<string>> looks)
    {
        JsonObject json = new()
        {
            ["kind"] = account["kind"].AsString,
            ["created"] = account["created"].AsInt64,
            ["userName"] = account["userName"].AsString,
            ["displayName"] = account["displayName"].AsString,
            // Until version 0.1 no two accounts had one address.
            ["signsInByEmail"] = account["signsInByEmail"].IsNull || account["signsInByEmail"].AsBoolean,
            ["administrator"] = account["administrator"].AsBoolean,
            ["timesBanned"] = account["timesBanned"].IsNull ? 0 : account["timesBanned"].AsInt32,
            ["looks"] = new JsonArray([.. looks.GetValueOrDefault(account["_id"].AsString, []).Select(look => JsonValue.Create(look))]),
        };
        if (account["ban"] is BsonDocument ban)
        {
            json["ban"] = With("reason", ban["reason"], new JsonObject { ["at"] = ban["at"].AsInt64 });
        }

        return With("password", account["password"], With("email", account["email"], json));
    }

    // The key of a room of version 0.1 is its id: so are its logs and records called.
    private static JsonObject Room(ILiteDatabase database, BsonDocument room)
    {
        var id = room["_id"].AsString;
        LiteDocuments.PutClaim(database, "room", id, id);
        return With("owner", room["owner"], new JsonObject
        {
            ["id"] = id, ["title"] = room["title"].AsString, ["topic"] = room["topic"].AsString, ["private"] = room["private"].AsBoolean, ["createdAt"] = Time(room["createdAt"]),
        });
    }

    private static string MemberId(BsonDocument of) => of["room"].AsString + "/" + of["account"].AsString;

    private static JsonObject With(string name, BsonValue text, JsonObject json)
    {
        if (!text.IsNull)
        {
            json[name] = text.AsString;
        }

        return json;
    }

    private static long Time(BsonValue time) => new DateTimeOffset(time.AsDateTime.ToUniversalTime()).ToUnixTimeMilliseconds();

    // A page at a time, for there may be many, and no cursor of LiteDB's is open while others are written.
    private static IEnumerable<BsonDocument> All(ILiteDatabase database, string collection)
    {
        var last = BsonValue.MinValue;
        List<BsonDocument> page;
        do
        {
            page = [.. database.GetCollection(collection).Find(Query.GT("_id", last), 0, PageSize)];
            foreach (var document in page)
            {
                yield return document;
                last = document["_id"];
            }
        }
        while (page.Count == PageSize);
    }

    private static int CopyAll(ILiteDatabase database, string collection, Func<BsonDocument, (string Id, JsonObject Json)> copy)
    {
        var count = 0;
        foreach (var document in All(database, collection))
        {
            var (id, json) = copy(document);
            var bytes = Encoding.UTF8.GetBytes(json.ToJsonString());
            DocumentRules.ThrowIfNoText(id, DocumentLimits.Id);
            DocumentRules.ThrowIfNoDocument(bytes);
            LiteDocuments.Put(database, collection, id, 1, bytes);
            count++;
        }

        return database.GetCollection(LiteDocuments.Prefix + collection).Count() == count
            ? count
            : throw new InvalidDataException($"Of {count} {collection} not all could be copied.");
    }
}
