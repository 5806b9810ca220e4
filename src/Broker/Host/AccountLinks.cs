using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Host;

/// <summary>What happens to rooms when something happens to an account.</summary>
internal static class AccountLinks
{
    public static void Connect(IServiceProvider services)
    {
        var events = services.GetRequiredService<AccountEvents>();
        var members = services.GetRequiredService<RoomMembers>();
        var log = services.GetRequiredService<IEventLog>();
        var durable = services.GetRequiredService<DurableClients>();
        services.GetRequiredService<LoginSessions>().AskEverywhere(services.GetRequiredService<INodes>());

        // Hears what other nodes tell from before they are told of this one.
        services.GetRequiredService<SharedLimits>();
        events.Renamed.Subscribe(renamed =>
        {
            members.Renamed(renamed.Account, renamed.OldUserName);
            return Task.CompletedTask;
        });
        events.DisplayNameChanged.Subscribe(account =>
        {
            members.Renamed(account, account.UserName);
            return Task.CompletedTask;
        });
        events.Erased.Subscribe(services.GetRequiredService<RoomEndings>().ForgetAsync);

        // What is stored of it the other node removes, and this one hears of that.
        var rooms = services.GetRequiredService<RoomDirectory>();
        events.ErasedElsewhere.Subscribe(account =>
        {
            rooms.CloseInbox(account.Id);
            return Task.CompletedTask;
        });
        events.SessionEnded.Subscribe(async ended =>
        {
            members.SignedOut(ended.Session.Account);
            try
            {
                await durable.ForgetAsync(ended.Session);
            }
            catch (RecordsNotWrittenException)
            {
                // A full disk, of which the log tells. What is left of them goes at the next start, for their login session is over.
            }
        });

        // Also for a client that was gone by then and had sent something before.
        var data = services.GetRequiredService<DataSpaces>();
        events.SessionEnded.Subscribe(async _ =>
        {
            await log.SettleAsync();
            await data.SettleAsync();
        });
        events.CertificateTaken.Subscribe(async taken =>
        {
            try
            {
                await durable.ForgetWillsAsync(taken.Token, taken.Certificate.Fingerprint.ToString());
            }
            catch (RecordsNotWrittenException)
            {
                // A full disk, of which the log tells. They are not said by this program, and by the next one only if the token has the
                // certificate again.
            }

            await log.SettleAsync();
            await data.SettleAsync();
        });
    }
}
