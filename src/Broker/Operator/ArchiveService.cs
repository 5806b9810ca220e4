using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Archives;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Operator;

internal sealed record ExportRequest(string? Room);

/// <summary>What the server says while it makes a room of a file, a line a second, and at the end.</summary>
/// <param name="Events">Stored by now.</param>
/// <param name="Id">The last line: of the room that was made.</param>
/// <param name="Missing">Who should be on its list, and could not be put there; null: nobody.</param>
/// <param name="Error">Or why none was.</param>
internal sealed record ImportAnswer(
    long Events, string? Id = null, long LeftOut = 0, int Pins = 0, int Values = 0, int Members = 0, IReadOnlyList<string>? Missing = null, string? Error = null);

/// <summary>
/// The running server's part of `export` and `import`. The command reads and writes the file: the server does nowhere that it is told to.
/// </summary>
internal sealed partial class ArchiveService(
    RoomDirectory rooms, RoomExport export, RoomImport import, UnfinishedImports unfinished, AccountDirectory accounts, ServerAudit audit, TimeProvider time,
    ILogger<ArchiveService> logger)
{
    private const int BufferBytes = 64 * 1024;

    private static readonly TimeSpan _betweenLines = TimeSpan.FromSeconds(1);

    /// <summary>Answers with the file.</summary>
    public async Task ExportAsync(HttpContext context)
    {
        var body = await JsonBody.ReadAsync(context.Request, OperatorJson.Default.ExportRequest, OperatorApi.LongestRequest);
        if (!body.TryGet(out var asked, out var problem))
        {
            await problem.ExecuteAsync(context);
            return;
        }

        if (rooms.Find(asked.Room ?? "") is not { IsDeleted: false } room)
        {
            await OperatorApi.Refused($"There is no room {Events.PlainLine.Of(asked.Room ?? "")}.").ExecuteAsync(context);
            return;
        }

        await audit.NoteAsync(AdminActor.Operator, "room-export", room.Id.Value);
        context.Response.ContentType = "application/zip";
        try
        {
            await export.WriteAsync(room.Record, context.Response.Body, bytesPerSecond: 0, told: null, context.RequestAborted);
        }
        catch (Exception error) when (error is ArchiveException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            // So that it is not taken for a whole one.
            context.Abort();
            LogFailed(logger, room.Id.Value, error.Message);
        }
    }

    /// <summary>Takes the file as the body, and answers with lines of JSON.</summary>
    /// <param name="owner">User name of whom the room is to be; null: of who has it in the file.</param>
    /// <param name="matches">Whoever has the same user name here is the same.</param>
    public async Task ImportAsync(HttpContext context, string? owner, bool matches)
    {
        var account = owner is null ? null : accounts.FindByUserName(owner);
        if (owner is not null && account is not { IsErased: false, IsGuest: false })
        {
            await OperatorApi.Refused($"There is no account {Events.PlainLine.Of(owner)}.").ExecuteAsync(context);
            return;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = null;
        }

        Directory.CreateDirectory(unfinished.Folder);
        await using FileStream file = new(
            Path.Combine(unfinished.Folder, Guid.NewGuid().ToString("N")), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, BufferBytes,
            FileOptions.Asynchronous | FileOptions.DeleteOnClose);
        await context.Request.Body.CopyToAsync(file, context.RequestAborted);
        context.Response.ContentType = "application/x-ndjson";
        var events = 0L;
        var making = MakeAsync(file, new ImportRequest(account, null, MatchesAccounts: matches), now => Volatile.Write(ref events, now), context.RequestAborted);
        while (await Task.WhenAny(making, Task.Delay(_betweenLines, time)) != making && !context.RequestAborted.IsCancellationRequested)
        {
            await SayAsync(context, new ImportAnswer(Volatile.Read(ref events)));
        }

        await SayAsync(context, await making);
    }

    private async Task<ImportAnswer> MakeAsync(FileStream file, ImportRequest asked, Action<long> told, CancellationToken cancellation)
    {
        try
        {
            var made = await import.RunAsync(file, asked, told, cancellation);
            await audit.NoteAsync(AdminActor.Operator, "room-import", made.Room.Id.Value);
            return new ImportAnswer(made.Events, made.Room.Id.Value, made.LeftOut, made.Pins, made.Values, made.Members, made.Missing.Count == 0 ? null : made.Missing);
        }
        catch (Exception error) when (error is ArchiveException or IOException or OperationCanceledException)
        {
            return new ImportAnswer(0, Error: error.Message);
        }
    }

    private static async Task SayAsync(HttpContext context, ImportAnswer answer)
    {
        await context.Response.WriteAsync(JsonSerializer.Serialize(answer, OperatorJson.Default.ImportAnswer) + "\n");
        await context.Response.Body.FlushAsync();
    }

    [LoggerMessage(4381, LogLevel.Warning, "The room {Room} could not all be written into a file for the operator: {Reason}")]
    private static partial void LogFailed(ILogger logger, string room, string reason);
}
