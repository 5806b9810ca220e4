using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Broker.Api;

/// <summary>What is wrong with one field, on the wire.</summary>
internal sealed record FieldProblem(string Code, string Message);

/// <summary>
/// The one translator from what was refused to RFC 9457: a status, a stable `code`, what to do in `detail`, and `errors` by field.
/// </summary>
internal static class Problems
{
    public static ProblemHttpResult NotSignedIn() => Of(StatusCodes.Status401Unauthorized, "not_signed_in", "Sign in first.");

    /// <summary>The log is damaged there.</summary>
    public static ProblemHttpResult Unreadable() =>
        Of(StatusCodes.Status503ServiceUnavailable, "not_readable", "It cannot be read: the stored data is damaged. Tell the operator.");

    public static ProblemHttpResult NotFound(string detail) => Of(StatusCodes.Status404NotFound, "not_found", detail);

    public static ProblemHttpResult ForeignOrigin() =>
        Of(StatusCodes.Status403Forbidden, "foreign_origin", "This page belongs to another site. The operator can name it in WebMessenger:AllowedOrigins.");

    public static ProblemHttpResult UnknownHost() => Of(
        StatusCodes.Status421MisdirectedRequest,
        "unknown_host",
        "This server does not know the name in the address as its own. Its operator can name it in WebMessenger:AllowedOrigins.");

    /// <summary>
    /// The cookie has just been replaced (<see cref="WebMessenger.Auth.Sessions.LoginSessions.WasJustReplaced"/>). Sets Retry-After.
    /// </summary>
    public static ProblemHttpResult JustReplaced(HttpContext context)
    {
        RetryAfter(context, TimeSpan.FromSeconds(1));
        return Of(StatusCodes.Status503ServiceUnavailable, "busy", "The password is being changed. Try again in a moment.");
    }

    public static ProblemHttpResult NotJson() => Of(StatusCodes.Status415UnsupportedMediaType, "not_json", "Send the body as application/json.");

    public static ProblemHttpResult TooManyRequests(HttpContext context, TimeSpan wait)
    {
        RetryAfter(context, wait);
        return Of(StatusCodes.Status429TooManyRequests, "too_many_requests", "Too many calls in a short time. Wait a moment and try again.");
    }

    /// <summary>Sets Retry-After.</summary>
    public static ProblemHttpResult Crowded(HttpContext context, TimeSpan wait)
    {
        RetryAfter(context, wait);
        return Of(StatusCodes.Status503ServiceUnavailable, "busy", "Many requests are under way. Try again in a moment.");
    }

    /// <param name="mostBytes">Whole KiB.</param>
    public static ProblemHttpResult TooLarge(int mostBytes) => Of(
        StatusCodes.Status413PayloadTooLarge, "too_large", string.Create(CultureInfo.InvariantCulture, $"The body is larger than {mostBytes / 1024} KiB."));

    public static ProblemHttpResult MalformedJson() => Of(StatusCodes.Status400BadRequest, "invalid_json", "The body is not one JSON object in UTF-8.");

    /// <summary>The disk is full, nearly full, or fails: whoever comes again later may find it mended.</summary>
    public static ProblemHttpResult NotStored(HttpContext context)
    {
        RetryAfter(context, TimeSpan.FromMinutes(1));
        return Of(StatusCodes.Status503ServiceUnavailable, "not_stored", "It could not be stored. Try again later.");
    }

    /// <summary>A node does not reach the database, or the other nodes: whoever comes again soon may find them there.</summary>
    public static ProblemHttpResult NotAvailable(HttpContext context)
    {
        RetryAfter(context, TimeSpan.FromSeconds(2));
        return Of(StatusCodes.Status503ServiceUnavailable, "not_available", "What is stored cannot be reached just now. Try again in a moment.");
    }

    /// <param name="status">400, or 408 for a body that came too slowly.</param>
    public static ProblemHttpResult BrokenBody(int status) => Of(status, "broken_body", "The body did not arrive whole.");

    public static ProblemHttpResult TooManyAnswers() =>
        Of(StatusCodes.Status429TooManyRequests, "too_many_answers", "Many answers are on their way to you. Take them first, and try again in a moment.");

