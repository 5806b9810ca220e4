using Orleans.Concurrency;
using Orleans.Services;

namespace WebMessenger.Cluster.Nodes;

/// <summary>What a node may be called for by another one. Names and numbers go over the wire and never change.</summary>
[Alias("WebMessenger.Node")]
internal interface INodeService : IGrainService
{
    /// <summary>
    /// Takes what is told: a <see cref="TellBatch"/>. One call at a time from each node, for calls may overtake each other.
    /// </summary>
    [Alias("Hear")]
    [ResponseTimeout("00:00:02")]
    Task HearAsync(Parcel batch);

    /// <summary>Answers a <see cref="Question"/> with an <see cref="Answer"/>.</summary>
    [Alias("Ask")]
    [ResponseTimeout("00:00:02")]
    Task<Parcel> AskAsync(Parcel question);
}

/// <summary>Bytes that this program has written by itself, so that neighbouring versions of it understand each other.</summary>
[GenerateSerializer]
[Immutable]
[Alias("WebMessenger.Parcel")]
internal sealed record Parcel([property: Id(0)] byte[] Bytes);
