namespace WebMessenger.Broker.Operator;

/// <summary>A command cannot be done; the message is one line that says why and what to do.</summary>
internal sealed class CommandException(string message, Exception? inner = null) : Exception(message, inner);
