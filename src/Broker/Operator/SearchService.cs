using WebMessenger.Broker.Search;

namespace WebMessenger.Broker.Operator;

internal sealed record SearchRebuildRequest;

/// <param name="IsBuilding">The index is being made anew.</param>
/// <param name="Done">Events that were looked at, of <paramref name="Total"/>.</param>
internal sealed record SearchAnswer(bool IsBuilding, long Done, long Total);

/// <summary>Has the search index made anew, and says how far that has come.</summary>
internal sealed class SearchService(SearchFollower follower)
{
    public SearchAnswer Look()
    {
        var progress = follower.Progress;
        return new SearchAnswer(progress.IsBuilding, progress.Done, progress.Total);
    }

    public Task<CommandOutcome<SearchAnswer>> RebuildAsync(SearchRebuildRequest request)
    {
        follower.BeginAgain();
        return Task.FromResult(new CommandOutcome<SearchAnswer>(Look()));
    }
}
