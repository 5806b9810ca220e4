using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Orleans.Runtime.Services;

namespace WebMessenger.Cluster.Nodes;

/// <summary>This node as Orleans calls it. Calls come on its scheduler: they are handed on at once.</summary>
internal sealed class NodeService(GrainId id, Silo silo, ILoggerFactory loggers, LinkIntake intake) : GrainService(id, silo, loggers), INodeService
{
    public Task HearAsync(Parcel batch)
    {
        intake.Hear(batch.Bytes);
        return Task.CompletedTask;
    }

    public async Task<Parcel> AskAsync(Parcel question) => new(await intake.AskAsync(question.Bytes));
}

/// <summary>Calls the others; from any thread.</summary>
internal sealed class NodeServices(IServiceProvider services) : GrainServiceClient<INodeService>(services)
{
    public INodeService Of(SiloAddress silo) => GetGrainService(silo);
}
