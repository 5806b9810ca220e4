using System.Text.Json;

namespace WebMessenger.Broker.Tests.Examples;

/// <summary>Whether what came is as an example says: the same fields in the same order, of the same kinds, and by the same names.</summary>
internal static class Likeness
{
    // Whose texts are names that clients know, and not what somebody said.
    private static readonly string[] _named = ["type", "code", "gone", "emoji", "role", "posting", "dice", "visibility"];

    public static bool IsLike(JsonElement example, JsonElement came)
    {
        // Null: of this there may be none.
        if (example.ValueKind == JsonValueKind.Null || came.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        return example.ValueKind switch
        {
            JsonValueKind.Object => came.ValueKind == JsonValueKind.Object && HasFieldsOf(example, came),
            JsonValueKind.Array => came.ValueKind == JsonValueKind.Array
                && example.EnumerateArray().All(one => came.EnumerateArray().Any(other => IsLike(one, other))),
            JsonValueKind.True or JsonValueKind.False => came.ValueKind is JsonValueKind.True or JsonValueKind.False,
            var kind => kind == came.ValueKind,
        };
    }

    /// <summary>What came, and all that is in it.</summary>
    public static IEnumerable<JsonElement> WithAllIn(JsonElement came) => came.ValueKind switch
    {
        JsonValueKind.Object => came.EnumerateObject().SelectMany(field => WithAllIn(field.Value)).Prepend(came),
        JsonValueKind.Array => came.EnumerateArray().SelectMany(WithAllIn),
        _ => [],
    };

    private static bool HasFieldsOf(JsonElement example, JsonElement came)
    {
        var wanted = example.EnumerateObject().ToList();
        var isPart = wanted.RemoveAll(field => field.Name == "…") > 0;
        var there = came.EnumerateObject().Where(field => !isPart || wanted.Exists(other => other.Name == field.Name)).ToList();
        return there.Select(field => field.Name).SequenceEqual(wanted.Select(field => field.Name))
            && wanted.Zip(there).All(pair => IsLike(pair.First.Value, pair.Second.Value) && IsNamedAlike(pair.First, pair.Second));
    }

    private static bool IsNamedAlike(JsonProperty example, JsonProperty came) =>
        !_named.Contains(example.Name)
        || example.Value.ValueKind != JsonValueKind.String
        || example.Value.GetString() is "…"
        || example.Value.GetString() == came.Value.GetString();
}
