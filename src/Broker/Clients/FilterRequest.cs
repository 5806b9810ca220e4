namespace WebMessenger.Broker.Clients;

/// <summary>A SUBSCRIBE or UNSUBSCRIBE from its arrival until its answer is written. A client has one at a time.</summary>
internal abstract class FilterRequest
{
    private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the SUBACK or UNSUBACK is written, or never will be.</summary>
    public Task Answered => _answered.Task;

    public void SetAnswered() => _answered.TrySetResult();
}

/// <summary>An UNSUBSCRIBE.</summary>
/// <param name="filters">As the client sent them.</param>
internal sealed class UnsubscribeRequest(IReadOnlyList<string> filters) : FilterRequest
{
    public IReadOnlyList<string> Filters { get; } = filters;

    /// <summary>For UNSUBACK, in the order of <see cref="Filters"/>.</summary>
    public byte[] Codes { get; } = new byte[filters.Count];
}
