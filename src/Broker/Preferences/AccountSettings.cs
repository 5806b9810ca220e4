using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Preferences;

/// <summary>What became of a change of settings.</summary>
internal enum SettingsOutcome
{
    Stored,

    /// <summary>They would be larger than <see cref="AccountSettings.MaxBytes"/>.</summary>
    TooLarge,

    /// <summary>The account is gone, or a guest's, who has none.</summary>
    NotKept,
}

/// <summary>
/// What an account wants its pages to look and behave like, on all its devices: names with short values that the server only keeps, but
/// for those by which it is left alone (<see cref="Alone"/>).
/// </summary>
/// <remarks>Thread-safe: of two changes at once, each changes its own names.</remarks>
internal sealed class AccountSettings(IRecords records, LeftAlone alone, ITurns? nodeTurns = null) : IAccountRecords
{
    /// <summary>Of all of an account's settings as JSON.</summary>
    public const int MaxBytes = 4 * 1024;

    /// <summary>As many changes at once are written before whoever changes hears that the store is busy.</summary>
    private const int Attempts = 10;

    private static readonly FrozenDictionary<string, JsonElement> _none = FrozenDictionary<string, JsonElement>.Empty;

    private readonly AccountTurns _turns = AccountTurns.Of(nodeTurns, "settings/");

    /// <summary>By name.</summary>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public IReadOnlyDictionary<string, JsonElement> Of(Account account) => Parse(account.IsGuest ? null : records.Find(Key(account.Id)));

    /// <summary>Sets what is given, and takes away what is given as null (RFC 7396).</summary>
    /// <exception cref="IOException">The store cannot be read or written.</exception>
    public async Task<SettingsOutcome> ChangeAsync(Account account, IReadOnlyDictionary<string, JsonElement> changes)
    {
        if (account.IsGuest || account.IsErased)
        {
            return SettingsOutcome.NotKept;
        }

        using var turn = await _turns.EnterAsync(account.Id);
        var key = Key(account.Id);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var before = records.Find(key);
            var after = Changed(before, changes);
            if (/* guard: settings are few */ after.Length > MaxBytes)
            {
                return SettingsOutcome.TooLarge;
            }

            var callers = Alone.Of(Parse(after));
            if (await records.WriteAsync([new RecordChange(key, after), LeftAlone.ChangeTo(account.Id, callers)], [new RecordCondition(key, before)]) == WriteOutcome.Written)
            {
                if (/* guard: no settings of who was erased meanwhile */ account.IsErased)
                {
                    await ForgetAsync(account.Id);
                    return SettingsOutcome.NotKept;
                }

                await alone.BecomeAsync(account.Id, callers);
                return SettingsOutcome.Stored;
            }
        }

        throw new RecordsNotWrittenException("The settings of one account were changed too often at once.");
    }

    public async Task ForgetAsync(string accountId)
    {
        await records.WriteAsync([new RecordChange(Key(accountId), null), LeftAlone.ChangeTo(accountId, CallersOf.Usual)]);
        await alone.BecomeAsync(accountId, CallersOf.Usual);
    }

    private static byte[] Key(string accountId) => Encoding.ASCII.GetBytes($"settings/{accountId}");

    private static byte[] Changed(byte[]? before, IReadOnlyDictionary<string, JsonElement> changes)
    {
        SortedDictionary<string, JsonElement> settings = new(StringComparer.Ordinal);
        foreach (var (name, value) in Parse(before).Concat(changes))
        {
            if (value.ValueKind == JsonValueKind.Null)
            {
                settings.Remove(name);
            }
            else
            {
                settings[name] = value;
            }
        }

        return JsonSerializer.SerializeToUtf8Bytes(settings, SettingsJson.Default.SortedDictionaryStringJsonElement);
    }

    private static IReadOnlyDictionary<string, JsonElement> Parse(byte[]? stored) =>
        stored is null ? _none : JsonSerializer.Deserialize(stored, SettingsJson.Default.DictionaryStringJsonElement) ?? (IReadOnlyDictionary<string, JsonElement>)_none;
}

[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
[JsonSerializable(typeof(SortedDictionary<string, JsonElement>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, JsonElement>))]
internal sealed partial class SettingsJson : JsonSerializerContext;
