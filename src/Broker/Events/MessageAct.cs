using System.Text.Json;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Broker.Events;

/// <summary>What a command does to a message that was said in the room.</summary>
/// <param name="Of">The seq of the message.</param>
internal abstract record MessageAct(long Of) : RoomAct
{
    private const int ReasonLength = 200;

    public override string Canonical => JsonSerializer.Serialize(ToCommand(), RoomCommandJson.Default.RoomCommand);

    protected abstract RoomCommand ToCommand();

    /// <summary>What a command asks for; what is wrong with it is added to the errors.</summary>
    public static MessageAct Read(RoomCommand command, List<FieldError> errors)
    {
        if (command.Of is not > 0)
        {
            errors.Add(new FieldError(
                "of", command.Of is null ? "required" : "invalid", "\"of\" is the seq of a message, a whole number from 1."));
        }

        var of = command.Of.GetValueOrDefault();
        return command.Type switch
        {
            "edit" => new Edit(of, ReadText(command.Text, errors)),
            "reaction" => ReadReaction(of, command, errors),
            "pin" => ReadPin(of, command, errors),
            _ => new Delete(of, ReadReason(command.Reason, errors)),
        };
    }

    private static Reaction ReadReaction(long of, RoomCommand command, List<FieldError> errors)
    {
        if (/* guard: a reaction is an emoji */ !Emoji.IsOne(command.Emoji ?? ""))
        {
            errors.Add(new FieldError("emoji", command.Emoji is null ? "required" : "invalid", "\"emoji\" is one emoji, fully qualified."));
        }

        if (command.On is null)
        {
            errors.Add(new FieldError("on", "required", "\"on\" is true to put the emoji there, false to take it back."));
        }

        return new Reaction(of, command.Emoji ?? "", command.On ?? true);
    }

    private static Pin ReadPin(long of, RoomCommand command, List<FieldError> errors)
    {
        if (command.On is null)
        {
            errors.Add(new FieldError("on", "required", "\"on\" is true to pin the message, false to take the pin off."));
        }

        return new Pin(of, command.On ?? true);
    }

    private static string ReadText(string? text, List<FieldError> errors)
    {
        if (Command.CheckText(text ?? "") is { Length: > 0 } wrong)
        {
            errors.Add(new FieldError("text", text is null ? "required" : "invalid", wrong));
        }

        return text ?? "";
    }

    private static string? ReadReason(string? reason, List<FieldError> errors)
    {
        reason = reason is null ? null : PlainLine.Of(reason).Trim();
        if (reason?.EnumerateRunes().Count() > ReasonLength)
        {
            errors.Add(new FieldError("reason", "too_long", "A reason has at most 200 characters."));
        }

        return reason is { Length: 0 } ? null : reason;
    }

    /// <summary>Gives it another text.</summary>
    internal sealed record Edit(long Of, string Text) : MessageAct(Of)
    {
        public override EventType Event => EventType.Edit;

        protected override RoomCommand ToCommand() => new() { Type = "edit", Of = Of, Text = Text };
    }

    /// <summary>Puts an emoji on it, or takes it back.</summary>
    internal sealed record Reaction(long Of, string Emoji, bool On) : MessageAct(Of)
    {
        public override EventType Event => EventType.Reaction;

        protected override RoomCommand ToCommand() => new() { Type = "reaction", Of = Of, Emoji = Emoji, On = On };
    }

    /// <summary>Pins it in the room, or takes the pin off.</summary>
    internal sealed record Pin(long Of, bool On) : MessageAct(Of)
    {
        public override EventType Event => EventType.Pin;

        protected override RoomCommand ToCommand() => new() { Type = "pin", Of = Of, On = On };
    }

    /// <summary>Takes back what it said.</summary>
    /// <param name="Reason">For its author, where somebody else does it; null: none was given.</param>
    internal sealed record Delete(long Of, string? Reason) : MessageAct(Of)
    {
        public override EventType Event => EventType.Delete;

        protected override RoomCommand ToCommand() => new() { Type = "delete", Of = Of, Reason = Reason };
    }
}
