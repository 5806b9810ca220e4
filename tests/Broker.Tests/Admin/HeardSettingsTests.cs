using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Rooms.Heard;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Broker.Tests.Admin;

/// <summary>A setting that an administrator changes on one node is in effect on all.</summary>
public sealed class HeardSettingsTests
{
    [Fact]
    public async Task What_another_node_has_changed_is_in_effect_here_until_it_is_taken_back()
    {
        var (other, broker) = await OtherNode.BesideAsync("--WebMessenger:Limits:TokensPerAccount", "9");
        await using var _ = broker;
        var (auth, limits) = (broker.Get<AuthOptions>(), broker.Get<BrokerLimits>());
        Assert.Equal(9, auth.TokensPerAccount);

        await other.CommitAsync(Put("""{"Limits:TokensPerAccount":7,"Limits:TextLength":500,"Limits:OfALaterVersion":1}"""));

        Assert.Equal((7, 500), (auth.TokensPerAccount, limits.TextLength));
        Assert.Equal("here", Assert.Single(broker.Get<ChangedSettings>().All().Settings, one => one.Name == "Limits:TokensPerAccount").From);

        await other.CommitAsync(Put("""{"Limits:TextLength":600}"""));

        Assert.Equal((9, 600), (auth.TokensPerAccount, limits.TextLength));
    }

    private static DocumentChange.Put Put(string json) =>
        new DocumentChange.Put("server", "settings", null, System.Text.Encoding.UTF8.GetBytes(json));
}
