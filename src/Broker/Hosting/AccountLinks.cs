using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Durable;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Hosting;

/// <summary>What happens to rooms when something happens to an account.</summary>
internal static class AccountLinks
{
    public static void Connect(IServiceProvider services)
    {
        var events = services.GetRequiredService<AccountEvents>();
        var rooms = services.GetRequiredService<RoomDirectory>();
        var durable = services.GetRequiredService<DurableClients>();
        events.Renamed.Subscribe(renamed =>
        {
            rooms.Renamed(renamed.Account, renamed.OldUserName);
            return Task.CompletedTask;
        });
        events.DisplayNameChanged.Subscribe(account =>
        {
            rooms.Renamed(account, account.UserName);
            return Task.CompletedTask;
        });
        events.Erased.Subscribe(rooms.ForgetAsync);
        events.SessionEnded.Subscribe(ended =>
        {
            rooms.SignedOut(ended.Session.Account);
            return durable.ForgetAsync(ended.Session);
        });
    }
}
