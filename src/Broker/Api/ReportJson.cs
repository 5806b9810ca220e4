using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Reports;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <param name="Seq">Of the message.</param>
/// <param name="Reason">1 to 500 characters.</param>
internal sealed record NewReport(long? Seq, string? Reason);

/// <summary>What who reports is told.</summary>
/// <param name="Until">By then what was said is forgotten again, if it is not deleted; sooner, when somebody has decided.</param>
internal sealed record MadeReport(long Seq, string At, string Until)
{
    public static MadeReport Of(Report report) => new(report.Seq, Timestamps.Format(report.At), Timestamps.Format(report.At + Report.Lifetime));
}

/// <param name="Decision">`dismissed`: nothing is to be done; `acted`: something was.</param>
/// <param name="Note">500 characters at most, for who looks after the room.</param>
internal sealed record ReportDecision(string? Decision, string? Note);

/// <param name="Next">To be given as `before` for the next page; null: this is the last.</param>
internal sealed record ReportList(ReportView[] Reports, string? Next);

/// <param name="Cursor">To be given for the next page; null: this is the last.</param>
internal sealed record AllReports(ReportView[] Reports, string? Cursor);

/// <param name="Room">Left out in the list of one room, with its title.</param>
/// <param name="MayRead">Whether the room opens to who asks; left out in the list of one room.</param>
/// <param name="Author">Who said it, as he was called then.</param>
/// <param name="Text">As it was when it was reported, also if it was changed or deleted since.</param>
/// <param name="From">Null: of an account that is no more.</param>
/// <param name="State">`open`, `dismissed` or `acted`.</param>
/// <param name="DecidedBy">User name; left out also of an account that is no more.</param>
internal sealed record ReportView(
    string Id,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Room,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Title,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? MayRead,
    long Seq,
    AuditPerson Author,
    string Text,
    string Reason,
    InviterView? From,
    string At,
    string State,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? DecidedBy,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? DecidedAt,
    string Until)
{
    public static ReportView Of(Report report, AccountDirectory accounts, Room? room = null, bool? mayRead = null) => new(
        report.Id,
        room?.Id.Value,
        room?.Record.Title,
        mayRead,
        report.Seq,
        report.Author,
        report.Text,
        report.Reason,
        accounts.Find(report.From) is { IsErased: false } from ? InviterView.Of(from) : null,
        Timestamps.Format(report.At),
        report.IsActed switch { null => "open", true => "acted", false => "dismissed" },
        report.DecidedBy is { } by && accounts.Find(by) is { IsErased: false } judge ? judge.UserName : null,
        report.DecidedAt is { } at ? Timestamps.Format(at) : null,
        Timestamps.Format(report.Until));
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(NewReport))]
[JsonSerializable(typeof(MadeReport))]
[JsonSerializable(typeof(ReportDecision))]
[JsonSerializable(typeof(ReportList))]
[JsonSerializable(typeof(AllReports))]
internal sealed partial class ReportJson : JsonSerializerContext;
