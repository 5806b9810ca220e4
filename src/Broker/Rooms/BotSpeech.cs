using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>Lets hooks and rules speak: with the right of who made them, out of his quota, and for as long as he may.</summary>
internal sealed class BotSpeech(Mentions mentions, StorageQuotas quotas, DiskSpace space, BrokerLimits limits)
{
    /// <summary>When it completes, it is on disk, or refused.</summary>
    /// <param name="author">Its account id is that of the hook or rule, which is no account's.</param>
    /// <param name="words">Longer than messages may be: cut. A program that calls a hook cannot say it shorter.</param>
    /// <param name="conditions">That the hook or rule is still there. Else it is <see cref="ActResult.ConflictOfRecords"/>.</param>
    /// <param name="changes">Stored with what is said, or not at all.</param>
    public async Task<ActResult> SayAsync(
        Room room,
        Author author,
        Account maker,
        BotWords words,
        IReadOnlyList<RecordCondition> conditions,
        IReadOnlyList<RecordChange>? changes = null)
    {
        words = words with { Text = BotText.Within(words.Text, limits) };

        // Everybody is called by people alone: what comes by a hook is written by whoever can make its caller say something.
        var users = mentions.FindUsers(room, words.Text);
        var message = BotMessage.Of(
            room,
            author,
            words,
            users.Count > 0 ? new Named(users, IsEveryone: false) : null,
            new StoragePayer(quotas.Of(maker), space),
            () => RoomPolicy.MayKeepBots(room, maker),
            () => RoomPolicy.WhySilent(room, maker),
            conditions,
            changes ?? []);
        return room.TryAppend(message) ? await message.Done : new ActResult(PublishRefusal.NoSuchRoom);
    }
}
