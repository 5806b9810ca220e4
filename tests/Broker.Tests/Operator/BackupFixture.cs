using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>A data folder, a backup of it and what that is restored into.</summary>
public abstract class BackupFixture : IDisposable
{
    private protected static readonly LogName Lobby = LogName.OfRoom("lobby");

    private protected TempFolder Folder { get; } = new();

    private protected string Data => Folder.In("data");

    private protected string Backup => Folder.In("backup");

    private protected string Restored => Folder.In("restored");

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static RocksEventLog OpenLog(string data) =>
        RocksEventLog.Open(DataFolder.RoomsFolderIn(data), null, TimeProvider.System, NullLogger<RocksEventLog>.Instance);

    private protected static List<string> Texts(RocksEventLog log) => [.. log.ReadAfter(Lobby, 0, 1_000).Entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span))];

    /// <summary>Nothing but the lock.</summary>
    private protected static void AssertEmpty(string folder) =>
        Assert.DoesNotContain(Directory.Exists(folder) ? Directory.EnumerateFileSystemEntries(folder) : [], entry => Path.GetFileName(entry) != "lock");

    private protected static async Task<(int Code, string Error)> RunAsync(string command, string folder, string data)
    {
        StringWriter error = new();
        var code = await CommandProgram.RunAsync([command, folder, $"--WebMessenger:DataFolder={data}"], TextWriter.Null, error);
        return (code, error.ToString());
    }

    /// <summary>One event with a record beside it, one document; closed in order. Gives the epoch.</summary>
    private protected async Task<string> FillAsync()
    {
        DataFolder.Open(Data).Dispose();
        await using var documents = DocumentStore.Open(DataFolder.AccountsFileIn(Data));
        await documents.Documents.CommitAllAsync([new DocumentChange.Put("people", "ana", 0, "{}"u8.ToArray())]);
        await using var log = OpenLog(Data);
        var said = await log.AppendAsync(Lobby, "ana", "m1", 0, Encoding.UTF8.GetBytes("hello"), [new([.. "beside"u8], [.. "kept"u8])]);
        Assert.Equal(AppendOutcome.Stored, said.Outcome);
        return said.Epoch;
    }

    private protected async Task BackUpAsync() => Assert.Equal((0, ""), await RunAsync("backup", Backup, Data));

    private protected async Task RestoreAsync() => Assert.Equal((0, ""), await RunAsync("restore", Backup, Restored));

    /// <summary>Why a restore was refused; nothing may be left of it.</summary>
    private protected async Task<string> RefusedRestoreAsync(string? backup = null)
    {
        var (code, error) = await RunAsync("restore", backup ?? Backup, Restored);
        Assert.Equal(1, code);
        Assert.Single(error.Trim().Split('\n'));
        AssertEmpty(Restored);
        return error;
    }

    private protected async Task<string> RefusedBackupAsync(string target)
    {
        var before = Directory.EnumerateFileSystemEntries(Folder.Path).Order().ToList();
        var (code, error) = await RunAsync("backup", target, Data);
        Assert.Equal(1, code);
        Assert.Single(error.Trim().Split('\n'));
        Assert.Equal(before, Directory.EnumerateFileSystemEntries(Folder.Path).Order());
        return error;
    }
}