    public static ProblemHttpResult Field(string field, string code, string message) => Fields([new FieldError(field, code, message)]);

    public static ProblemHttpResult Fields(IReadOnlyList<FieldError> errors) => Of(
        StatusCodes.Status400BadRequest,
        "invalid_fields",
        errors.Count == 1 ? errors[0].Message : "Some of the fields cannot be taken.",
        errors.GroupBy(error => error.Field).ToDictionary(field => field.Key, field => field.Select(error => new FieldProblem(error.Code, error.Message)).ToArray()));

    /// <summary>Sets Retry-After where there is one.</summary>
    public static ProblemHttpResult Of(Refusal refusal, HttpContext context)
    {
        switch (refusal)
        {
            case Refusal.Fields fields:
                return Fields(fields.Errors);
            case Refusal.BadCredentials:
                return Of(StatusCodes.Status401Unauthorized, "bad_credentials", "There is no such account, or this is not its password.");
            case Refusal.Banned banned:
                var problem = Of(StatusCodes.Status403Forbidden, "banned", banned.Text);
                if (banned.Reason is not null)
                {
                    problem.ProblemDetails.Extensions["reason"] = banned.Reason;
                }

                return problem;
            case Refusal.TooManyAttempts tooMany:
                RetryAfter(context, tooMany.RetryAfter);
                return Of(StatusCodes.Status429TooManyRequests, "too_many_attempts", "Too many attempts from here. Wait a moment and try again.");
            case Refusal.Busy:
                RetryAfter(context, TimeSpan.FromSeconds(1));
                return Of(StatusCodes.Status503ServiceUnavailable, "busy", "Many people are signing in. Try again in a moment.");
            case Refusal.SwitchedOff:
                return Of(StatusCodes.Status403Forbidden, "switched_off", "The operator of this server has switched this off.");
            case Refusal.NotForGuests:
                return Of(StatusCodes.Status403Forbidden, "not_for_guests", "Guests cannot do this. Register first.");
            case Refusal.NoSuchLink:
                return Of(StatusCodes.Status404NotFound, "no_such_link", "This link does not work any more. Ask for a new one.");
            case Refusal.PlainPassword:
                return Of(StatusCodes.Status403Forbidden, "plain_password", "A password is not taken over this connection.");
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>
    /// What a request is broken by is told to who sent it, and is no fault of the server: no trace of it goes into the log.
    /// </summary>
    public static void OfFailures(ExceptionHandlerOptions options)
    {
        options.StatusCodeSelector = static error =>
            error is BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status500InternalServerError;
        options.SuppressDiagnosticsCallback = static context =>
            context.Exception is BadHttpRequestException || context.HttpContext.RequestAborted.IsCancellationRequested;
    }

    /// <summary>
    /// Gives what the framework refuses by itself (no such path, no such method, another content type, a failure) the same form.
    /// </summary>
    public static void Complete(ProblemDetailsContext context)
    {
        // guard: answers are not kept (2)
        context.HttpContext.Response.Headers.CacheControl = "no-store";
        var problem = context.ProblemDetails;
        if (problem.Extensions.ContainsKey("code"))
        {
            return;
        }

        var (code, detail) = problem.Status switch
        {
            StatusCodes.Status400BadRequest => ("bad_request", "The request is not understood."),
            StatusCodes.Status404NotFound => ("not_found", "There is nothing here."),
            StatusCodes.Status405MethodNotAllowed => ("method_not_allowed", "This cannot be done here; see the Allow header."),
            StatusCodes.Status415UnsupportedMediaType => ("not_json", "Send the body as application/json."),
            >= 500 => ("server_error", "Something went wrong on the server. Try again later."),
            _ => ("refused", "The request is refused."),
        };
        problem.Extensions["code"] = code;
        problem.Detail ??= detail;
    }

    private static ProblemHttpResult Of(int status, string code, string detail, Dictionary<string, FieldProblem[]>? errors = null)
    {
        ProblemDetails problem = new() { Status = status, Detail = detail, Extensions = { ["code"] = code } };
        if (errors is not null)
        {
            problem.Extensions["errors"] = errors;
        }

        return TypedResults.Problem(problem);
    }

    private static void RetryAfter(HttpContext context, TimeSpan wait) =>
        context.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
}
