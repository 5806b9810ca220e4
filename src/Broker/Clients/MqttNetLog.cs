using MQTTnet.Diagnostics.Logger;
using MQTTnet.Exceptions;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// What MQTTnet has to say, in the program's log: its errors only, since what it warns of (a peer that went away) is everyday.
/// </summary>
internal sealed partial class MqttNetLog(ILogger<MqttNetLog> log) : IMqttNetLogger
{
    public bool IsEnabled => true;

    public void Publish(MqttNetLogLevel level, string source, string message, object[]? parameters, Exception? exception)
    {
        // A client that broke the protocol or went away is the client's affair, and is told of by its connection.
        if (level == MqttNetLogLevel.Error && exception is not MqttCommunicationException)
        {
            LogError(log, source, parameters is { Length: > 0 } ? string.Format(System.Globalization.CultureInfo.InvariantCulture, message, parameters) : message, exception);
        }
    }

    [LoggerMessage(3020, LogLevel.Error, "MQTTnet {Source}: {Text}")]
    private static partial void LogError(ILogger log, string source, string text, Exception? exception);
}
