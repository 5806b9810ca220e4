using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Admin;

/// <summary>
/// The settings that administrators have changed, in place of what the file says: kept with the data, in effect at once and after each
/// start. What nobody has changed follows the file.
/// </summary>
/// <remarks>One change at a time; reading takes no lock.</remarks>
internal sealed partial class ChangedSettings(
    IDocuments documents,
    BrokerSettings settings,
    AuthOptions auth,
    AccountDirectory accounts,
    StorageQuotas quotas,
    PublishBudgets budgets,
    AdminProofs proofs,
    ServerAudit audit,
    IReplication replication,
    ITurns turns,
    ILogger<ChangedSettings> logger) : IDisposable
{
    private const string Collection = "server";
    private const string Id = "settings";

    /// <summary>The turn of all nodes.</summary>
    private const string Turn = "settings";

    private readonly SemaphoreSlim _turn = new(1);

    // What the file says, by name, as it was before anything was changed here.
    private readonly Dictionary<string, int> _ofFile =
        ChangeableSetting.All.ToDictionary(one => one.Name, one => one.Get(settings, auth), StringComparer.Ordinal);

    // Replaced as a whole.
    private volatile IReadOnlyDictionary<string, int> _changed = new Dictionary<string, int>();

    // What another version took, and this one does not: it is in effect nowhere, and written back with each change. Replaced as a whole.
    private volatile IReadOnlyDictionary<string, JsonElement> _ofOthers = new Dictionary<string, JsonElement>();

    /// <summary>Puts into effect what was changed before the start. Before anything is served.</summary>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public async Task LoadAsync()
    {
        replication.HearDocuments(Collection, Heard);
        if (await documents.GetAsync(Collection, Id) is { } document)
        {
            Take(document);
        }
    }

    // In effect here as on the node where it was changed. On the thread that numbers.
    private void Heard(ReplicatedDocument document)
    {
        if (document.Id == Id)
        {
            Take(new Document(Id, document.Version, document.IsDeleted ? "{}"u8.ToArray() : document.Json));
        }
    }

    private void Take(Document document)
    {
        Dictionary<string, int> changed = [];
        Dictionary<string, JsonElement> ofOthers = new(StringComparer.Ordinal);
        foreach (var (name, value) in document.As(ChangedSettingsJson.Default.DictionaryStringJsonElement))
        {
            // What an older or a later version took, and this one does not, is left as the file has it; it is kept until it is changed.
            if (ChangeableSetting.All.FirstOrDefault(one => one.Name == name) is { } setting
                && value.ValueKind == JsonValueKind.Number
                && value.TryGetInt32(out var number)
                && WhyNot(setting, number) is null)
            {
                changed[name] = number;
            }
            else
            {
                ofOthers[name] = value;
                LogLeft(logger, name);
            }
        }

        _ofOthers = ofOthers;
        Apply(changed);
    }

    public SettingsPage All()
    {
        var changed = _changed;
        return new SettingsPage([.. ChangeableSetting.All.Select(one => new SettingView(
            one.Name,
            Shown(one, changed.TryGetValue(one.Name, out var here) ? here : _ofFile[one.Name]),
            Shown(one, _ofFile[one.Name]),
            changed.ContainsKey(one.Name) ? "here" : "file",
            one.IsSwitch ? null : one.Minimum,
            one.IsSwitch ? null : one.Maximum,
            one.Unit,
            Restart: false))]);
    }

    /// <summary>Takes all of it or nothing. A value of null: as the file has it.</summary>
    /// <exception cref="IOException">The store cannot be written; nothing has changed.</exception>
    public async Task<AdminOutcome<SettingsPage>> ChangeAsync(AdminActor by, IReadOnlyDictionary<string, JsonElement> asked)
    {
        Dictionary<string, int?> wanted = [];
        List<FieldError> wrong = [];
        foreach (var (name, value) in asked.Take(ChangeableSetting.All.Count + 1))
        {
            if (Read(name, value, out var to) is { } error)
            {
                wrong.Add(error);
            }
            else
            {
                wanted[name] = to;
            }
        }

        if (wrong.Count > 0)
        {
            return AdminRefusal.Of(new Refusal.Fields(wrong));
        }

        await _turn.WaitAsync();
        try
        {
            using var turn = await turns.TakeAsync(Turn);
            if (!by.IsInOffice)
            {
                return AdminRefusal.NotInOffice;
            }

            var before = _changed;
            Dictionary<string, int> after = new(before, StringComparer.Ordinal);
            foreach (var (name, value) in wanted)
            {
                if (value is { } number)
                {
                    after[name] = number;
                }
                else
                {
                    after.Remove(name);
                }
            }

            if (wanted.Keys.Any(name => ChangeableSetting.All.First(one => one.Name == name).Loses(ValueIn(before, name), ValueIn(after, name)))
                && (/* guard: a setting by which less is kept takes the password */ await proofs.AskAsync(by, null)) is { } refused)
            {
                return refused;
            }

            Dictionary<string, JsonElement> stored = new(_ofOthers.Where(one => !wanted.ContainsKey(one.Key)), StringComparer.Ordinal);
            foreach (var (name, value) in after)
            {
                stored[name] = JsonSerializer.SerializeToElement(value, AdminJson.Default.Int32);
            }

            (await documents.CommitAsync([DocumentsReading.Put(Collection, Id, null, stored, ChangedSettingsJson.Default.DictionaryStringJsonElement)])).OrThrow();
            Apply(after);
            _ofOthers = _ofOthers.Where(one => !wanted.ContainsKey(one.Key)).ToDictionary(StringComparer.Ordinal);
            foreach (var name in wanted.Keys)
            {
                var (was, now) = (ValueIn(before, name), ValueIn(after, name));
                if (was != now || before.ContainsKey(name) != after.ContainsKey(name))
                {
                    var setting = ChangeableSetting.All.First(one => one.Name == name);
                    await audit.NoteAsync(by, "setting", name, $"{Shown(setting, was).GetRawText()} → {Shown(setting, now).GetRawText()}");
                }
            }

            return All();
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private static FieldError? Read(string name, JsonElement value, out int? to)
    {
        to = null;
        if ((/* guard: a closed list of settings */ ChangeableSetting.All.FirstOrDefault(one => one.Name == name)) is not { } setting)
        {
            return new FieldError("name", FieldCodes.Invalid, "There is no such setting that may be changed here.");
        }

        if (value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        int? number = setting.IsSwitch
            ? value.ValueKind switch { JsonValueKind.True => 1, JsonValueKind.False => 0, _ => null }
            : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var read) ? read : null;
        to = number;
        var why = number is { } given ? WhyNot(setting, given)
            : setting.IsSwitch ? "It is true or false."
            : string.Create(CultureInfo.InvariantCulture, $"It is a whole number from {setting.Minimum} to {setting.Maximum}.");
        return why is null ? null : new FieldError(name, FieldCodes.Invalid, why);
    }

    // Null: the reader of the file takes it.
    private static string? WhyNot(ChangeableSetting setting, int value) =>
        setting.IsSwitch && value is not (0 or 1) ? "It is true or false."
        : SettingCheck.WhyNot(setting.Name, setting.IsSwitch ? (value != 0 ? "true" : "false") : value.ToString(CultureInfo.InvariantCulture));

    private static JsonElement Shown(ChangeableSetting setting, int value) => setting.IsSwitch
        ? JsonSerializer.SerializeToElement(value != 0, AdminJson.Default.Boolean) : JsonSerializer.SerializeToElement(value, AdminJson.Default.Int32);

    private int ValueIn(IReadOnlyDictionary<string, int> changed, string name) => changed.GetValueOrDefault(name, _ofFile[name]);

    private void Apply(IReadOnlyDictionary<string, int> changed)
    {
        foreach (var one in ChangeableSetting.All)
        {
            one.Set(settings, auth, changed.GetValueOrDefault(one.Name, _ofFile[one.Name]));
        }

        // What has a limit of its own made of them.
        quotas.LimitsChanged(accounts);
        budgets.LimitsChanged();
        _changed = changed;
    }

    [LoggerMessage(4370, LogLevel.Warning, "The setting {Name} was changed by an administrator to what this version does not take; the file's holds")]
    private static partial void LogLeft(ILogger logger, string name);
}

internal sealed record SettingsPage(SettingView[] Settings);

/// <param name="Value">A whole number, or of a switch true or false.</param>
/// <param name="Default">What the settings of the program say: to be had again by null.</param>
/// <param name="From">`file`, or `here` where an administrator has changed it.</param>
/// <param name="Min">Left out of a switch, as <paramref name="Max"/>.</param>
/// <param name="Restart">It is in effect after the next start alone; of none that is there now.</param>
internal sealed record SettingView(string Name, JsonElement Value, JsonElement Default, string From, int? Min, int? Max, string Unit, bool Restart);

[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
internal sealed partial class ChangedSettingsJson : JsonSerializerContext;
