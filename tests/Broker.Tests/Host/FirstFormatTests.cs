using System.IO.Compression;
using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>A data folder that version 0.1 has written goes on as it was: people, rights, rooms, and what was said in them.</summary>
public sealed class FirstFormatTests
{
    // Of the folder: made by 0.1 for this test, and good for nothing else.
    private const string Token = "wm_sutbxpBqh6txxqdVObWzpIquKzpSys5LGEeo2UZUKmk";
    private const string Password = "a quiet place 42";

    [Fact]
    public async Task Data_of_version_0_1_open_and_open_again()
    {
        using TempFolder folder = new();
        ZipFile.ExtractToDirectory(Path.Combine(AppContext.BaseDirectory, "version-0.1.zip"), folder.In("old"));
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:DataFolder", folder.In("old"));
        for (var start = 0; start < 2; start++)
        {
            var accounts = broker.Get<AccountDirectory>();
            Assert.True(accounts.FindByUserName("ana")!.Profile.IsAdministrator);
            Assert.Equal("spam 🦊", accounts.FindByUserName("dora")!.Ban?.Reason);
            Assert.Null(accounts.FindByUserName("erin"));
            var bob = accounts.FindByUserName("bobby-b")!;
            var (den, yard) = (broker.Room("den"), broker.Room("yard"));
            Assert.Equal(("Den \"x\"", "Ünïcode 🦊", true), (den.Record.Title, den.Record.Topic, den.Record.IsPrivate));
            Assert.Equal((true, 3L, "r/den"), (den.IsMember(bob.Id), den.Head, den.Log.Value));
            Assert.Equal(bob.Id, yard.OwnerId);
            Assert.NotNull(broker.Get<IRecords>().Find(MembershipRecord.AccountKey(bob.Id, "den")));
            Assert.Null(broker.Get<RoomDirectory>().Find("gone"));

            // By the password of before; names of before are still their owners' only.
            var signedIn = await broker.Get<SignIn>().WithPasswordAsync("BOB@example.org", Password, "test", IPAddress.Loopback);
            Assert.True(signedIn.TryGet(out _, out _));
            foreach (var name in (string[])["bob", "erin"])
            {
                var refused = await broker.Get<Registration>().RegisterAsync($"{name}@example.net", name, name, "correct horse battery staple", null, isLocal: true);
                Assert.False(refused.TryGet(out _, out _), name);
            }

            Assert.Equal("ana", broker.Get<AccessTokens>().FindBearer(Token)?.Account.UserName);
            await broker.RestartAsync();
        }

        Assert.True(File.Exists(folder.In("old/as-0.1-left-it/accounts.db")));
    }
}
