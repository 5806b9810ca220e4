using System.Collections.Immutable;

namespace WebMessenger.Storage.Documents;

/// <summary>A document was put, or deleted: then <paramref name="Version"/> is 0.</summary>
public readonly record struct DocumentChanged(string Collection, string Id, long Version)
{
    /// <summary>Anything may have changed: changes were missed, or it is not known which were made.</summary>
    public static DocumentChanged All { get; } = new("", "", 0);
}

/// <summary>Hears what is changed, once it is durable, in the order of the commits. One reader at a time; dispose it to hear no
/// more.</summary>
/// <remarks>Bounded: who is more than <see cref="Longest"/> changes behind hears <see cref="DocumentChanged.All"/> in their
/// place.</remarks>
public sealed class DocumentFollower : IDisposable
{
    internal const int Longest = 4_096;

    private readonly Lock _gate = new();
    private readonly DocumentFeed _feed;
    private List<DocumentChanged> _waiting = [];
    private TaskCompletionSource _came = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isOver;

    internal DocumentFollower(DocumentFeed feed) => _feed = feed;

    /// <summary>All that has come since the last call, at least one; waits for it. Empty: nothing more comes, for the store is closed or
    /// this is disposed.</summary>
    public async Task<IReadOnlyList<DocumentChanged>> NextAsync(CancellationToken cancellation = default)
    {
        while (true)
        {
            Task came;
            lock (_gate)
            {
                if (_waiting.Count > 0 || _isOver)
                {
                    var all = _waiting;
                    _waiting = [];
                    return all;
                }

                came = _came.Task;
            }

            await came.WaitAsync(cancellation);
        }
    }

    public void Dispose()
    {
        _feed.Remove(this);
        End();
    }

    internal void Add(IReadOnlyList<DocumentChanged> changes)
    {
        lock (_gate)
        {
            if (_waiting.Count + changes.Count > Longest || changes.Contains(DocumentChanged.All))
            {
                _waiting.Clear();
                _waiting.Add(DocumentChanged.All);
            }
            else if (_waiting is not [{ Collection: "" }])
            {
                _waiting.AddRange(changes);
            }

            Wake();
        }
    }

    internal void End()
    {
        lock (_gate)
        {
            _isOver = true;
            Wake();
        }
    }

    // Under _gate.
    private void Wake()
    {
        _came.TrySetResult();
        _came = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>Tells all followers. Thread-safe; what is told comes from one thread, in the order of the commits. <c>_gate</c> is a leaf
/// lock.</summary>
internal sealed class DocumentFeed
{
    private readonly Lock _gate = new();
    private ImmutableArray<DocumentFollower> _followers = [];
    private bool _isOver;

    public DocumentFollower Follow()
    {
        DocumentFollower follower = new(this);
        lock (_gate)
        {
            if (!_isOver)
            {
                _followers = _followers.Add(follower);
                return follower;
            }
        }

        follower.End();
        return follower;
    }

    public void Remove(DocumentFollower follower)
    {
        lock (_gate)
        {
            _followers = _followers.Remove(follower);
        }
    }

    public void Tell(IReadOnlyList<DocumentChanged> changes)
    {
        if (changes.Count == 0)
        {
            return;
        }

        foreach (var follower in Followers())
        {
            follower.Add(changes);
        }
    }

    public void Missed() => Tell([DocumentChanged.All]);

    public void End()
    {
        lock (_gate)
        {
            _isOver = true;
        }

        foreach (var follower in Followers())
        {
            follower.End();
        }
    }

    private ImmutableArray<DocumentFollower> Followers()
    {
        lock (_gate)
        {
            return _followers;
        }
    }
}
