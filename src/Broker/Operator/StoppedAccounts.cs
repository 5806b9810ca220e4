using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Operator;

/// <summary>Accounts, login sessions and tokens in the data folder of a server that does not run, for one command.</summary>
internal sealed class StoppedAccounts : IAsyncDisposable
{
    private readonly DocumentStore _documents;
    private readonly RocksEventLog _log;

    private StoppedAccounts(DocumentStore documents, RocksEventLog log, AuthServices auth) => (_documents, _log, Auth) = (documents, log, auth);

    public AuthServices Auth { get; }

    public RocksEventLog Log => _log;

    public IDocuments Documents => _documents.Documents;

    /// <param name="folder">Held by the caller.</param>
    /// <exception cref="CommandException">
    /// The event log is damaged. Opening it would mend it, and end login sessions, and the server's log would never say so.
    /// </exception>
    public static async Task<StoppedAccounts> OpenAsync(DataFolder folder, TimeProvider time)
    {
        if (Directory.Exists(folder.RoomsFolder) && WalCheck.FindDamage(folder.RoomsFolder) is { } damage)
        {
            throw new CommandException(string.Create(
                CultureInfo.InvariantCulture,
                $"The event log is damaged ({Path.GetFileName(damage.File)} at byte {damage.At}). ")
                + "Start the server, which keeps a copy of it and goes on with what is intact, and try again.");
        }

        var (documents, log) = await DataStores.OpenAsync(folder, null, time, NullLoggerFactory.Instance);
        try
        {
            return new(documents, log, await AuthServices.OpenAsync(documents, log, log, new AuthOptions(), time, NullLoggerFactory.Instance));
        }
        catch
        {
            await log.DisposeAsync();
            await documents.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Auth.DisposeAsync();
        await _log.DisposeAsync();
        await _documents.DisposeAsync();
    }
}
