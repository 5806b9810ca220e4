using System.Globalization;
using Serilog.Events;
using Serilog.Formatting;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Host;

/// <summary>
/// One entry of the log as one line, whatever people put into names and topics:
/// nobody forges an entry or colours the operator's terminal (attack 76).
/// </summary>
internal sealed class LogLine : ITextFormatter
{
    public void Format(LogEvent logEvent, TextWriter output)
    {
        var level = logEvent.Level switch
        {
            LogEventLevel.Verbose => "VRB",
            LogEventLevel.Debug => "DBG",
            LogEventLevel.Information => "INF",
            LogEventLevel.Warning => "WRN",
            LogEventLevel.Error => "ERR",
            _ => "FTL",
        };
        output.Write(logEvent.Timestamp.ToString("yyyy-MM-dd HH:mm:ss.fff ", CultureInfo.InvariantCulture));
        output.Write(level);
        output.Write(' ');
        using StringWriter message = new(CultureInfo.InvariantCulture);
        foreach (var token in logEvent.MessageTemplate.Tokens)
        {
            // Texts as they are, without quotes.
            if (token is Serilog.Parsing.PropertyToken { PropertyName: var name }
                && logEvent.Properties.TryGetValue(name, out var value) && value is ScalarValue { Value: string text })
            {
                message.Write(text);
            }
            else
            {
                token.Render(logEvent.Properties, message, CultureInfo.InvariantCulture);
            }
        }

        output.WriteLine(/* guard: one line an entry of the log */ PlainLine.Of(LoggedSecrets.Without(message.ToString())));
        if (logEvent.Exception is { } exception)
        {
            // Its lines are set in: none of them passes for an entry.
            foreach (var line in exception.ToString().Split('\n'))
            {
                output.WriteLine("  " + /* guard: no line of a trace is an entry of the log */ PlainLine.Of(LoggedSecrets.Without(line.TrimEnd('\r'))));
            }
        }
    }
}
