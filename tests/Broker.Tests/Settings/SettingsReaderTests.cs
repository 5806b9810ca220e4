using Microsoft.Extensions.Configuration;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Tests.Settings;

public sealed class SettingsReaderTests
{
    [Fact]
    public void What_is_not_set_has_its_default()
    {
        var settings = Read();

        Assert.Equal(1883, settings.MqttPort);
        Assert.Equal(["lobby"], settings.DefaultRooms.Select(room => room.Value));
        Assert.Equal(4000, settings.Limits.TextLength);
        Assert.True(Path.IsPathFullyQualified(settings.DataFolder));
    }

    [Fact]
    public void The_file_that_ships_is_read_whole()
    {
        var file = Path.Combine(AppContext.BaseDirectory, "appsettings.json");
        var settings = SettingsReader.Read(new ConfigurationBuilder().AddJsonFile(file).Build());

        // It must say what the code would do without it.
        Assert.Equal(Read().Limits, settings.Limits);
    }

    [Theory]
    [InlineData("Mqtt:Port", "70000")]
    [InlineData("Mqtt:Port", "x")]
    [InlineData("Mqtt:Address", "here")]
    [InlineData("Mqtt:AllowPlainPasswords", "maybe")]
    [InlineData("Mqtt:MaximumKeepAlive", "9")]
    [InlineData("Mqtt:MaximumKeepAlive", "70000")]
    [InlineData("Mqtt:PublicHost", "mqtt://example.org")]
    [InlineData("Mqtt:PublicPort", "70000")]
    [InlineData("Mqtt:Tls:Port", "70000")]
    [InlineData("Mqtt:Tls:Address", "here")]
    [InlineData("Mqtt:Tls:Key", "chat.key")]
    [InlineData("Mqtt:Tls:Cert", "chat.pem")]
    [InlineData("TrustedProxies:0", "proxy.example.org")]
    [InlineData("TrustedProxies:0", "10.0.0.0/40")]
    [InlineData("Limits:TextLength", "-1")]
    [InlineData("Limits:PublishBurst", "0")]
    [InlineData("Limits:AuditDays", "36501")]
    [InlineData("Limits:NoticeDays", "36501")]
    [InlineData("Limits:UnacknowledgedPerClient", "5000")]
    [InlineData("Rooms:Default:0", "../")]
    [InlineData("AllowedOrigins:0", "example.org")]
    [InlineData("DataFolder", "")]
    [InlineData("BasePath", "chat")]
    [InlineData("BasePath", "/a/../b")]
    [InlineData("Mqtt:Prot", "1")]
    [InlineData("Limits:TextLenght", "1")]
    public void A_bad_setting_is_one_line_that_names_its_key(string key, string value)
    {
        Assert.NotNull(Read());

        var error = Assert.Throws<StartupException>(() => Read(("WebMessenger:" + key, value)));

        Assert.Contains("WebMessenger:" + key.TrimEnd('0').TrimEnd(':'), error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("There is no setting port. Urls", "--port", "9000")]
    [InlineData("There is no setting Url. Urls may be meant.", "--Url=http://localhost:9000")]
    [InlineData("There is no setting DataFolder. WebMessenger:DataFolder may be meant.", "--DataFolder", "x")]
    [InlineData("There is no setting Seriolg:MinimumLevel. Serilog:MinimumLevel may be meant.", "/Seriolg:MinimumLevel=Debug")]
    [InlineData("There is no setting WebMesenger:DataFolder. WebMessenger:DataFolder may be meant.", "WebMesenger:DataFolder=x")]
    [InlineData("There is no setting 9000. Correct", "--Urls=http://localhost:9000", "9000")]
    [InlineData("There is no setting -p. Correct", "-p", "9000")]
    [InlineData("The setting Urls has no value.", "--Urls")]
    [InlineData("There is no setting verbose. Correct", "--verbose")]
    public void Fault_A7_What_is_typed_and_is_no_setting_is_one_line_that_names_it(string says, params string[] typed)
    {
        SettingsReader.RefuseUnknownTyped(
        [
            "--Urls", "http://localhost:9000", "--WebMessenger:DataFolder=x", "/urls=http://localhost:9000", "AllowedHosts=*", "--environment", "Production",
            "--contentRoot=.", "--applicationName=x", "--Serilog:MinimumLevel=Debug", "--Kestrel:Limits:MaxConcurrentConnections=5", "--Logging:LogLevel:Default=Debug",
        ]);

        var error = Assert.Throws<StartupException>(() => SettingsReader.RefuseUnknownTyped(typed));

        Assert.StartsWith(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Fault_A7_What_is_typed_for_a_setting_that_there_is_not_stays_out_of_the_line()
    {
        var error = Assert.Throws<StartupException>(() => SettingsReader.RefuseUnknownTyped(["--Tls:Pasword=secret"]));

        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_log_level_is_one_line_too()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Serilog:MinimumLevel:Default", "Loud")]).Build();

        var error = Assert.Throws<StartupException>(() => Logging.Create(configuration, Stream.Null));

        Assert.Contains("Serilog", error.Message, StringComparison.Ordinal);
    }

    private static BrokerSettings Read(params (string Key, string Value)[] settings) => SettingsReader.Read(
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build());
}
