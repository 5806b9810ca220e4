using WebMessenger.Broker.Host;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Transports;

if (CommandProgram.IsMeant(args))
{
    return await CommandProgram.RunAsync(args, Console.Out, Console.Error);
}

MqttSockets.HandleInPlace();
try
{
    await using var program = await WebMessengerProgram.StartAsync(args);
    foreach (var address in program.Addresses)
    {
        Console.WriteLine($"Listening on {address}");
    }

    Console.WriteLine($"Data in {program.DataFolder}");
    if (program.FirstCode is { } code)
    {
        Console.WriteLine($"No account yet. Whoever registers first is the administrator; from another machine it takes the code {code}");
    }

    Console.WriteLine("WebMessenger is ready. Stop it with Ctrl+C.");
    return await program.WaitForShutdownAsync();
}
catch (StartupException error)
{
    Console.Error.WriteLine($"WebMessenger cannot start. {error.Message.ReplaceLineEndings(" ")}");
    return 1;
}
