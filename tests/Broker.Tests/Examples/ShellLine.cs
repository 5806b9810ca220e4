using System.Globalization;
using System.Text.RegularExpressions;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Examples;

/// <summary>
/// A line of mosquitto_pub or mosquitto_sub, done by a client as those would do it. An option that it does not know fails.
/// </summary>
internal static partial class ShellLine
{
    public static async Task RunAsync(RunningBroker broker, Member who, Example line)
    {
        var words = Word().Matches(line.Text.Split(" #")[0]).Select(match => match.Value.Trim('\'', '"')).ToList();
        if (words[0] == "curl")
        {
            await CallAsync(broker, who, line, words);
            return;
        }

        Dictionary<string, string> options = [];
        for (var at = 1; at < words.Count; at++)
        {
            options[words[at]] = words[at] is "-c" or "-r" or "-v" ? "" : words[++at];
        }

        Assert.True(options.Keys.All(option => "-V -x -c -i -q -u -P -t -m -r -v".Split(' ').Contains(option)), $"{line} has an option that is not known here.");
        Assert.Equal(("$NAME", "$TOKEN"), (options["-u"], options["-P"]));
        await using var client = await RawMqttClient.OverTcpAsync(
            broker.Mqtt, options.GetValueOrDefault("-V") == "5" ? MqttVersion.V5 : MqttVersion.V311);
        var expiry = options.TryGetValue("-x", out var seconds)
            ? new MqttProperties { { PropertyId.SessionExpiry, uint.Parse(seconds, CultureInfo.InvariantCulture) } } : null;
        var answer = await client.ConnectAsync(
            who.Account.UserName, who.Token, options.GetValueOrDefault("-i", ""), cleanStart: !options.ContainsKey("-c"), properties: expiry);
        Assert.True(answer.ReasonCode == 0, $"{line}: {answer.ReasonCode}");
        if (words[0] == "mosquitto_pub")
        {
            Assert.True((await client.PublishAsync(options["-t"], options["-m"], retain: options.ContainsKey("-r"))).Accepted, line.ToString());
        }
        else
        {
            Assert.Equal("mosquitto_sub", words[0]);
            var qos = byte.Parse(options.GetValueOrDefault("-q", "0"), CultureInfo.InvariantCulture);
            Assert.Equal([qos], (await client.SubscribeAsync(options["-t"], qos)).ReasonCodes);
        }
    }

    private static async Task CallAsync(RunningBroker broker, Member who, Example line, List<string> words)
    {
        using HttpRequestMessage request = new();
        for (var at = 1; at < words.Count; at++)
        {
            switch (words[at])
            {
                case "-X":
                    request.Method = new HttpMethod(words[++at]);
                    break;
                case "--data-binary":
                    request.Content = new StringContent(words[++at]);
                    break;
                case "-H" when words[++at].Split(": ") is ["Content-Type", _]:
                    break;
                case "-H" when words[at] == "Authorization: Bearer $TOKEN":
                    request.Headers.Authorization = new("Bearer", who.Token);
                    break;
                default:
                    Assert.StartsWith("$SERVER/", words[at], StringComparison.Ordinal);
                    request.RequestUri = new Uri(broker.Http, words[at]["$SERVER".Length..]);
                    break;
            }
        }

        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false });
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{line}: {(int)answer.StatusCode}");
    }

    [GeneratedRegex("'[^']*'|\"[^\"]*\"|[^ ]+")]
    private static partial Regex Word();
}
