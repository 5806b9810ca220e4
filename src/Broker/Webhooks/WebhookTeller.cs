using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Webhooks;

/// <summary>
/// Tells addresses elsewhere what is said in rooms: each in order, one event at a time, from the place that it has come to.
/// </summary>
/// <remarks>
/// The room only wakes whoever tells; what he tells he reads from the log, from the place in the webhook's own record. So an event is
/// told at least once, whatever dies when, under the same `webhook-id` each time. One that fails waits for longer and longer, and holds
/// up no other. Where many have something to tell, at a start above all, they come in turn (<see cref="WebhookClient.Turns"/>).
/// </remarks>
internal sealed partial class WebhookTeller(
    RoomWebhooks webhooks,
    RoomDirectory rooms,
    AccountDirectory accounts,
    WebhookNews news,
    WebhookClient client,
    RunLogs runs,
    BrokerLimits limits,
    IDuties duties,
    IReplication replication,
    TimeProvider time,
    ILogger<WebhookTeller> logger)
    : BackgroundService
{
    private static readonly TimeSpan _shortestWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestWait = TimeSpan.FromMinutes(5);

    // Those that are telling, and whether there is more since they looked.
    private readonly ConcurrentDictionary<(string Room, string Id), bool> _telling = new();
    private readonly CancellationTokenSource _over = new();

    // By room key, what its growing wakes. A room without a webhook costs nothing.
    private readonly ConcurrentDictionary<string, (Room Room, Action Wake)> _watched = new();

    // Time in which the server itself was away is no failing of the other side.
    private readonly DateTimeOffset _began = time.GetUtcNow();

    /// <summary>From now on it is told what is said in its room.</summary>
    public void Begin(Room room, Webhook webhook)
    {
        Watch(room);
        Wake(webhook);
    }

    /// <summary>There may be something to tell.</summary>
    public void Wake(Webhook webhook)
    {
        if (_telling.AddOrUpdate((webhook.Room, webhook.Id), false, (_, _) => true) is false)
        {
            _ = Task.Run(() => KeepTellingAsync(webhook.Room, webhook.Id));
        }
    }

    /// <summary>Tells it something that nobody said.</summary>
    /// <param name="account">Who asks for it: in his turn.</param>
    /// <returns>Null: too many calls are under way, and none of them has ended in the time that a call may take.</returns>
    public async Task<WebhookAnswer?> TestAsync(Webhook webhook, string account, CancellationToken cancellation)
    {
        IDisposable turn;
        using (CancellationTokenSource patience = new(client.Patience, time))
        using (var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation))
        {
            try
            {
                turn = await client.Turns.EnterAsync(account, either.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                return null;
            }
        }

        using (turn)
        {
            var body = Encoding.UTF8.GetBytes("""{"v":1,"type":"test"}""");
            var answer = await client.PostAsync(webhook, account, "test-" + EventBody.NewId(), body, cancellation);
            Note(webhook, answer);
            return answer;
        }
    }

    /// <summary>Whether its maker still has the rank that it is told by.</summary>
    public bool Works(Webhook webhook) => RoomOf(webhook) is not null;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        webhooks.Restore();
        webhooks.Emptied += Unwatch;
        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _over.CancelAsync();
        await base.StopAsync(cancellationToken);
    }

    public override void Dispose()
    {
        // Of a program whose start has failed: nobody stops it.
        if (!_over.IsCancellationRequested)
        {
            _over.Cancel();
        }

        _over.Dispose();
        base.Dispose();
    }

    /// <summary>Hears which webhooks other nodes have made, or switched on. Before anything is heard.</summary>
    public void Connect() => replication.HearRecords(Encoding.ASCII.GetString(Webhook.Prefix), change =>
    {
        if (change.Value is { } value && Webhook.Read(change.Key, value) is { } webhook && rooms.FindByKey(webhook.Room) is { } room)
        {
            Begin(room, webhook);
        }
    });

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => duties.RunAsync(ScheduledWork.Duty, TellAllAsync, stoppingToken);

    private Task TellAllAsync(CancellationToken over)
    {
        // What was said while nobody told it, or was under way as its node ended.
        foreach (var webhook in webhooks.All)
        {
            if (rooms.FindByKey(webhook.Room) is { } room)
            {
                Begin(room, webhook);
            }
        }

        return replication.IsAlone ? Task.CompletedTask : Task.Delay(Timeout.InfiniteTimeSpan, time, over);
    }

    private void Watch(Room room)
    {
        var wake = () => WakeAll(room);
        if (_watched.TryAdd(room.Key, (room, wake)))
        {
            room.HasGrown += wake;
        }
    }

    private void Unwatch(string roomKey)
    {
        if (_watched.TryRemove(roomKey, out var watched))
        {
            watched.Room.HasGrown -= watched.Wake;
        }
    }

    // On the room's worker: waits for nothing.
    private void WakeAll(Room room)
    {
        var isTold = false;
        foreach (var webhook in webhooks.Of(room.Key))
        {
            isTold = true;
            Wake(webhook);
        }

        if (!isTold)
        {
            Unwatch(room.Key);

            // One that was made meanwhile has found the room watched.
            if (webhooks.Of(room.Key).Count > 0)
            {
                Watch(room);
                WakeAll(room);
            }
        }
    }

    private Room? RoomOf(Webhook webhook) =>
        rooms.FindByKey(webhook.Room) is { } room && accounts.Find(webhook.Maker) is { } maker
            && (/* guard: a webhook ends with its maker's rank */ RoomPolicy.MayKeepBots(room, maker)) ? room : null;

    private async Task KeepTellingAsync(string room, string id)
    {
        var key = (room, id);
        var isOut = false;
        try
        {
            var wait = _shortestWait;
            while (!isOut)
            {
                _telling[key] = false;
                if (await TryTellAllAsync(room, id))
                {
                    isOut = _telling.TryRemove(new(key, false));
                    wait = _shortestWait;
                    continue;
                }

                // Whoever woke it counts on it: it goes round again.
                await Task.Delay(wait, time, _over.Token);
                wait = Shorter(wait * 2, _longestWait);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException && _over.IsCancellationRequested)
        {
            // The end of the program. The next one goes on from the place that is stored.
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            LogFailed(logger, id, error);
        }
        finally
        {
            // Once out, it may be somebody else's by now.
            if (!isOut)
            {
                _telling.TryRemove(key, out _);
            }
        }
    }

    // False: the disk could not be read or written. What is told next is told from the place that is stored.
    private async Task<bool> TryTellAllAsync(string room, string id)
    {
        try
        {
            while ((/* guard: one node tells webhooks */ duties.Has(ScheduledWork.Duty)) && webhooks.Find(room, id) is { Place.IsOff: false } webhook && await TellSomeAsync(webhook))
            {
                _over.Token.ThrowIfCancellationRequested();
            }

            return true;
        }
        catch (IOException)
        {
            // The operator has heard of it from the log.
            return false;
        }
    }

    // False: there is nothing more, or nothing more for now.
    private async Task<bool> TellSomeAsync(Webhook webhook)
    {
        if (RoomOf(webhook) is not { } room)
        {
            await RestAsync(webhook);
            return false;
        }

        var next = news.NextOf(room, webhook.Place);
        if (next.Epoch != webhook.Place.Epoch)
        {
            // A backup was restored, or the log was damaged: its numbers stand for something else.
            runs.Add(webhook.Room, webhook.Id, "failed", "epoch");
            return await webhooks.MoveAsync(webhook, new WebhookPlace(next.Seq, next.Epoch)) is not null;
        }

        // How far it has come is stored behind each: after a crash one is told twice, by one id, and none is left out.
        if (next.Seq == webhook.Place.Seq)
        {
            return false;
        }

        // What is not told was not taken: one that fails goes on failing.
        var taken = next.What == WebhookNext.IsTold ? await TellAsync(webhook, room, next.Seq, next.Epoch) : null;
        if (taken is false || await webhooks.MoveAsync(
            webhook,
            place => taken is true ? new WebhookPlace(next.Seq, next.Epoch) : place with { Seq = next.Seq }) is null)
        {
            return false;
        }

        // When it is behind it, so that it is said once.
        if (next.What == WebhookNext.CannotBeRead)
        {
            runs.Add(webhook.Room, webhook.Id, "failed", "damaged");
            LogLeftOut(logger, webhook.Id, next.Seq);
        }

        return true;
    }

    // Nothing is tried until it works again, so nothing fails meanwhile.
    private Task RestAsync(Webhook webhook) =>
        webhook.Place.FailingSince is null ? Task.CompletedTask : webhooks.MoveAsync(webhook, place => place with { FailingSince = null });

    // Null: there is nothing to tell any more. False: it was not taken, and nothing more is tried.
    private async Task<bool?> TellAsync(Webhook webhook, Room room, long seq, string epoch)
    {
        for (var wait = _shortestWait; ; wait = Shorter(wait * 2, _longestWait))
        {
            WebhookAnswer answer;
            using (await client.Turns.EnterAsync(webhook.Maker, _over.Token))
            {
                // What happened before its turn: removed, its maker gone, moved.
                if (webhooks.Find(webhook.Room, webhook.Id) is not { Place.IsOff: false } still || still.Place.Seq != webhook.Place.Seq)
                {
                    return false;
                }

                if (RoomOf(still) is null)
                {
                    await RestAsync(still);
                    return false;
                }

                // Made anew for each try: it may have been edited or deleted since the last one.
                if (news.BodyOf(room, seq, epoch) is not { } body)
                {
                    return null;
                }

                webhook = still;
                answer = await client.PostAsync(webhook, webhook.Maker, string.Create(CultureInfo.InvariantCulture, $"{epoch}.{seq}"), body, _over.Token);
            }

            Note(webhook, answer);
            if (answer.IsTaken)
            {
                return true;
            }

            if (await webhooks.MoveAsync(webhook, place => Failed(place, answer.Why)) is not { } failed)
            {
                return false;
            }

            if (failed.Place.IsOff)
            {
                runs.Add(webhook.Room, webhook.Id, "failed", "webhook_off");
                return false;
            }

            await Task.Delay(wait, time, _over.Token);
        }
    }

    // By the place that is stored: a moderator who has switched it on meanwhile has begun anew.
    private WebhookPlace Failed(WebhookPlace place, string why)
    {
        var now = time.GetUtcNow();
        var since = DateTimeOffset.FromUnixTimeMilliseconds(place.FailingSince ?? now.ToUnixTimeMilliseconds());
        var failing = now - (/* guard: the server's own absence is no failing of a webhook */ Later(since, _began));
        var isOff = why == "http_410" || (/* guard: a webhook that fails ends */ limits.WebhookFailureHours > 0 && failing >= TimeSpan.FromHours(limits.WebhookFailureHours));
        return place with { FailingSince = since.ToUnixTimeMilliseconds(), IsOff = isOff };
    }

    private void Note(Webhook webhook, WebhookAnswer answer) => runs.Add(webhook.Room, webhook.Id, answer.IsTaken ? "sent" : "failed", answer.Why);

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    [LoggerMessage(4350, LogLevel.Error, "The webhook {Webhook} failed, and goes on with what is said next in its room")]
    private static partial void LogFailed(ILogger logger, string webhook, Exception error);

    [LoggerMessage(4351, LogLevel.Error,
        "The webhook {Webhook} is not told event {Seq} of its room, for the log cannot be read there; it goes on with the next")]
    private static partial void LogLeftOut(ILogger logger, string webhook, long seq);
}
