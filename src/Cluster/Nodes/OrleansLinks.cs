using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.Runtime;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Nodes;

/// <summary>The other nodes by Orleans: calls between silos, each of which is a node.</summary>
/// <remarks>
/// Who is there is said by the rows of the nodes, which Orleans knows nothing of: its own table says to whom a connection is worth trying.
/// </remarks>
internal sealed partial class OrleansLinks : INodeLinks
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(100);

    // With the time that a lease holds after that, an answer is there within 4.5 s.
    private static readonly TimeSpan _unreachable = TimeSpan.FromSeconds(2.2);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    // Whoever asks looks each tick. After a longer pause this process was frozen, and knows of nobody whether he was silent.
    private static readonly TimeSpan _frozen = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, NodePeer> _peers = new(StringComparer.Ordinal);
    private readonly NpgsqlDataSource _database;
    private readonly NodeWatch _watch;
    private readonly LinkIntake _intake;
    private readonly LeaseRenewal _renewal;
    private readonly NodeLease _lease;
    private readonly NodeHooks _hooks;
    private readonly ILogger _logger;
    private long _questions;

    public OrleansLinks(
        string self, NpgsqlDataSource database, NodeWatch watch, LinkIntake intake, NodeServices services, LeaseRenewal renewal, NodeLease lease,
        NodeHooks hooks, NodeOptions options, ILogger<OrleansLinks> logger)
    {
        (Self, _database, _watch, _intake, _renewal, _lease, _hooks, _logger) = (self, database, watch, intake, renewal, lease, hooks, logger);
        watch.Came += node => _peers[node.Name] = new(node, self, services.Of(SiloAddress.FromParsableString(node.Row.Address)), options, logger);
        watch.Went += Bid;
        intake.Answer(LinkIntake.Look, async (_, _) =>
        {
            await renewal.LookAsync();
            return ReadOnlyMemory<byte>.Empty;
        });
        intake.Answer(LinkIntake.Back, async (node, _) =>
        {
            await (_peers.GetValueOrDefault(node)?.AnsweredAsync() ?? Task.CompletedTask);
            return ReadOnlyMemory<byte>.Empty;
        });

        // Before this node serves nobody has asked it anything.
        hooks.AnswerAllAsync = () => intake.IsOpen
            ? Task.WhenAll([AskWhoSpeaksAsync(LinkIntake.Back, default), .. Asked().Select(HearWhatItWasAskedAsync)])
            : Task.CompletedTask;
    }

    public event Action<string>? Left;

    public string Self { get; }

    public IReadOnlyCollection<string> Others => [.. _watch.Others.Where(node => node.IsServing).Select(node => node.Name)];

    public void Tell(NodeTopic topic, ReadOnlyMemory<byte> message)
    {
        foreach (var (_, peer) in _peers)
        {
            peer.Tell(topic, message);
        }
    }

    public void Tell(string node, NodeTopic topic, ReadOnlyMemory<byte> message) => _peers.GetValueOrDefault(node)?.Tell(topic, message);

    public async Task<ReadOnlyMemory<byte>> AskAsync(string node, NodeTopic topic, ReadOnlyMemory<byte> message, CancellationToken cancellation = default)
    {
        if (!_peers.TryGetValue(node, out var peer))
        {
            throw new IOException($"There is no node {node}.");
        }

        return await AskAsync(peer, topic, message, question => AskPatientlyAsync(peer, topic, question, cancellation));
    }

    public Task AskAllAsync(NodeTopic topic, ReadOnlyMemory<byte> message) =>
        Task.WhenAll(Asked().Select(peer => AskUntilSilentAsync(peer, topic, message)));

    public async Task<IReadOnlyList<ReadOnlyMemory<byte>>> AskWhoSpeaksAsync(NodeTopic topic, ReadOnlyMemory<byte> message)
    {
        var answers = await Task.WhenAll(Asked().Select(peer => AskUntilQuietAsync(peer, topic, message)));
        return [.. answers.OfType<ReadOnlyMemory<byte>>()];
    }

    public void Hear(NodeTopic topic, Action<string, ReadOnlyMemory<byte>> heard) => _intake.Hear(topic, heard);

    public void Answer(NodeTopic topic, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>> answer) => _intake.Answer(topic, answer);

    public async Task StartAsync()
    {
        _intake.Open();
        await NodeRows.SetStateAsync(_database, Self, NodeRows.Serving);

        // Each of the others knows of this node from here on: whoever takes a right away asks it, too. What was taken away before is read.
        await _renewal.LookAsync();
        // One that is silent looks before it is not.
        await Task.WhenAll(_peers.Values.Where(peer => peer.Node.IsServing).Select(peer => AskUntilQuietAsync(peer, LinkIntake.Look, default)));
        await _hooks.CatchUpAsync();
    }

    /// <summary>Nobody is told anything any more.</summary>
    public void Stop()
    {
        foreach (var (_, peer) in _peers)
        {
            peer.Dispose();
        }
    }

    private IEnumerable<NodePeer> Asked() => _peers.Values.Where(peer => peer.Node.MayHaveClients);

    // It goes on being asked: what it has not answered is answered before it speaks again.
    // Two who come back at once would wait for each other if that they are back had to be answered as well.
    private async Task<ReadOnlyMemory<byte>?> AskUntilQuietAsync(NodePeer peer, NodeTopic topic, ReadOnlyMemory<byte> message)
    {
        var asked = AskUntilSilentAsync(peer, topic, message);
        if (topic != LinkIntake.Back)
        {
            peer.Keep(asked);
        }

        return await IsAnsweredAsync(peer, asked) ? await asked : null;
    }

    // It was silent when this node asked it, and may have come back while this node was silent: then it has waited for nobody, and does
    // what it was asked only now. Until then both of them might speak to one client.
    private Task HearWhatItWasAskedAsync(NodePeer peer) =>
        /* guard: who has lost touch is answered what he had asked before he speaks */ IsAnsweredAsync(peer, peer.AnsweredAsync());

    // False: it is quiet, and waited for no more.
    private async Task<bool> IsAnsweredAsync(NodePeer peer, Task asked)
    {
        while (!asked.IsCompleted)
        {
            if (peer.Node.MayBeQuiet)
            {
                // By a look that begins now: what it has missed by then it hears when it has renewed its lease.
                var look = _renewal.LookAsync();
                await Task.WhenAny(asked, look);
                if (look.IsCompletedSuccessfully && peer.Node.IsQuiet)
                {
                    return false;
                }
            }

            await Task.WhenAny(asked, Task.Delay(_tick));
        }

        return true;
    }

    private static async Task<ReadOnlyMemory<byte>> AskPatientlyAsync(NodePeer peer, NodeTopic topic, Parcel question, CancellationToken cancellation)
    {
        for (var until = LeaseClock.Now + _patience; LeaseClock.Now < until && !peer.Node.Silent.IsCompleted;)
        {
            switch (await peer.AskOnceAsync(question).WaitAsync(cancellation))
            {
                case { Kind: AnswerKind.Answered } answer:
                    return answer.Bytes;
                case { Kind: AnswerKind.Working }:
                    break;
                case { }:
                    throw new IOException($"Node {peer.Node.Name} does not answer what it is asked of {topic}.");
                case null:
                    await Task.Delay(_pause, cancellation);
                    break;
            }
        }

        throw new IOException($"Node {peer.Node.Name} did not answer in time.");
    }

    private Task<ReadOnlyMemory<byte>?> AskUntilSilentAsync(NodePeer peer, NodeTopic topic, ReadOnlyMemory<byte> message) =>
        AskAsync(peer, topic, message, question => AskUntilSilentAsync(peer, topic, question));

    // Its answer may be forgotten there when this is over.
    private async Task<T> AskAsync<T>(NodePeer peer, NodeTopic topic, ReadOnlyMemory<byte> message, Func<Parcel, Task<T>> ask)
    {
        var question = peer.Questions.Begin(ref _questions, topic, message);
        try
        {
            return await ask(new Parcel(question.Write()));
        }
        finally
        {
            peer.Questions.End(question);
        }
    }

    private async Task<ReadOnlyMemory<byte>?> AskUntilSilentAsync(NodePeer peer, NodeTopic topic, Parcel question)
    {
        var lastSign = LeaseClock.Now;
        var asked = peer.AskOnceAsync(question);
        for (var lastLook = lastSign; ;)
        {
            await Task.WhenAny(asked, peer.Node.Silent, Task.Delay(_tick));
            if (peer.Node.Silent.IsCompleted)
            {
                return null;
            }

            var now = LeaseClock.Now;
            if (/* guard: who was frozen has not listened meanwhile (1) */ now - lastLook > _frozen || !_lease.IsFresh)
            {
                lastSign = now;
            }

            lastLook = now;

            if (asked.IsCompleted)
            {
                switch (await asked)
                {
                    case { Kind: AnswerKind.Answered } answer:
                        return answer.Bytes;
                    case { Kind: AnswerKind.NotServing }:
                        return null;
                    case { Kind: AnswerKind.Working }:
                        lastSign = LeaseClock.Now;
                        break;
                    default:
                        await Task.WhenAny(Task.Delay(_pause), peer.Node.Silent);
                        break;
                }

                asked = peer.AskOnceAsync(question);
            }

            if (LeaseClock.Now - lastSign > NodeRows.Over / 4)
            {
                await DoubtAsync(peer, topic, asked, LeaseClock.Now - lastSign);
                lastLook = LeaseClock.Now;
            }
        }
    }

    // Its row says first whether it lives. One that renews its lease, and neither hears nor answers, would hold up all who take rights
    // away.
    private async Task DoubtAsync(NodePeer peer, NodeTopic topic, Task asked, TimeSpan unanswered)
    {
        var began = LeaseClock.Now;
        var look = _renewal.LookAsync();
        await Task.WhenAny(look, asked, peer.Node.Silent, Task.Delay(LeaseRenewal.Every));
        if ((/* guard: who was frozen has not listened meanwhile (2) */ look.IsCompletedSuccessfully && _lease.IsFresh && LeaseClock.Now - began < _frozen)
            && unanswered > _unreachable && peer.Node.Row is { IsDead: false, Age: var age } && age < LeaseRenewal.Every * 2 && IsOfTheMany())
        {
            await _watch.CondemnAsync(peer.Node.Name, $"it renews its lease, and has not answered what it was asked of {topic} for {unanswered}");
        }
    }

    // Of two parts of a house that do not reach each other the larger one goes on; of equal ones that of the first name.
    private bool IsOfTheMany()
    {
        var living = _peers.Values.Where(peer => !peer.Node.Row.IsDead).ToList();
        var reached = living.Where(peer => peer.Unanswered < NodeLease.Holds).Select(peer => peer.Node.Name).Append(Self).ToList();
        var all = living.Count + 1;
        return reached.Count * 2 > all
            || (reached.Count * 2 == all && reached.Contains(living.Select(peer => peer.Node.Name).Append(Self).Min(StringComparer.Ordinal)!));
    }

    private void Bid(OtherNode node)
    {
        if (_peers.TryRemove(node.Name, out var peer))
        {
            peer.Dispose();
        }

        _intake.Forget(node.Name);
        LogLeft(_logger, node.Name);
        Left?.Invoke(node.Name);
    }

    [LoggerMessage(5315, LogLevel.Information, "Node {Node} has left")]
    private static partial void LogLeft(ILogger logger, string node);
}
