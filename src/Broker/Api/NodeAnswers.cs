using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Api;

/// <summary>
/// Answers of a node of a cluster: none while it has lost touch with the others, and none to a change before every node has heard it.
/// So who has signed in here can go on elsewhere, and who was put out hears nothing after the answer.
/// </summary>
internal static class NodeAnswers
{
    /// <summary>A request waits this long for the node to be in touch again; then it is 503.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Alone nothing is asked.</summary>
    public static void Use(WebApplication app, IReplication replication, ILease lease)
    {
        if (replication.IsAlone)
        {
            return;
        }

        app.Use((context, next) => context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal)
            ? new Answering(context, replication, lease).ServeAsync(next)
            : next(context));
    }

    /// <summary>
    /// For calls that change nothing and are no GET, as a question that is too long or too secret for an address: they are answered as GET
    /// is.
    /// </summary>
    public static TBuilder OnlyReads<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.WithMetadata(new ReadsOnly());

    /// <summary>What was done takes nothing from anybody: the answer need not wait until it is heard everywhere.</summary>
    public static void TakesNothingAway(HttpContext context) => context.Features.Get<Answering>()?.TakesNothingAway();

    internal sealed class ReadsOnly;

    private sealed class Answering(HttpContext context, IReplication replication, ILease lease)
    {
        private bool _takesNothingAway;
        private long _losses;

        public void TakesNothingAway() => _takesNothingAway = true;

        public async Task ServeAsync(RequestDelegate next)
        {
            if (!await IsInTouchAsync())
            {
                await Problems.NotAvailable(context).ExecuteAsync(context);
                return;
            }

            _losses = lease.Losses;
            context.Features.Set(this);
            context.Response.OnStarting(static answering => ((Answering)answering).BeforeItLeavesAsync(), this);
            await next(context);
        }

        private bool Changes() =>
            context.Request.Method is var method && !(HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method))
            && /* guard: what only reads is no change, whatever its method */ context.GetEndpoint()?.Metadata.GetMetadata<ReadsOnly>() is null;

        private async Task BeforeItLeavesAsync()
        {
            if (context.Response.StatusCode == StatusCodes.Status503ServiceUnavailable)
            {
                // It says nothing of the house, and is the answer while the database is away.
                return;
            }

            var changes = Changes();
            if (changes && !_takesNothingAway)
            {
                await (/* guard: an answer over HTTP waits for every node */ replication.EverywhereAsync());
            }

            // It is not known any more whether what it says is true; nor, of what was read, whether who asked may still be shown it.
            if (!await IsInTouchAsync() || (!changes && (/* guard: what was read before a node lost touch is shown to nobody */ lease.Losses != _losses)))
            {
                context.Abort();
            }
        }

        private async ValueTask<bool> IsInTouchAsync()
        {
            if (/* guard: a node without its lease answers nothing over HTTP */ lease.IsFresh)
            {
                return true;
            }

            try
            {
                await lease.WhenFreshAsync().AsTask().WaitAsync(Patience, context.RequestAborted);
                return true;
            }
            catch (Exception error) when (error is TimeoutException or ObjectDisposedException or OperationCanceledException)
            {
                return false;
            }
        }
    }
}
