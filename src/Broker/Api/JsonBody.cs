using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;
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

    /// <summary>Of the whole body: one that goes on and on would keep what it has sent, within any rate.</summary>
    public static readonly TimeSpan LongestBody = TimeSpan.FromSeconds(10);

    /// <param name="mostBytes">Whole KiB.</param>
    public static async Task<JsonBody<T>> ReadAsync<T>(HttpRequest request, JsonTypeInfo<T> type, int mostBytes = MaxBytes)
        where T : class
    {
        // Besides being wrong, any other content type could come from a form of another site without the browser asking us first.
        if (/* guard: bodies are JSON */ !request.HasJsonContentType())
        {
            return new(null, Problems.NotJson());
        }

        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = mostBytes;
        }

        var aborted = request.HttpContext.RequestAborted;
        using CancellationTokenSource patience = new(/* guard: a body ends */ LongestBody, request.HttpContext.RequestServices.GetRequiredService<TimeProvider>());
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, aborted);
        try
        {
            return new(await JsonSerializer.DeserializeAsync(request.Body, type, either.Token), null);
        }
        catch (JsonException error)
        {
            return new(null, FieldOf(error.Path) is { } field
                ? Problems.Field(field, FieldCodes.Invalid, $"'{field}' has a value of the wrong type.")
                : Problems.MalformedJson());
        }
        catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return new(null, Problems.TooLarge(mostBytes));
        }
        catch (BadHttpRequestException error)
        {
            // Chunks that are none, or a body that comes too slowly.
            // guard: broken bodies are no faults
            return new(null, Problems.BrokenBody(error.StatusCode));
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !aborted.IsCancellationRequested)
        {
            return new(null, Problems.BrokenBody(StatusCodes.Status408RequestTimeout));
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // The client broke off. Nobody reads this answer, and it is no fault of the server that a trace should tell of.
            return new(null, Problems.BrokenBody(StatusCodes.Status400BadRequest));
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
