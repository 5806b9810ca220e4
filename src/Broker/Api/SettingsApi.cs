using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Preferences;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/settings`: what the caller's pages look and behave like, kept with the account.</summary>
internal static partial class SettingsApi
{
    private const int MaxText = 64;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var settings = routes.MapApi("/api/settings").WithTags("Settings").RequireCookie();
        settings.MapGet("", Get).WithSummary("My settings, by name; of guests none are kept.");
        settings.MapPatch("", ChangeAsync).Accepts<Dictionary<string, JsonElement>>("application/json")
            .WithSummary("Set what is given, and take away what is given as null (RFC 7396).");
    }

    private static JsonHttpResult<IReadOnlyDictionary<string, JsonElement>> Get(HttpContext context, AccountSettings settings) =>
        TypedResults.Json(settings.Of(context.SignedIn().Account), SettingsJson.Default.IReadOnlyDictionaryStringJsonElement);

    private static async Task<IResult> ChangeAsync(HttpContext context, AccountSettings settings)
    {
        var body = await JsonBody.ReadAsync(context.Request, SettingsJson.Default.DictionaryStringJsonElement, AccountSettings.MaxBytes);
        if (!body.TryGet(out var changes, out var problem))
        {
            return problem;
        }

        List<FieldError> wrong = [.. changes.Select(change => Wrong(change.Key, change.Value)).OfType<FieldError>().Take(10)];
        if (wrong.Count > 0)
        {
            return Problems.Fields(wrong);
        }

        var account = context.SignedIn().Account;
        return await settings.ChangeAsync(account, changes) switch
        {
            SettingsOutcome.Stored => Get(context, settings),
            SettingsOutcome.TooLarge => Problems.TooLarge(AccountSettings.MaxBytes),
            _ => Problems.Of(new Refusal.NotForGuests(), context),
        };
    }

    private static FieldError? Wrong(string name, JsonElement value) =>
        !NamePattern().IsMatch(name) ? new FieldError("name", FieldCodes.Invalid, "A setting has a name of 1 to 32 letters and digits, the first a small letter.")
        : !IsShort(value) ? new FieldError(name, FieldCodes.Invalid, $"A setting is a text of at most {MaxText} characters, a number, true, false, or null.")
        : !Alone.MayBe(name, value) ? new FieldError(name, FieldCodes.Invalid, $"\"{name}\" is one of: anybody, rooms, nobody.")
        : null;

    private static bool IsShort(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => TextOf(value) is { Length: <= MaxText },
        JsonValueKind.Number => value.GetRawText().Length <= MaxText,
        JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null => true,
        _ => false,
    };

    // Null: half of a surrogate pair is no text.
    private static string? TextOf(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"^[a-z][A-Za-z0-9]{0,31}\z")]
    private static partial Regex NamePattern();
}
