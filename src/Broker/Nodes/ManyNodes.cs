using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Nodes;

/// <summary>A house of several nodes: what is asked of all is done here, and asked of the others over the links.</summary>
internal sealed partial class ManyNodes : INodes
{
    /// <summary>Ids in one message.</summary>
    private const int SessionsAtOnce = 1_000;

    // By nodes of other versions whatever is no yes is taken for a no.
    private static readonly byte[] _yes = [1], _no = [0], _unknown = [2];

    private readonly INode _here;
    private readonly INodeLinks _links;
    private readonly ITurns _turns;
    private readonly ILease _lease;
    private readonly ILogger _logger;
    private readonly Func<ClientName, Task> _heard;

    /// <param name="heard">
    /// Completes when what a client has sent to this node is decided on, and all that the node has begun to write is stored, and heard by
    /// the others.
    /// </param>
    public ManyNodes(INode here, INodeLinks links, ITurns turns, ILease lease, ILogger logger, Func<ClientName, Task>? heard = null)
    {
        (_here, _links, _turns, _lease, _logger, _heard) = (here, links, turns, lease, logger, heard ?? (_ => Task.CompletedTask));
        links.Answer(NodeTopic.Revoke, RevokeHereAsync);
        links.Answer(NodeTopic.TakeOver, YieldHereAsync);
    }

    public string Self => _links.Self;

    public IReadOnlyCollection<string> Others => _links.Others;

    public Task RevokeAsync(IReadOnlyCollection<string> sessions, RevocationReason reason)
    {
        List<Task> asked = [_here.RevokeAsync(sessions, reason)];
        foreach (var some in sessions.Chunk(SessionsAtOnce))
        {
            asked.Add(_links.AskAllAsync(
                NodeTopic.Revoke, JsonSerializer.SerializeToUtf8Bytes(new RevokeMessage(1, (int)reason, some), NodeMessages.Default.RevokeMessage)));
        }

        return Task.WhenAll(asked);
    }

    public Task<Taking> TakeOverAsync(ClientName client, Newcomer by) => TakeOverAsync(_here.TakeOverAsync(client, by.Connection), client, by);

    private async Task<Taking> TakeOverAsync(Task ended, ClientName client, Newcomer by)
    {
        await ended;
        var turn = await _turns.TakeAsync(TurnOf(client));
        try
        {
            // Those who wait for the turn do not stand in it as they came: this question would end whom another node has let in since.
            if (/* guard: who has been displaced ends nobody at another node */ !_here.IsCurrent(client, by.Connection))
            {
                return new Taking(isYours: false, turn, isOver: true);
            }

            var message = JsonSerializer.SerializeToUtf8Bytes(TakeOverMessage.Of(client, by), NodeMessages.Default.TakeOverMessage);
            var answers = await _links.AskWhoSpeaksAsync(NodeTopic.TakeOver, message);
            if (/* guard: nobody comes whose former node does not know what he had sent */ answers.Any(answer => answer.Span is [2]))
            {
                throw new IOException("Another node cannot say what is stored of this client.");
            }

            // Who was let in elsewhere before this turn may have been so without this node, which was silent: then it is still to be asked
            // to give the client up, and is before its lease is fresh again.
            if (/* guard: nobody becomes the client at a node that has lost touch */ !_lease.IsFresh)
            {
                throw new IOException("This node has lost touch with the others for a moment.");
            }

            return new Taking(answers.All(answer => answer.Span is [1]), turn);
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    private async Task<ReadOnlyMemory<byte>> RevokeHereAsync(string node, ReadOnlyMemory<byte> bytes)
    {
        var message = NodeMessages.Read(bytes, NodeMessages.Default.RevokeMessage, message => message.V);
        await _here.RevokeAsync(message.Sessions, (RevocationReason)message.Reason);
        return _yes;
    }

    // What fails is answered as well: who asks would go on asking, and declare this node dead that does not answer him. He refuses the
    // client, which comes again. Of a node that is ending he goes on asking until it has left: all that it had is stored by then.
    private async Task<ReadOnlyMemory<byte>> YieldHereAsync(string node, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return await YieldAsync(bytes);
        }
        catch (Exception error) when (error is not ObjectDisposedException)
        {
            LogFailed(_logger, node, error);
            return _unknown;
        }
    }

    private async Task<ReadOnlyMemory<byte>> YieldAsync(ReadOnlyMemory<byte> bytes)
    {
        var message = NodeMessages.Read(bytes, NodeMessages.Default.TakeOverMessage, message => message.V);
        if (!await _here.YieldAsync(message.Name(), message.Newcomer()))
        {
            return _no;
        }

        // Where the client was, what it has acknowledged, and what of its own was stored: also of one that has left by itself a moment ago.
        // What would be stored later is refused: the client is another node's by then, and would hear it once more.
        // guard: where a client was is known to the node that it comes to
        await _heard(message.Name());
        return _yes;
    }

    // A client id may be long, and in any letters.
    private static string TurnOf(ClientName client) =>
        $"client/{client.AccountId}/{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(client.ClientId)).AsSpan(0, 16))}";

    [LoggerMessage(5806, LogLevel.Error, "A client has come to node {Node}, and is refused there: what it had sent here is not known to be stored")]
    private static partial void LogFailed(ILogger logger, string node, Exception error);
}
