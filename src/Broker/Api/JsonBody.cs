using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Broker.Api;

/// <summary>A request body as its type, or the problem that names the field.</summary>
internal readonly record struct JsonBody<T>(T? Value, ProblemHttpResult? Problem)
    where T : class
{
    public bool TryGet([NotNullWhen(true)] out T? value, [NotNullWhen(false)] out ProblemHttpResult? problem)
    {
        (value, problem) = (Value, Value is null ? Problem ?? Problems.MalformedJson() : null);
        return value is not null;
    }
}

/// <summary>Reads request bodies. Not the framework's binding, which answers a wrong type without saying where it was.</summary>
internal static class JsonBody
{
    /// <summary>
    /// For what people and programs without a login send. The longest password takes 3 KiB with every character of it escaped.
    /// </summary>
    public const int StrangersBytes = 4 * 1024;

    private const int MaxBytes = 64 * 1024;

    /// <param name="mostBytes">Whole KiB.</param>
    public static async Task<JsonBody<T>> ReadAsync<T>(HttpRequest request, JsonTypeInfo<T> type, int mostBytes = MaxBytes)
        where T : class
    {
        // Besides being wrong, any other content type could come from a form of another site without the browser asking us first.
        if (/* guard: bodies are JSON */ !request.HasJsonContentType())
        {
            return new(null, Problems.NotJson());
        }

        try
        {
            var (value, problem) = await RequestBody.ReadAsync(
                request, mostBytes, (body, cancellation) => JsonSerializer.DeserializeAsync(body, type, cancellation));
            return new(value, problem);
        }
        catch (JsonException error)
        {
            return new(null, FieldOf(error.Path) is { } field
                ? Problems.Field(field, FieldCodes.Invalid, $"'{field}' has a value of the wrong type.")
                : Problems.MalformedJson());
        }
    }

    /// <summary>`$.rooms[1]` is about `rooms`. A path into a field that is not ours cannot come up: those are skipped unread.</summary>
    private static string? FieldOf(string? path)
    {
        if (path is null || !path.StartsWith("$.", StringComparison.Ordinal))
        {
            return null;
        }

        var end = path.AsSpan(2).IndexOfAny('.', '[');
        return end < 0 ? path[2..] : path[2..(2 + end)];
    }
}
