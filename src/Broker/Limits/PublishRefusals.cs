using System.Collections.Concurrent;
using System.Net;
using System.Runtime.CompilerServices;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Limits;

/// <summary>A publish that was refused by rule, as the page of the token shows it.</summary>
/// <param name="Code">The notice's code, such as `not_allowed`.</param>
/// <param name="Topic">As the client sent it; cut to 128 characters.</param>
/// <param name="Count">How many there were of the login session, this one among them.</param>
internal sealed record LastRefusal(DateTimeOffset At, string ClientId, string Code, string Reason, string Topic, long Count);

/// <summary>
/// Why publishes were refused, for people whose clients cannot say: MQTT 3.1.1 has no word for it.
/// The last one of each login session in memory, and a line of the log.
/// </summary>
/// <remarks>
/// Thread-safe. What is remembered of a login session goes with it. A client is named once a minute, and of an account so many clients; the
/// log has one line of all within a minute, and their sum: neither a loop nor one guest after another fills a disk.
/// </remarks>
internal sealed partial class PublishRefusals(TimeProvider time, RefusalLog refusals, ILogger<PublishRefusals> log)
{
    /// <summary>Clients of one account that are named within a minute.</summary>
    public const int ClientsNamedAMinute = 10;

    private const int TopicLength = 128;

    private static readonly TimeSpan NamedFor = TimeSpan.FromMinutes(1);

    private readonly ConditionalWeakTable<LoginSession, Last> _last = [];
    private readonly ConcurrentDictionary<string, Named> _named = new(StringComparer.Ordinal);

    /// <summary>Accounts with a client that was named in the last minute or so.</summary>
    public int Count => _named.Count;

    /// <summary>Null: none since the server started.</summary>
    public LastRefusal? LastOf(LoginSession session) => _last.TryGetValue(session, out var last) ? last.Refusal : null;

    /// <summary>
    /// Whether the account's other clients are told that this one's will was dropped: once a minute for a client, and for so many of them
    /// as the log names. Counted apart from the log, which may have named the client for a publish before.
    /// </summary>
    public bool MayTellOfWill(string accountId, string clientId) => IsFirst(accountId, named => /* guard: will: one that is dropped is told apart from the log */ named.Wills, clientId);

    /// <summary>Remembers a refusal. True: it is the first of this client for a minute.</summary>
    /// <param name="isHeard">The client was told by its acknowledgement: nothing is written.</param>
    public bool Note(LoginSession session, string clientId, byte code, string notice, string reason, string topic, bool isHeard)
    {
        var shown = topic.Length > TopicLength ? topic[..TopicLength] + "…" : topic;
        var last = _last.GetValue(session, static _ => new Last());
        last.Refusal = new LastRefusal(time.GetUtcNow(), clientId, notice, reason, shown, last.CountOne());
        if (isHeard || !IsFirst(session.Account.Id, named => named.ClientIds, clientId))
        {
            return false;
        }

        if (/* guard: one line a minute about refused publishes */ refusals.Try("refused publishes that no acknowledgement could tell of", IPAddress.TryParse(session.Address, out var address) ? address : null))
        {
            LogRefused(log, clientId, session.Account.UserName, shown, code, reason);
        }

        return true;
    }

    /// <summary>Forgets who was named more than a minute ago. Called about once a second.</summary>
    public void Sweep()
    {
        foreach (var (accountId, named) in _named)
        {
            lock (named)
            {
                if (time.GetElapsedTime(named.Since) >= NamedFor)
                {
                    named.IsOver = true;
                    _named.TryRemove(accountId, out _);
                }
            }
        }
    }

    private bool IsFirst(string accountId, Func<Named, HashSet<string>> listOf, string clientId)
    {
        while (true)
        {
            var named = _named.GetOrAdd(accountId, static (_, time) => new Named(time.GetTimestamp()), time);
            lock (named)
            {
                if (!named.IsOver)
                {
                    var list = listOf(named);
                    return /* guard: a client is named once a minute when it is refused */ list.Count < ClientsNamedAMinute && list.Add(clientId);
                }
            }
        }
    }

    [LoggerMessage(3060, LogLevel.Information, "A publish of client {ClientId} ({User}) to {Topic} was refused: 0x{Code:X2} {Reason} Said once a minute, the others are counted")]
    private static partial void LogRefused(ILogger log, string clientId, string user, string topic, byte code, string reason);

    private sealed class Last
    {
        private volatile LastRefusal? _refusal;
        private long _count;

        public LastRefusal? Refusal
        {
            get => _refusal;
            set => _refusal = value;
        }

        public long CountOne() => Interlocked.Increment(ref _count);
    }

    private sealed class Named(long since)
    {
        public long Since { get; } = since;

        public HashSet<string> ClientIds { get; } = new(StringComparer.Ordinal);

        public HashSet<string> Wills { get; } = new(StringComparer.Ordinal);

        public bool IsOver { get; set; }
    }
}
