using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Limits;

namespace WebMessenger.Broker.Api;

/// <summary>Reads what a request brings, within bounds of bytes and of time.</summary>
internal static class RequestBody
{
    /// <summary>Of the whole body: one that goes on and on would keep what it has sent, within any rate.</summary>
    public static readonly TimeSpan LongestBody = TimeSpan.FromSeconds(10);

    private const int PieceBytes = 16 * 1024;

    /// <param name="mostBytes">Whole KiB.</param>
    /// <param name="read">Its failures that are none of the connection's are the caller's.</param>
    /// <returns>The value, or what is wrong; neither: it was null.</returns>
    public static async Task<(T? Value, ProblemHttpResult? Problem)> ReadAsync<T>(
        HttpRequest request, int mostBytes, Func<Stream, CancellationToken, ValueTask<T?>> read)
        where T : class
    {
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = mostBytes;
        }

        var aborted = request.HttpContext.RequestAborted;
        using CancellationTokenSource patience = new(/* guard: a body ends */ LongestBody, request.HttpContext.RequestServices.GetRequiredService<TimeProvider>());
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, aborted);
        try
        {
            var value = await read(request.Body, either.Token);
            var isSignedIn = /* guard: a request ends with its login session, however long its body takes */ IsStillSignedIn(request.HttpContext);
            return isSignedIn ? (value, null) : (null, Problems.NotSignedIn());
        }
        catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return (null, Problems.TooLarge(mostBytes));
        }
        catch (BadHttpRequestException error)
        {
            // Chunks that are none, or a body that comes too slowly.
            // guard: broken bodies are no faults
            return (null, Problems.BrokenBody(error.StatusCode));
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !aborted.IsCancellationRequested)
        {
            return (null, Problems.BrokenBody(StatusCodes.Status408RequestTimeout));
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // The client broke off. Nobody reads this answer, and it is no fault of the server that a trace should tell of.
            return (null, Problems.BrokenBody(StatusCodes.Status400BadRequest));
        }
    }

    /// <summary>All bytes, which are counted while they come.</summary>
    /// <param name="held">Whoever fills it is refused. The caller takes the length out again.</param>
    public static async Task<(byte[]? Value, ProblemHttpResult? Problem)> ReadBytesAsync(HttpRequest request, int mostBytes, ByteCount held)
    {
        var counted = 0;
        var isCrowded = false;
        var (value, problem) = await ReadAsync(request, mostBytes, async (body, cancellation) =>
        {
            using MemoryStream all = new();
            var piece = new byte[PieceBytes];
            while (await body.ReadAsync(piece, cancellation) is > 0 and var length)
            {
                if (/* guard: memory: bodies that are put together */ held.IsFull)
                {
                    isCrowded = true;
                    return null;
                }

                held.Add(length);
                counted += length;
                all.Write(piece, 0, length);
            }

            return all.ToArray();
        });
        if (value is null)
        {
            held.Add(-counted);
        }

        return (value, isCrowded && problem is null ? Problems.Crowded(request.HttpContext, TimeSpan.FromSeconds(1)) : problem);
    }

    // Asked when the request began, too. Its body may take ten seconds, and a logout in between is answered by then.
    private static bool IsStillSignedIn(HttpContext context) =>
        context.Features.Get<LoginSession>() is not { } session || context.RequestServices.GetRequiredService<LoginSessions>().IsAlive(session);
}
