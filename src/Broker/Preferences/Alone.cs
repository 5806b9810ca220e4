using System.Text.Json;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Preferences;

/// <summary>The settings by which an account is left alone: `invitedBy` and `whisperedBy`, each `anybody`, `rooms` or `nobody`.</summary>
internal static class Alone
{
    private const string InvitedBy = "invitedBy";
    private const string WhisperedBy = "whisperedBy";

    /// <summary>Whether a setting of this name may have this value; null takes it away.</summary>
    public static bool MayBe(string name, JsonElement value) =>
        name is not (InvitedBy or WhisperedBy) || value.ValueKind == JsonValueKind.Null || ValueOf(value) is not null;

    public static CallersOf Of(IReadOnlyDictionary<string, JsonElement> settings) =>
        new(Read(settings, InvitedBy), Read(settings, WhisperedBy));

    private static Callers Read(IReadOnlyDictionary<string, JsonElement> settings, string name) =>
        settings.TryGetValue(name, out var value) ? ValueOf(value) ?? Callers.Anybody : Callers.Anybody;

    // Null: it is none.
    private static Callers? ValueOf(JsonElement value) => value.ValueKind != JsonValueKind.String ? null
        : value.ValueEquals("anybody"u8) ? Callers.Anybody
        : value.ValueEquals("rooms"u8) ? Callers.PeopleOfRooms
        : value.ValueEquals("nobody"u8) ? Callers.Nobody
        : null;
}
