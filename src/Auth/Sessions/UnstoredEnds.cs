using Microsoft.Extensions.Logging;
using WebMessenger.Auth.Changes;

namespace WebMessenger.Auth.Sessions;

/// <summary>
/// Removes ended login sessions and tokens from the disk, and keeps at it when the disk refuses: or they would live again after a restart.
/// </summary>
/// <remarks>
/// Thread-safe; <c>_gate</c> is a leaf lock. It holds no more than there were login sessions, which are bounded by account.
/// </remarks>
internal sealed partial class UnstoredEnds(SessionStore store, NodePorts nodes, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly HashSet<LoginSession> _unstored = [];

    // How many are removing each just now, by id; only where there are other nodes. Under _gate.
    private readonly Dictionary<string, int> _removing = [];
    private bool _isTrying;

    /// <summary>Throws when the disk refuses; it is tried again all the same.</summary>
    public async Task StoreAsync(IReadOnlyCollection<LoginSession> ended)
    {
        Count(ended, 1);
        try
        {
            await RemoveAsync(ended);
        }
        catch
        {
            // guard: an end is stored when the disk works again
            Remember(ended);
            throw;
        }
        finally
        {
            Count(ended, -1);
        }
    }

    /// <summary>It has ended here, and is still stored: what another node has stored of it before the end is over with it.</summary>
    public bool IsEnding(string id)
    {
        lock (_gate)
        {
            return _removing.ContainsKey(id) || _unstored.Any(session => session.Id == id);
        }
    }

    /// <summary>Tries again, if there is anything. Never throws: the disk may refuse for a long time.</summary>
    /// <param name="isLast">The program stops: now or never.</param>
    public async Task RetryAsync(bool isLast = false)
    {
        List<LoginSession> due;
        lock (_gate)
        {
            if (_unstored.Count == 0 || _isTrying)
            {
                return;
            }

            (due, _isTrying) = ([.. _unstored], true);
        }

        var stored = false;
        try
        {
            await RemoveAsync(due);
            stored = true;
        }
        catch (Exception error) when (!isLast)
        {
            // Said when it began.
            LogStillNotStored(logger, due.Count, error.Message);
        }
        catch (Exception error)
        {
            LogNeverStored(logger, due.Count, error.Message);
        }

        lock (_gate)
        {
            _isTrying = false;
            if (stored)
            {
                _unstored.ExceptWith(due);
            }
        }

        if (stored)
        {
            LogStored(logger, due.Count);
        }
    }

    private void Count(IReadOnlyCollection<LoginSession> ended, int by)
    {
        if (nodes.IsAlone)
        {
            return;
        }

        lock (_gate)
        {
            foreach (var session in ended)
            {
                _removing[session.Id] = _removing.GetValueOrDefault(session.Id) + by;
                if (_removing[session.Id] == 0)
                {
                    _removing.Remove(session.Id);
                }
            }
        }
    }

    private Task RemoveAsync(IReadOnlyCollection<LoginSession> ended)
    {
        var stored = ended.Where(session => session.Kind != LoginSessionKind.Password).ToList();
        return stored.Count == 0 ? Task.CompletedTask : store.RemoveAsync(stored);
    }

    private void Remember(IReadOnlyCollection<LoginSession> ended)
    {
        bool isFirst;
        lock (_gate)
        {
            isFirst = _unstored.Count == 0;
            _unstored.UnionWith(ended.Where(session => session.Kind != LoginSessionKind.Password));
        }

        if (isFirst)
        {
            LogNotStored(logger);
        }
    }

    [LoggerMessage(1220, LogLevel.Error,
        "The end of a login session or access token could not be stored. It has ended, and is stored as soon as the disk works; "
        + "if the server is killed before, it lives again at the next start")]
    private static partial void LogNotStored(ILogger logger);

    [LoggerMessage(1221, LogLevel.Debug, "The end of {Count} login sessions or access tokens is still not stored: {Problem}")]
    private static partial void LogStillNotStored(ILogger logger, int count, string problem);

    [LoggerMessage(1222, LogLevel.Information, "The end of {Count} login sessions or access tokens is stored by now")]
    private static partial void LogStored(ILogger logger, int count);

    [LoggerMessage(1223, LogLevel.Error,
        "The server stops, and the end of {Count} login sessions or access tokens is not stored: they live again at the next start ({Problem})")]
    private static partial void LogNeverStored(ILogger logger, int count, string problem);
}
